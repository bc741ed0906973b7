/**
 * The real server is killed under load and started again on its directory and its port, many times. What its clients were told is compared
 * with three others after each kill: the log, an own model of what the log means, and what the next server says.
 *
 * HOLDFAST_KILLS=1000 makes it longer, HOLDFAST_SEED repeats its draws (not the timing of processes).
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DurableServer, Scratch } from './support/durable-server.js';
import { CALLS_MIN, KillRun } from './support/kill-run.js';
import { seedOfRun } from './support/random.js';

const KILLS = Number(process.env['HOLDFAST_KILLS'] ?? 100);
const SEED = seedOfRun();
/** Servers at the same time, each with clients of its own: a start takes one processor, and there are two. */
const LANES = 2;

beforeEach(() => {
  // The shortest pauses between two tries to connect: what is looked at is the server, and its next life comes soon.
  vi.spyOn(Math, 'random').mockReturnValue(0);
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function killed(kills: number, seed: number): Promise<KillRun> {
  await using scratch = await Scratch.make();
  await using server = await DurableServer.start(scratch.path);
  const run = new KillRun(server, seed);
  await run.go(kills);
  return run;
}

/** For whoever reads the output of a run. */
function log(line: string): void {
  process.stdout.write(`${line}\n`);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

test(`${KILLS} kills under load lose nothing that was acknowledged`, { timeout: 60_000 + KILLS * 2_000 }, async () => {
  log(`HOLDFAST_SEED=${SEED} HOLDFAST_KILLS=${KILLS}`);
  const lanes = Array.from({ length: LANES }, (_, lane) => Math.floor((KILLS + lane) / LANES));
  // All of them end before a failure is told, so that none leaves its server behind.
  const ends = await Promise.allSettled(lanes.map((kills, lane) => killed(kills, SEED + lane)));
  const runs = ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
  for (const { model, history } of runs) {
    for (const [i, token] of model.tokens.entries()) expect(token).toBeGreaterThan(model.tokens[i - 1] ?? 0);
    expect(history.calls.map(({ outcome }) => outcome)).not.toContain(null);
  }
  const calls = runs.flatMap(({ history }) => history.calls);
  const grants = calls.filter(({ what, outcome }) => what === 'acquire' && outcome === 'ok').length;
  const early = sum(runs.map((run) => run.early));
  const underWay = sum(runs.map((run) => run.underWay));
  const terms = sum(runs.map(({ model }) => model.terms));
  log(
    `${early} kills during a start, ${terms} terms, ${calls.length} calls, ${grants} grants, ${underWay} under way at a kill`,
  );
  // Otherwise too little was done for the kills to mean anything.
  const underLoad = KILLS - early;
  expect(grants).toBeGreaterThan(underLoad * (CALLS_MIN / 2));
  expect(underWay).toBeGreaterThan(underLoad);
  expect(terms).toBeGreaterThan(underLoad);
  const resumes = sum(runs.flatMap(({ clients }) => clients.map((client) => client.resumes)));
  expect(resumes).toBeGreaterThan(underLoad);
});

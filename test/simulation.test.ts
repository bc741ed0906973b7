/** The whole service in a simulation, over many seeds: `pnpm sim --help`. The long run is `pnpm sim --seeds 100000`. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const SIM = fileURLToPath(new URL('../packages/testing/bin/sim.js', import.meta.url));
const SEEDS = 2_000;
const SEEDS_COMPARED = 60;
/** The other end of the Node versions that are supported, or for that one the first. */
const OTHER_NODE = process.versions.node.startsWith('24.') ? '20' : '24';

/** Has to have happened at least this often in the seeds of a test, or they show nothing. */
const FACTS = {
  'locks got': 20_000,
  'locks held': 100,
  'snapshots taken': 2_000,
  'snapshots loaded': 300,
  resumes: 1_000,
  'sessions ended: silent': 1_000,
  'sessions ended: dropped': 100,
} as const;

interface Outcome {
  readonly code: number;
  readonly output: string;
}

async function sim(file: string, args: readonly string[]): Promise<Outcome> {
  try {
    const { stdout } = await run(file, args, { maxBuffer: 2 ** 26 });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
    return { code: typeof code === 'number' ? code : -1, output: `${stdout}${stderr}` };
  }
}

function hashIn(output: string): string | undefined {
  return /^hash over all traces ([0-9a-f]{64})$/m.exec(output)?.[1];
}

function counterIn(output: string, name: string): number {
  const [line = ''] = output.split('\n').filter((text) => text.trim().replace(/^\d+\s+/, '') === name);
  return Number.parseInt(line, 10) || 0;
}

test(`no rule is broken in ${SEEDS} seeds of faults, and the faults did happen`, { timeout: 400_000 }, async () => {
  const { code, output } = await sim(process.execPath, [SIM, '--seeds', String(SEEDS)]);
  expect(code, output.slice(-20_000)).toBe(0);
  expect(output).toContain(`${SEEDS} of ${SEEDS} seeds`);
  expect(output).toContain('no violation');
  for (const [name, least] of Object.entries(FACTS)) {
    expect(counterIn(output, name), `${name}\n${output.slice(-4_000)}`).toBeGreaterThanOrEqual(least);
  }
});

test(`the same seed gives the same trace on Node ${OTHER_NODE}`, { timeout: 300_000 }, async ({ skip }) => {
  const arrived = await sim('npx', ['-y', '-p', `node@${OTHER_NODE}`, 'node', '--version']);
  if (arrived.code !== 0 && process.env['HOLDFAST_REQUIRE_NODES'] !== '1') {
    skip(`Node ${OTHER_NODE} cannot be had here`);
  }
  const args = [SIM, '--seeds', String(SEEDS_COMPARED)];
  const here = await sim(process.execPath, args);
  const there = await sim('npx', ['-y', '-p', `node@${OTHER_NODE}`, 'node', ...args]);
  expect(arrived.output).toContain(`v${OTHER_NODE}.`);
  expect(hashIn(here.output)).toMatch(/^[0-9a-f]{64}$/);
  expect(hashIn(there.output)).toBe(hashIn(here.output));
});

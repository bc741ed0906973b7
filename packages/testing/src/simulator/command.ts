/** The command `pnpm sim`: runs seeds of the simulation and says what came of them. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { runFarm } from './farm.js';
import { line } from './recorder.js';
import { Totals, countersText, parametersText, resultText, violationText } from './report.js';
import { runSeed } from './run.js';

export const HELP = `Runs the service, the server's own code and the client's, on simulated time, network and disk.

usage: pnpm sim [--seeds N] [--from S] [--workers N]
       pnpm sim --seed S [--trace]

  --seeds N    how many seeds to run; default 200
  --from S     the first of them; default 1
  --workers N  child processes; default: one a core
  --seed S     run this one only, and print what it drew first
  --trace      with --seed: print every event of its trace, one line of JSON each
  --help       print this

A seed that breaks a rule ends the command with exit code 1, after it has printed the rule, the last events and the
command that replays the seed. The same seed gives the same trace, and so the same hash, on every machine.
`;

const EXIT_VIOLATION = 1;
const EXIT_USAGE = 64;
const SEEDS_DEFAULT = 200;
const PROGRESS_MS = 2_000;

export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Resolves with the exit code. */
export async function main(args: readonly string[], output: Output): Promise<number> {
  let options: Options | null;
  try {
    options = parse(args);
  } catch (error) {
    output.err(`sim: ${error instanceof Error ? error.message : String(error)}\nTry: pnpm sim --help\n`);
    return EXIT_USAGE;
  }
  if (options === null) {
    output.out(HELP);
    return 0;
  }
  return options.seed === null ? runMany(options, output) : runOne(options.seed, options.trace, output);
}

interface Options {
  readonly seed: number | null;
  readonly trace: boolean;
  readonly from: number;
  readonly seeds: number;
  readonly workers: number;
}

/** null: help is wanted. */
function parse(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    // pnpm hands its own separator on.
    args: args.filter((arg) => arg !== '--'),
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      workers: { type: 'string' },
      seed: { type: 'string' },
      trace: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return null;
  const many = values.seeds ?? values.from ?? values.workers;
  if (values.seed !== undefined && many !== undefined) throw new Error('--seed stands alone, or with --trace');
  if (values.trace === true && values.seed === undefined) throw new Error('--trace needs --seed');
  return {
    seed: values.seed === undefined ? null : whole('seed', values.seed, 0),
    trace: values.trace ?? false,
    from: whole('from', values.from ?? '1', 0),
    seeds: whole('seeds', values.seeds ?? String(SEEDS_DEFAULT), 1),
    workers: whole('workers', values.workers ?? String(availableParallelism()), 1),
  };
}

function whole(name: string, text: string, min: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
  throw new Error(`--${name}: expected a whole number of at least ${min}, not ${JSON.stringify(text)}`);
}

function replay(seed: number): string {
  return `pnpm sim --seed ${seed} --trace`;
}

async function runOne(seed: number, traces: boolean, { out }: Output): Promise<number> {
  const result = await runSeed(seed, {
    onParameters: (parameters) => out(parametersText(parameters)),
    ...(traces ? { onEvent: (event) => out(line(event)) } : {}),
  });
  out(resultText(result));
  out(violationText(result, replay(seed)));
  return result.violation === null ? 0 : EXIT_VIOLATION;
}

async function runMany({ from, seeds, workers }: Options, { out }: Output): Promise<number> {
  const totals = new Totals();
  const startedMs = performance.now();
  const progress = (): string => {
    const seconds = (performance.now() - startedMs) / 1_000;
    const grants = totals.counters['locks got'] ?? 0;
    const rate = (totals.seeds / seconds).toFixed(1);
    return `${totals.seeds} of ${seeds} seeds, ${rate} seeds/s, ${totals.events} events, ${grants} locks got\n`;
  };
  out(`seeds ${from} to ${from + seeds - 1} on ${workers} processes\n`);
  const timer = setInterval(() => out(progress()), PROGRESS_MS);
  try {
    const failed = await runFarm({ from, seeds, workers, onResult: (result) => totals.add(result) });
    if (failed !== null) {
      out(parametersText(failed.parameters));
      out(violationText(failed, replay(failed.seed)));
      return EXIT_VIOLATION;
    }
  } finally {
    clearInterval(timer);
  }
  out(progress());
  out(`${countersText(totals.counters)}hash over all traces ${totals.hash()}\nno violation\n`);
  return 0;
}

/** Runs in words, for people. */
import { createHash } from 'node:crypto';
import { line } from './recorder.js';
import type { Parameters } from './parameters.js';
import type { RunResult } from './run.js';

export function parametersText(parameters: Parameters): string {
  return `seed ${parameters.seed}\nparameters ${JSON.stringify(parameters, null, 2)}\n`;
}

export function resultText({ events, steps, simulatedMs, hash, counters }: RunResult): string {
  const size = `${events} events, ${steps} steps, ${Math.round(simulatedMs)} ms of simulated time`;
  return `${size}\ntrace hash ${hash}\n${countersText(counters)}`;
}

/** `replay`: the command that runs this seed again. */
export function violationText({ seed, violation }: RunResult, replay: string): string {
  if (violation === null) return '';
  const events = violation.events.map(line).join('');
  const head = `the last ${violation.events.length} events:\n${events}\nVIOLATION in seed ${seed}\n${violation.message}\n`;
  return `${head}\nreplay: ${replay}\n`;
}

export function countersText(counters: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counters).toSorted(([left], [right]) => (left < right ? -1 : 1));
  const width = Math.max(0, ...entries.map(([, count]) => String(count).length));
  return entries.map(([name, count]) => `  ${String(count).padStart(width)}  ${name}\n`).join('');
}

/** What many runs came to. */
export class Totals {
  readonly #counters = new Map<string, number>();
  readonly #hashes = new Map<number, string>();
  events = 0;
  simulatedMs = 0;

  get seeds(): number {
    return this.#hashes.size;
  }

  get counters(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counters);
  }

  add({ seed, hash, events, simulatedMs, counters }: Omit<RunResult, 'parameters' | 'violation' | 'steps'>): void {
    this.#hashes.set(seed, hash);
    this.events += events;
    this.simulatedMs += simulatedMs;
    for (const [name, count] of Object.entries(counters)) {
      this.#counters.set(name, (this.#counters.get(name) ?? 0) + count);
    }
  }

  /** SHA-256 over the trace hashes in the order of the seeds, in hexadecimal. */
  hash(): string {
    const hash = createHash('sha256');
    for (const [, one] of [...this.#hashes].toSorted(([left], [right]) => left - right)) hash.update(one);
    return hash.digest('hex');
  }
}

/** What the process that ends itself writes, and what has to be found afterwards. */
import type { LogEntry } from './log-tail.js';

export interface StepFacts {
  readonly directory: string;
  /** Operations of the disk that are done before the end; more than there are: it comes to its end. */
  readonly endAfter: number;
}

/** About three entries a segment. */
export const STEPS_SEGMENT_BYTES = 700;
export const STEPS_ENTRIES = 12;
export const STEPS_SNAPSHOTS: readonly number[] = [4, 7, 10];

/** Differs in every field from its neighbours. */
export function entryAt(index: number, term: number): LogEntry {
  return {
    index,
    term,
    nowMs: index * 1_000,
    commands: [
      {
        type: 'open-session',
        session: `session ${index}`,
        client: 'x'.repeat(150),
        timeoutMs: 5_000 + index,
        secretHash: null,
      },
    ],
  };
}

/** A snapshot of which every row says what it is of. */
export function* rowsUpTo(index: number): Generator<readonly (string | number | null)[]> {
  for (let row = 1; row <= index; row++) yield ['session', `session ${row}`, row, null];
}

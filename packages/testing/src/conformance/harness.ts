/** What the conformance suite asks of whoever runs it for an engine: places to put logs into, and accidents that can happen to them. */
import type { LogPort } from '@holdfast/server/internal';

/**
 * What can be done with an engine, and with the place of a log in a test. A case that needs what there is not cannot be run.
 *
 * - `rivals`: a place can be opened while an earlier opener of it is still open.
 * - `restart`: what is in a place outlives the `close` of its log.
 * - `crash`: the test can end the process of a place's logs, or make it look so.
 * - `power-cut`: the test can take the machine's power away, or make it look so.
 * - `lost-answer`: the test can lose the answer to an append.
 *
 * Every engine has `rivals` or `restart`.
 */
export type LogAbility = 'rivals' | 'restart' | 'crash' | 'power-cut' | 'lost-answer';

/**
 * - `crash`: every log of the place is gone, without a `close`. What was under way may have landed or not.
 * - `power-cut`: the same, and what was not durable is gone, or any part of it.
 * - `lost-answer`: the next append that is called rejects with LogFailure `unknown`; whether it lands is as it comes.
 */
export type LogAccident = Extract<LogAbility, 'crash' | 'power-cut' | 'lost-answer'>;

/** Where one log lives: a directory, a prefix of keys, an object in memory. */
export interface LogPlace {
  /** A log of this place that was not opened yet. An engine that lives in the process may give the same one each time. */
  log(): LogPort;
  /** Called for accidents among the abilities only. Logs that were given before a crash or a power cut are not used any more, and not closed either. */
  suffer(accident: LogAccident): Promise<void>;
  /** Cleans up. Logs that the suite was given and that no accident took are closed by then. */
  dispose(): Promise<void>;
}

export interface LogHarness {
  readonly abilities: readonly LogAbility[];
  /** How long a call may take before it counts as one that hangs. Milliseconds; default 30,000. No promise is about this figure. */
  readonly patienceMs?: number;
  /** A fresh, empty place. */
  place(): Promise<LogPlace>;
}

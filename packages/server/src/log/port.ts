/**
 * The log port: what the service needs of a log, in six verbs, and what each promises.
 *
 * A log is a sequence of entries with indices 1, 2, 3, … The machine's state is the fold of its entries, so a log may
 * replace a prefix by a snapshot of the state after it. One opener at a time may append: opening starts a new term and
 * fences every earlier one.
 */
import type { Entry } from '@holdfast/core';

/** A machine's canonical rows after the entry `index`. */
export interface LogSnapshot {
  readonly index: number;
  readonly term: number;
  readonly rows: readonly unknown[];
}

/** What an engine keeps when its process, its machine or its disk dies. */
export type Durability = 'process' | 'disk' | 'replicated';

export interface LogPort {
  readonly supports: {
    /** `process`: nothing outlives the process. `disk`: outlives process and power. `replicated`: outlives a machine. */
    readonly durability: Durability;
  };

  /**
   * Starts a new term: resolves with its number, greater than every earlier one. From then on appends of earlier terms are refused, and
   * the entries that `read` returns are all that were ever acknowledged.
   */
  open(): Promise<number>;

  /**
   * Makes `entry` durable; the promise resolves when it is, and appends resolve in the order in which they were called. Several may be under way. The entry's index
   * must be one more than that of the append before it. The engine keeps the entry object and must not change it.
   *
   * Rejects with LogFailure: `refused`: a newer term exists; this opener must fall silent. `not-landed`: the entry is not in the log and never will be, nor are
   * those called after it; the caller may go on with the same index. `unknown`: it may be in the log; the caller waits until every append under
   * way has ended and reads the log back before it does or says anything else.
   */
  append(entry: Entry): Promise<void>;

  /** The entries from `index` on, in order, to the end of the log. Rejects with LogFailure `truncated` when `index` lies before the first one kept. */
  read(index: number): AsyncIterable<Entry>;

  /** Keeps `snapshot`; when it resolves, the entries up to its index may be gone. Never called for an index that was not applied. */
  saveSnapshot(snapshot: LogSnapshot): Promise<void>;

  /** The newest snapshot, or null. */
  loadSnapshot(): Promise<LogSnapshot | null>;

  /** Waits for appends under way, then lets go of everything. No verb may be called after it but `open`. */
  close(): Promise<void>;
}

export type LogFailureKind = 'refused' | 'not-landed' | 'unknown' | 'truncated';

export class LogFailure extends Error {
  override readonly name = 'LogFailure';
  readonly kind: LogFailureKind;

  constructor(kind: LogFailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

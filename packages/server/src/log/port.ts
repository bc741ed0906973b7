/**
 * The log port: what the service needs of a log, in six verbs, and what each promises.
 *
 * A log is a sequence of entries with indices 1, 2, 3, … The machine's state is the fold of its entries, so a log may
 * replace a prefix by a snapshot of the state after it. One opener at a time may append: opening starts a new term and
 * fences every earlier one.
 */
import type { Entry, SnapshotRow } from '@holdfast/core';

/** The state after the entry `index` of `term`, on its way into the log. */
export interface LogSnapshot {
  readonly index: number;
  readonly term: number;
  /**
   * Read once, from start to end, a few rows at a time: the machine goes on between two reads, and what is read stays the state after `index`.
   * Taking rows costs the caller's event loop time, so an engine takes them in slices of a few milliseconds and lets the loop turn between them.
   * Throws when the state that it shows is given up (the node stops).
   */
  readonly rows: Iterator<SnapshotRow>;
}

/** A snapshot on its way back. */
export interface SavedSnapshot {
  readonly index: number;
  readonly term: number;
  /** The rows that were saved, in their order. Rejects with LogFailure `damaged` before it would yield a row that was not saved. */
  readonly rows: AsyncIterable<readonly SnapshotRow[]>;
}

/** What an engine keeps when its process, its machine or its disk dies. */
export type Durability = 'process' | 'disk' | 'replicated';

export interface LogPort {
  readonly supports: {
    /** `process`: nothing outlives the process. `disk`: outlives process and power. `replicated`: outlives a machine. */
    readonly durability: Durability;
  };

  /** Where the entries are kept, for people. */
  readonly place?: string;

  /**
   * Starts a new term: resolves with its number, greater than every earlier one. From then on appends of earlier terms are refused, and
   * the entries that `read` returns are all that were ever acknowledged, perhaps followed by some whose append was under way. All of them
   * are durable: what was read once is read again. Rejects when the log cannot be had, or with LogFailure `damaged` when what it holds
   * cannot be trusted.
   */
  open(): Promise<number>;

  /**
   * Makes `entry` durable; the promise resolves when it is, and appends resolve in the order in which they were called. Several may be under way. The entry's index
   * must be one more than that of the append before it. The engine keeps the entry object and must not change it.
   *
   * Rejects with LogFailure: `refused`: a newer term exists, or the engine cannot be trusted any more; this opener must fall silent. `not-landed`: the entry is not in
   * the log and never will be, nor are those called after it; the caller may go on with the same index. `unknown`: it may be in the log; the caller waits until every append under
   * way has ended and reads the log back before it does or says anything else.
   */
  append(entry: Entry): Promise<void>;

  /**
   * The entries from `index` on, in order, to the end of the log as it is when they are read. Rejects with LogFailure `truncated` when `index` lies before the first one
   * kept, with `damaged` before it would yield an entry that was not appended.
   */
  read(index: number): AsyncIterable<Entry>;

  /**
   * Keeps `snapshot`. When it resolves the snapshot is durable, `loadSnapshot` gives it, and entries that only older snapshots need may be gone. The snapshot before it
   * is kept too, with the entries after it. When it rejects, or the process ends before, the log is as it was. Appends go on meanwhile. One at a time, with a
   * growing index that was applied.
   */
  saveSnapshot(snapshot: LogSnapshot): Promise<void>;

  /** The newest snapshot, or null. The entries after it are there. */
  loadSnapshot(): Promise<SavedSnapshot | null>;

  /** Waits for appends under way, gives up a snapshot under way, then lets go of everything. No verb may be called after it. */
  close(): Promise<void>;
}

export type LogFailureKind = 'refused' | 'not-landed' | 'unknown' | 'truncated' | 'damaged';

export class LogFailure extends Error {
  override readonly name = 'LogFailure';
  readonly kind: LogFailureKind;

  constructor(kind: LogFailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

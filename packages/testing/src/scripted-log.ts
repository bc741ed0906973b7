/**
 * A log whose appends end when and how a script says: late, refused, not landed, or with a lost answer. It keeps the promises of the log
 * port, and throws when its caller breaks a rule: a gap in the indices, or an append while an earlier one's fate is not known.
 */
import type { Entry, SnapshotRow } from '@holdfast/core';

export type ScriptedFailureKind = 'refused' | 'not-landed' | 'unknown' | 'truncated';

export interface ScriptedSnapshot {
  readonly index: number;
  readonly term: number;
  readonly rows: Iterator<SnapshotRow>;
}

interface KeptSnapshot {
  readonly index: number;
  readonly term: number;
  readonly rows: readonly SnapshotRow[];
}

export interface ScriptedLogOptions {
  /** Makes the error that the log port rejects with: `(kind, message) => new LogFailure(kind, message)`. */
  readonly failure: (kind: ScriptedFailureKind, message: string) => Error;
  /** Appends resolve by themselves until `manual` is set. Default true. */
  readonly automatic?: boolean;
  readonly durability?: 'process' | 'disk' | 'replicated';
}

interface Append {
  readonly entry: Entry;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

export class ScriptedLog {
  readonly supports: { readonly durability: 'process' | 'disk' | 'replicated' };
  readonly #failure: ScriptedLogOptions['failure'];
  /** What is durable. */
  readonly entries: Entry[] = [];
  /** Appends whose caller waits. */
  readonly #underWay: Append[] = [];
  #term = 0;
  #automatic: boolean;
  /** The answer to an append was lost and the log was not read since. */
  #inDoubt = false;
  /** Reads fail. */
  unreadable = false;
  /** Times that `read` was called. */
  readCount = 0;
  closed = false;
  #snapshot: KeptSnapshot | null = null;

  constructor(options: ScriptedLogOptions) {
    this.#failure = options.failure;
    this.#automatic = options.automatic ?? true;
    this.supports = { durability: options.durability ?? 'disk' };
  }

  // ---- the log port -------------------------------------------------------------------------------------------------------

  async open(): Promise<number> {
    this.#term += 1;
    this.#inDoubt = false;
    return this.#term;
  }

  append(entry: Entry): Promise<void> {
    if (this.closed) throw new Error('an append after the close');
    if (this.#inDoubt) throw new Error(`entry ${entry.index} was appended while an earlier one was in doubt`);
    const last = this.#underWay.at(-1)?.entry ?? this.entries.at(-1);
    if (entry.index !== (last?.index ?? 0) + 1) throw new Error(`entry ${entry.index} does not follow ${last?.index}`);
    if (last !== undefined && entry.nowMs < last.nowMs) throw new Error(`log time went back to ${entry.nowMs}`);
    return new Promise((resolve, reject) => {
      this.#underWay.push({ entry, resolve, reject });
      if (this.#automatic) this.commit();
    });
  }

  async *read(index: number): AsyncGenerator<Entry> {
    this.readCount += 1;
    if (this.#underWay.length > 0) throw new Error('the log was read while appends were under way');
    if (this.unreadable) throw this.#failure('unknown', 'the log does not answer');
    this.#inDoubt = false;
    const found = this.entries.filter((entry) => entry.index >= index);
    for (const entry of found) {
      await Promise.resolve();
      yield entry;
    }
  }

  /** Takes one row a turn of the microtask queue, so that a test can put anything between two rows. */
  async saveSnapshot({ index, term, rows }: ScriptedSnapshot): Promise<void> {
    const kept: SnapshotRow[] = [];
    for (let next = rows.next(); next.done !== true; next = rows.next()) {
      kept.push(next.value);
      await Promise.resolve();
    }
    this.#snapshot = { index, term, rows: kept };
  }

  async loadSnapshot(): Promise<{ index: number; term: number; rows: AsyncIterable<readonly SnapshotRow[]> } | null> {
    if (this.#snapshot === null) return null;
    const { index, term, rows } = this.#snapshot;
    return { index, term, rows: inOnePage(rows) };
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  // ---- the script -----------------------------------------------------------------------------------------------------------

  /** From now on appends wait for the script. */
  manual(): void {
    this.#automatic = false;
  }

  /** From now on appends resolve by themselves; those under way now do, too. */
  automatic(): void {
    this.#automatic = true;
    this.commit(this.#underWay.length);
  }

  /** Entries whose append is under way, oldest first. */
  get underWay(): readonly Entry[] {
    return this.#underWay.map(({ entry }) => entry);
  }

  /** The `count` oldest appends are durable. */
  commit(count = 1): void {
    for (let left = count; left > 0; left--) {
      const append = this.#oldest();
      this.entries.push(append.entry);
      append.resolve();
    }
  }

  /** All appends under way are refused: a newer term exists. */
  refuse(): void {
    this.#term += 1;
    this.#failAll('refused');
  }

  /** None of the appends under way is in the log, and none will be. */
  miss(): void {
    this.#failAll('not-landed');
  }

  /** The answers to all appends under way are lost. The `landed` oldest of them are in the log. */
  lose(landed: number): void {
    this.#inDoubt = true;
    for (const { entry } of this.#underWay.slice(0, landed)) this.entries.push(entry);
    this.#failAll('unknown');
  }

  /** The answer to the oldest append is lost, those after it are still under way. `landed`: it is in the log. */
  loseOldest(landed: boolean): void {
    const append = this.#oldest();
    this.#inDoubt = true;
    if (landed) this.entries.push(append.entry);
    append.reject(this.#failure('unknown', 'the answer was lost'));
  }

  /** An entry of somebody else. */
  intrude(entry: Entry): void {
    this.entries.push(entry);
  }

  #oldest(): Append {
    const append = this.#underWay.shift();
    if (append === undefined) throw new Error('no append is under way');
    return append;
  }

  #failAll(kind: ScriptedFailureKind): void {
    for (const { reject } of this.#underWay.splice(0)) reject(this.#failure(kind, `scripted: ${kind}`));
  }
}

async function* inOnePage(rows: readonly SnapshotRow[]): AsyncGenerator<readonly SnapshotRow[]> {
  yield rows;
}

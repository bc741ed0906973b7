/** The memory engine: a log that lives as long as its process. One node; nothing of it survives a restart. */
import type { Entry, SnapshotRow } from '@holdfast/core';
import { LogFailure, type LogPort, type LogSnapshot, type SavedSnapshot } from './port.js';

const DURABLE = Promise.resolve();

/** Rows taken in one turn of the event loop: about a millisecond. */
const ROWS_PER_TURN = 1_000;

interface KeptSnapshot {
  readonly index: number;
  readonly term: number;
  readonly chunks: readonly (readonly SnapshotRow[])[];
}

export interface MemoryLogOptions {
  /**
   * Keep entries for readers in this process. Without, an entry is forgotten once it is appended: nobody can read it after the process, and
   * keeping it would be a leak. `read` then answers `truncated`.
   */
  readonly keepEntries?: boolean;
}

export class MemoryLog implements LogPort {
  readonly supports = { durability: 'process' } as const;
  readonly #keepEntries: boolean;
  #term = 0;
  #closed = false;
  #lastIndex = 0;
  /** Invariant: the entries after the snapshot, without gaps, ending at #lastIndex; empty unless entries are kept. */
  #entries: Entry[] = [];
  #snapshot: KeptSnapshot | null = null;

  constructor(options: MemoryLogOptions = {}) {
    this.#keepEntries = options.keepEntries ?? false;
  }

  async open(): Promise<number> {
    this.#term += 1;
    return this.#term;
  }

  append(entry: Entry): Promise<void> {
    if (entry.term !== this.#term) {
      return Promise.reject(new LogFailure('refused', `term ${entry.term} is over, the log is at ${this.#term}`));
    }
    if (entry.index !== this.#lastIndex + 1) {
      return Promise.reject(new LogFailure('not-landed', `index ${entry.index} does not follow ${this.#lastIndex}`));
    }
    this.#lastIndex = entry.index;
    if (this.#keepEntries) this.#entries.push(entry);
    return DURABLE;
  }

  async *read(index: number): AsyncIterable<Entry> {
    const first = this.#lastIndex - this.#entries.length + 1;
    if (index < first) throw new LogFailure('truncated', `entries before ${first} are gone`);
    yield* this.#entries.slice(index - first);
  }

  async saveSnapshot({ index, term, rows }: LogSnapshot): Promise<void> {
    const chunks: SnapshotRow[][] = [];
    for (let next = rows.next(); next.done !== true;) {
      const chunk: SnapshotRow[] = [];
      for (; next.done !== true && chunk.length < ROWS_PER_TURN; next = rows.next()) chunk.push(next.value);
      chunks.push(chunk);
      await turn();
      if (this.#closed) throw new LogFailure('not-landed', 'the log closes: its snapshot is given up');
    }
    // Whoever starts from the snapshot before this one still finds the entries after it.
    const first = this.#lastIndex - this.#entries.length + 1;
    this.#entries.splice(0, Math.max(0, (this.#snapshot?.index ?? 0) - first + 1));
    this.#snapshot = { index, term, chunks };
  }

  async loadSnapshot(): Promise<SavedSnapshot | null> {
    if (this.#snapshot === null) return null;
    const { index, term, chunks } = this.#snapshot;
    return { index, term, rows: each(chunks) };
  }

  async close(): Promise<void> {
    // Appends are durable, as far as this engine goes, when they are called: none is under way.
    this.#closed = true;
  }
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** The event loop turns once. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

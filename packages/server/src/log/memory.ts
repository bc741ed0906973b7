/** The memory engine: a log that lives as long as its process. One node; nothing of it survives a restart. */
import type { Entry } from '@holdfast/core';
import { LogFailure, type LogPort, type LogSnapshot } from './port.js';

const DURABLE = Promise.resolve();

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
  #lastIndex = 0;
  /** Invariant: the entries after the snapshot, without gaps, ending at #lastIndex; empty unless entries are kept. */
  #entries: Entry[] = [];
  #snapshot: LogSnapshot | null = null;

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

  async saveSnapshot(snapshot: LogSnapshot): Promise<void> {
    this.#snapshot = snapshot;
    const first = this.#lastIndex - this.#entries.length + 1;
    this.#entries.splice(0, Math.max(0, snapshot.index - first + 1));
  }

  async loadSnapshot(): Promise<LogSnapshot | null> {
    return this.#snapshot;
  }

  async close(): Promise<void> {
    // Appends are durable, as far as this engine goes, when they are called: nothing is under way.
  }
}

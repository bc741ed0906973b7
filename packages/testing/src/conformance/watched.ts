/** A log whose every call settles: one that does not is reported by name, instead of as a test that stands still. */
import type { Entry } from '@holdfast/core';
import type { LogPort, LogSnapshot, SavedSnapshot } from '@holdfast/server/internal';

export class WatchedLog implements LogPort {
  readonly #log: LogPort;
  readonly #patienceMs: number;

  constructor(log: LogPort, patienceMs: number) {
    this.#log = log;
    this.#patienceMs = patienceMs;
  }

  get supports(): LogPort['supports'] {
    return this.#log.supports;
  }

  open(): Promise<number> {
    return this.#settled('open', this.#log.open());
  }

  append(entry: Entry): Promise<void> {
    return this.#settled(`append of entry ${entry.index}`, this.#log.append(entry));
  }

  read(index: number): AsyncIterable<Entry> {
    return this.#steps(`read from ${index}`, this.#log.read(index));
  }

  saveSnapshot(snapshot: LogSnapshot): Promise<void> {
    return this.#settled(`saveSnapshot of entry ${snapshot.index}`, this.#log.saveSnapshot(snapshot));
  }

  async loadSnapshot(): Promise<SavedSnapshot | null> {
    const snapshot = await this.#settled('loadSnapshot', this.#log.loadSnapshot());
    if (snapshot === null) return null;
    const { index, term, rows } = snapshot;
    return { index, term, rows: this.#steps(`rows of the snapshot of entry ${index}`, rows) };
  }

  close(): Promise<void> {
    return this.#settled('close', this.#log.close());
  }

  async *#steps<T>(what: string, items: AsyncIterable<T>): AsyncGenerator<T> {
    const steps = items[Symbol.asyncIterator]();
    try {
      for (;;) {
        const step = await this.#settled(what, steps.next());
        if (step.done === true) return;
        yield step.value;
      }
    } finally {
      // Whoever stops reading half-way lets the engine let go of what it reads from.
      if (steps.return !== undefined) await this.#settled(`the end of ${what}`, steps.return());
    }
  }

  #settled<T>(what: string, call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${what} did not settle in ${this.#patienceMs} ms`)),
        this.#patienceMs,
      );
      call.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}

/** Functions that want to be told. A listener that throws breaks nobody: its error is reported, the others are called. */

/** Takes an error that has nobody else to go to. */
export type Report = (error: unknown) => void;

/** As an exception of its own turn: what the platform does with uncaught errors happens, and our own work goes on. */
export const reportUncaught: Report = (error) => {
  queueMicrotask(() => {
    throw error;
  });
};

export class Listeners<T> {
  #listeners: readonly ((value: T) => void)[] = [];
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  /** Returns what takes the listener away again. */
  add(listener: (value: T) => void): () => void {
    // A wrapper of its own, so that the same function added twice is called twice and removed one at a time.
    const added = (value: T): void => listener(value);
    this.#listeners = [...this.#listeners, added];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== added);
    };
  }

  emit(value: T): void {
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}

/** The outboxes that have something to say, flushed together at the end of the turn that made them say it. */

/** What is flushed: an outbox. */
export interface Flushable {
  /** Invariant: true exactly while it is on one of the flusher's lists. Written by the flusher. */
  dirty: boolean;
  flush(nowMs: number): void;
}

/** Its reactions are microtasks without the bookkeeping that Node adds to queueMicrotask, which showed in profiles. */
const SETTLED = Promise.resolve();

export class Flusher {
  readonly #nowMs: () => number;
  #urgent: Flushable[] = [];
  #normal: Flushable[] = [];
  #scheduled = false;

  readonly #flush = (): void => {
    this.#scheduled = false;
    const urgent = this.#urgent;
    const normal = this.#normal;
    const nowMs = this.#nowMs();
    if (urgent.length > 0) this.#urgent = [];
    if (normal.length > 0) this.#normal = [];
    for (const outbox of urgent) {
      outbox.dirty = false;
      outbox.flush(nowMs);
    }
    for (const outbox of normal) {
      outbox.dirty = false;
      outbox.flush(nowMs);
    }
  };

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(outbox: Flushable): void {
    outbox.dirty = true;
    this.#normal.push(outbox);
    this.#schedule();
  }

  /** Flushed before the others: a grant ends somebody's waiting, an acknowledgement does not. */
  addUrgent(outbox: Flushable): void {
    outbox.dirty = true;
    this.#urgent.push(outbox);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A microtask still runs in this turn; putting it off to a later one costs a fifth of the contended hand-overs.
    void SETTLED.then(this.#flush);
  }
}

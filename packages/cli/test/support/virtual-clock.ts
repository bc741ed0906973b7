import type { Clock } from '../../src/run/clock.js';

/** A clock that moves only when told to, and fires what is due in order. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly call: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, call: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get pending(): number {
    return this.#timers.length;
  }

  advanceTo(nowMs: number): void {
    for (;;) {
      const due = this.#timers.filter(({ atMs }) => atMs <= nowMs).toSorted((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.call();
    }
    this.#nowMs = nowMs;
  }

  /** As a machine that was suspended, or a program that was stopped: time has passed and no timer has fired. */
  jumpTo(nowMs: number): void {
    this.#nowMs = nowMs;
  }
}

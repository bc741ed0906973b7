/** A clock that moves when it is told to; turns of the event loop are Node's own. */
import type { Clock } from '../../../src/clock.js';

export class TestClock implements Clock {
  #nowMs = 1_000;
  #count = 0;
  readonly #timers = new Map<number, { readonly dueMs: number; readonly fire: () => void }>();

  get timerCount(): number {
    return this.#timers.size;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 0;
  }

  setTimer(delayMs: number, fire: () => void): number {
    this.#count += 1;
    this.#timers.set(this.#count, { dueMs: this.#nowMs + delayMs, fire });
    return this.#count;
  }

  clearTimer(timer: unknown): void {
    if (typeof timer === 'number') this.#timers.delete(timer);
  }

  afterPoll(task: () => void): void {
    setImmediate(task);
  }

  /** Time passes; what is due fires, and what follows from it happens. */
  async advance(ms: number): Promise<void> {
    this.#nowMs += ms;
    for (const [number, { dueMs, fire }] of this.#timers) {
      if (dueMs > this.#nowMs) continue;
      this.#timers.delete(number);
      fire();
    }
    await turns();
  }
}

/** The event loop turns often enough for everything that waits for nothing else. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** Time that moves when a test says so. */
import type { Clock, TimerHandle } from '../../src/clock.js';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly fire: () => void;
}

export class VirtualClock implements Clock {
  #nowMs = 1_000;
  #wallOffsetMs = 1_760_000_000_000;
  #order = 0;
  #timers = new Set<Timer>();

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  setTimer(ms: number, fire: () => void): TimerHandle {
    const timer = { dueMs: this.#nowMs + ms, order: this.#order++, fire };
    this.#timers.add(timer);
    return timer;
  }

  clearTimer(handle: TimerHandle): void {
    this.#timers.delete(handle as Timer);
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  /** Time passes while the program runs: each timer fires at its time, and what it leads to happens before the next. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (let timer = this.#next(endMs); timer !== null; timer = this.#next(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      this.#timers.delete(timer);
      timer.fire();
      await settle();
    }
    this.#nowMs = endMs;
    await settle();
  }

  /** Time passes while the program is stopped (SIGSTOP, a long computation): timers are late. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  /** The machine is suspended: the wall clock goes on, the monotonic one stands still. Negative: the wall clock is set back. */
  suspend(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  #next(endMs: number): Timer | null {
    let first: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue;
      if (first === null || timer.dueMs < first.dueMs || (timer.dueMs === first.dueMs && timer.order < first.order))
        first = timer;
    }
    return first;
  }
}

/** All that is ready to run has run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** The one place where this package reads time and sets timers. Everything else is given a Clock. */

/** Whatever the clock's own timers are named by. */
export type TimerHandle = unknown;

export interface Clock {
  /** Monotonic milliseconds since an arbitrary moment; never goes back. Deadlines are counted on it. */
  nowMs(): number;
  /** The wall clock in milliseconds. Only ever compared with `nowMs`, to see that the machine was suspended. */
  wallMs(): number;
  /**
   * Calls `fire` once, `ms` from now or later. `keepsAlive` false or absent: the timer alone is no reason for a process
   * to go on.
   */
  setTimer(ms: number, fire: () => void, keepsAlive?: boolean): TimerHandle;
  clearTimer(handle: TimerHandle): void;
}

/**
 * A delay for a timer that is to fire when `ms` have passed: platforms cut fractions off, and a timer that fires a
 * fraction early would only be set again, without end if the rest is too small to be added to the time.
 */
export function wholeMs(ms: number): number {
  return Math.max(1, Math.ceil(ms));
}

class SystemClock implements Clock {
  nowMs(): number {
    return performance.now();
  }

  wallMs(): number {
    return Date.now();
  }

  setTimer(ms: number, fire: () => void, keepsAlive = false): TimerHandle {
    const handle: unknown = setTimeout(fire, ms);
    // Node's timers are objects that can be told not to hold the process; a browser's are numbers.
    if (!keepsAlive && typeof handle === 'object' && handle !== null && 'unref' in handle) {
      if (typeof handle.unref === 'function') handle.unref();
    }
    return handle;
  }

  clearTimer(handle: TimerHandle): void {
    // What setTimeout returned: an object in Node, a number elsewhere. clearTimeout ignores anything else.
    clearTimeout(handle as Parameters<typeof clearTimeout>[0]);
  }
}

export const systemClock: Clock = new SystemClock();

/** Numbers in [0, 1), for delays only: nothing secret is made of them. */
export const systemRandom = (): number => Math.random();

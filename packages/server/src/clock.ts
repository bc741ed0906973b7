/**
 * The only source of time in the server. Everything else is given a Clock, so that two servers, a test or a simulation can
 * live in one process, each with its own.
 */

/** A running timer. Numbers are for clocks that are not Node's. */
export type Timer = NodeJS.Timeout | number;

export interface Clock {
  /** Monotonic milliseconds, fractional, from an arbitrary start. The only clock of liveness and log time. */
  nowMs(): number;
  /** Wall clock in Unix milliseconds. Only for the floor of fencing tokens. */
  wallMs(): number;
  setTimer(delayMs: number, fire: () => void): Timer;
  clearTimer(timer: Timer): void;
  /** Runs `task` after what is waiting in the sockets now has been read: after one whole poll of the event loop. */
  afterPoll(task: () => void): void;
}

/** Longest delay that Node's timers can hold; longer ones would fire at once. */
const TIMER_MS_MAX: number = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer: (delayMs, fire) => setTimeout(fire, Math.min(delayMs, TIMER_MS_MAX)),
  clearTimer: (timer) => clearTimeout(timer),
  afterPoll: (task) => {
    setImmediate(task);
  },
};

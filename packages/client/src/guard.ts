/**
 * Watches the clock for the holds: deadlines, leases, local waits.
 *
 * A deadline is noticed wherever somebody looks (a timer, a frame that arrives, a question of the caller), and once
 * noticed it is final. Besides the timer for the next deadline there is a coarse tick: after a stall of the whole
 * process, timers run in the order of their due times, so a tick that was due early in the stall runs before most
 * timers of the program, and before anything is read from a socket.
 */
import type { Clock, TimerHandle } from './clock.js';
import { wholeMs } from './clock.js';
import type { Liveness } from './liveness.js';

/** A tick is this part of the session time-out, and at least TICK_MS_MIN. */
const TICKS_PER_TIMEOUT = 20;
const TICK_MS_MIN = 25;

export interface Guarded {
  /** Whether anything ends when the session's deadline passes. */
  readonly hasClaims: boolean;
  /** The clock jumped: nothing that was heard before counts. */
  clockJumped(): void;
  deadlinePassed(): void;
  /** Ends what has run out by `nowMs`; the next moment at which something does, Infinity: never and no tick is needed. */
  expire(nowMs: number): number;
}

export class Guard {
  readonly #clock: Clock;
  readonly #liveness: Liveness;
  readonly #guarded: Guarded;
  #timer: TimerHandle | null = null;
  #timerMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, liveness: Liveness, guarded: Guarded) {
    this.#clock = clock;
    this.#liveness = liveness;
    this.#guarded = guarded;
  }

  /** Looks at both clocks. What is over by now has ended when this returns. */
  check(): number {
    const nowMs = this.#clock.nowMs();
    if (this.#liveness.clockJumped(nowMs, this.#clock.wallMs())) this.#guarded.clockJumped();
    else if (this.#guarded.hasClaims && nowMs >= this.#liveness.deadlineMs) this.#guarded.deadlinePassed();
    return nowMs;
  }

  /** There is something to watch that ends at `endMs` at the latest; sets the timer if it would come too late. */
  watch(nowMs: number, endMs: number): void {
    const dueMs = Math.min(endMs, nowMs + this.#tickMs);
    if (this.#timer !== null && this.#timerMs <= dueMs) return;
    this.#set(dueMs, nowMs);
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  get #tickMs(): number {
    return Math.max(TICK_MS_MIN, this.#liveness.timeoutMs / TICKS_PER_TIMEOUT);
  }

  #set(dueMs: number, nowMs: number): void {
    this.stop();
    this.#timerMs = dueMs;
    this.#timer = this.#clock.setTimer(wholeMs(dueMs - nowMs), this.#fire);
  }

  readonly #fire = (): void => {
    this.#timer = null;
    const nowMs = this.check();
    const nextMs = this.#guarded.expire(nowMs);
    const deadlineMs = this.#guarded.hasClaims ? this.#liveness.deadlineMs : Number.POSITIVE_INFINITY;
    const endMs = Math.min(nextMs, deadlineMs);
    if (endMs < Number.POSITIVE_INFINITY) this.watch(nowMs, endMs);
  };
}

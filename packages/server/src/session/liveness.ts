/**
 * Who is still there. Sends pings every third of a session's time-out and finds the sessions that were not heard for a whole one.
 *
 * Two rules keep a slow server from ending sessions that are alive. Nothing is decided in a timer's callback: after a stall, timers run before
 * the sockets are read, and the proof of life is in the sockets; so the decision waits for one whole poll. And time during which this process did not run does
 * not count: liveness time is monotonic time less all stalls that were noticed.
 */
import { DeadlineHeap } from '@holdfast/core';
import { PINGS_PER_TIMEOUT } from '@holdfast/protocol';
import type { Clock, Timer } from '../clock.js';
import { limits } from '../limits.js';
import type { Session } from './session.js';

/** Deadlines are rounded up to this, so that thousands of sessions share a timer. */
const GRAIN_MS = 25;

export interface LivenessActions {
  /** Time for a ping (and a beat). */
  ping(session: Session): void;
  /** Not heard for its whole time-out. */
  silent(session: Session): void;
  stalled(lateMs: number): void;
}

export class Liveness {
  readonly #clock: Clock;
  readonly #actions: LivenessActions;
  readonly #heap = new DeadlineHeap<Session>();
  #stalledMs = 0;
  #timer: Timer | null = null;
  #timerDueMs = Infinity;

  constructor(clock: Clock, actions: LivenessActions) {
    this.#clock = clock;
    this.#actions = actions;
  }

  /**
   * Liveness time. While a timer is late beyond a stall it stands still: sockets may be read before the timer says so, and what is heard from them must
   * not count from a moment that is about to be taken out.
   */
  nowMs(): number {
    const nowMs = this.#clock.nowMs() - this.#stalledMs;
    const firesMs = this.#timerDueMs + GRAIN_MS;
    return this.#timer !== null && nowMs - firesMs > limits.stallMs ? firesMs : nowMs;
  }

  /** Begins to watch over `session`, which counts as heard now. */
  add(session: Session): void {
    const now = this.nowMs();
    session.heardMs = now;
    session.nextPingMs = now + session.timeoutMs / PINGS_PER_TIMEOUT;
    session.dueMs = this.#due(session);
    this.#heap.add(session);
    this.#arm();
  }

  remove(session: Session): void {
    if (session.heapIndex >= 0) this.#heap.remove(session);
  }

  /** A connection came or went: the next deadline changes. */
  reschedule(session: Session): void {
    if (session.heapIndex < 0) return;
    session.nextPingMs = this.nowMs() + session.timeoutMs / PINGS_PER_TIMEOUT;
    this.#heap.update(session, this.#due(session));
    this.#arm();
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#timerDueMs = -Infinity;
  }

  #due(session: Session): number {
    const silentMs = session.heardMs + session.timeoutMs;
    return session.connection === null ? silentMs : Math.min(silentMs, session.nextPingMs);
  }

  #arm(): void {
    const first = this.#heap.first;
    if (first === undefined || first.dueMs >= this.#timerDueMs) return;
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    const now = this.nowMs();
    this.#timerDueMs = Math.max(now, first.dueMs);
    this.#timer = this.#clock.setTimer(this.#timerDueMs - now + GRAIN_MS, this.#onTimer);
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    const lateMs = this.nowMs() - this.#timerDueMs - GRAIN_MS;
    if (lateMs > limits.stallMs) {
      this.#stalledMs += lateMs;
      this.#actions.stalled(lateMs);
    }
    this.#clock.afterPoll(this.#check);
  };

  readonly #check = (): void => {
    if (this.#timerDueMs === -Infinity) return;
    this.#timerDueMs = Infinity;
    const now = this.nowMs();
    for (;;) {
      const session = this.#heap.first;
      if (session === undefined || session.dueMs > now) break;
      if (session.heardMs + session.timeoutMs <= now) {
        this.#heap.remove(session);
        this.#actions.silent(session);
        continue;
      }
      if (session.connection !== null && session.nextPingMs <= now) {
        session.nextPingMs = now + session.timeoutMs / PINGS_PER_TIMEOUT;
        this.#actions.ping(session);
      }
      this.#heap.update(session, this.#due(session));
    }
    this.#arm();
  };
}

/**
 * Resumes first: for a moment after a node has begun to lead, new sessions wait until those that the state knows have come back. A crowd
 * that comes back at once is let in before anybody new can take its place at the sockets, the log or the limits.
 */
import type { Clock, Timer } from '../clock.js';

export class ResumesFirst {
  readonly #clock: Clock;
  readonly #forMs: number;
  /** Sessions that may still resume; null: everybody is let in. */
  #awaited: Set<string> | null = null;
  #waiting: (() => void)[] = [];
  #timer: Timer | null = null;

  /** `forMs`: how long newcomers wait at most. */
  constructor(clock: Clock, forMs: number) {
    this.#clock = clock;
    this.#forMs = forMs;
  }

  /** From now on newcomers wait for these sessions. */
  begin(sessions: Iterable<string>): void {
    this.#awaited = new Set(sessions);
    this.#timer = this.#clock.setTimer(this.#forMs, () => this.end());
    this.#look();
  }

  /** Calls `enter` when newcomers are let in: now, or after those before it. */
  newcomer(enter: () => void): void {
    if (this.#awaited === null) enter();
    else this.#waiting.push(enter);
  }

  /** The session is back, or over. */
  settled(session: string): void {
    if (this.#awaited?.delete(session) === true) this.#look();
  }

  /** Newcomers are let in, in their order. */
  end(): void {
    this.#awaited = null;
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    for (const enter of this.#waiting.splice(0)) enter();
  }

  /** Nobody is let in any more. */
  stop(): void {
    this.#waiting = [];
    this.end();
  }

  #look(): void {
    if (this.#awaited?.size === 0) this.end();
  }
}

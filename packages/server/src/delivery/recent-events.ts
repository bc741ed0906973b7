/**
 * The latest steps' events, so that a watch that comes back after a short absence misses nothing. Kept only while somebody
 * watches or has watched lately: remembering what nobody asks for would cost every grant.
 */
import type { Clock } from '../clock.js';
import { limits } from '../limits.js';
import type { KeyEvent } from './key-events.js';

export interface Step {
  readonly position: number;
  readonly events: readonly KeyEvent[];
}

export class RecentEvents {
  readonly #clock: Clock;
  #steps: Step[] = [];
  #eventCount = 0;
  /** Position up to which events may be missing here. */
  #forgottenTo = 0;
  #watchCount = 0;
  #idleSinceMs = -Infinity;
  #recording = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keeps what comes, though nobody watches yet: those who watched before a restart may come back and ask what they missed after `position`. */
  begin(position: number): void {
    this.#forgottenTo = position;
    this.#recording = true;
    this.#idleSinceMs = this.#clock.nowMs();
  }

  /** One watch more; `position` is the present one. */
  hold(position: number): void {
    this.#watchCount += 1;
    if (!this.#recording) this.#forgottenTo = position;
    this.#recording = true;
  }

  /** One watch less. */
  release(): void {
    this.#watchCount -= 1;
    this.#idleSinceMs = this.#clock.nowMs();
  }

  get recording(): boolean {
    if (!this.#recording || this.#watchCount > 0) return this.#recording;
    if (this.#clock.nowMs() - this.#idleSinceMs > limits.recentEventsKeptMs) {
      this.#recording = false;
      this.#steps = [];
      this.#eventCount = 0;
    }
    return this.#recording;
  }

  add(position: number, events: readonly KeyEvent[]): void {
    this.#steps.push({ position, events });
    this.#eventCount += events.length;
    if (this.#eventCount > 2 * limits.recentEventsMax) this.#trim();
  }

  /** The steps after `position` up to `present`; null when some of them are not known any more (or never were). */
  after(position: number, present: number): readonly Step[] | null {
    if (position > present) return null;
    if (position === present) return [];
    if (!this.#recording || position < this.#forgottenTo) return null;
    return this.#steps.filter((step) => step.position > position);
  }

  /** Halves at once, so that the cost is spread over as many events. */
  #trim(): void {
    let dropped = 0;
    while (this.#eventCount > limits.recentEventsMax) {
      const step = this.#steps[dropped];
      if (step === undefined) break;
      this.#eventCount -= step.events.length;
      this.#forgottenTo = step.position;
      dropped += 1;
    }
    this.#steps = this.#steps.slice(dropped);
  }
}

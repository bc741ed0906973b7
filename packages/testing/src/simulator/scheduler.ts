/**
 * The simulation's own time: events in the order of (time, insertion), one after the other, and between any two of them every microtask
 * runs that the first one caused. So code that awaits is as deterministic as code that does not.
 */
import { Heap } from './heap.js';

/** Events for which one turn of the real event loop is used: Node drains microtasks between any two callbacks of a turn. */
const EVENTS_PER_TURN = 512;
/** More events than this without time passing are a loop that spins, not work. */
const EVENTS_AT_ONCE_MAX = 100_000;

interface Scheduled {
  readonly atMs: number;
  readonly number: number;
  readonly task: () => void;
}

export class Scheduler {
  readonly #heap = new Heap<Scheduled>(isBefore);
  #count = 0;
  #nowMs = 0;
  #stopped = false;
  #error: unknown = null;

  /** Milliseconds since the run began. No process sees them. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events that have been scheduled so far. */
  get eventCount(): number {
    return this.#count;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Runs `task` at this time, after everything that was scheduled for the same time before it. The past is now. */
  at(atMs: number, task: () => void): void {
    if (this.#stopped) return;
    this.#count += 1;
    this.#heap.add({ atMs: Math.max(atMs, this.#nowMs), number: this.#count, task });
  }

  after(delayMs: number, task: () => void): void {
    this.at(this.#nowMs + delayMs, task);
  }

  /** Nothing more happens; `run` resolves, or rejects with `error`. */
  stop(error: unknown = null): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#error = error;
    this.#heap.clear();
  }

  /** Resolves when nothing is left to happen or `stop` was called. Rejects with what an event threw. */
  run(): Promise<void> {
    let atOnce = 0;
    return new Promise((resolve, reject) => {
      const step = (): void => {
        const event = this.#stopped ? undefined : this.#heap.take();
        if (event === undefined) return;
        atOnce = event.atMs > this.#nowMs ? 0 : atOnce + 1;
        this.#nowMs = event.atMs;
        try {
          if (atOnce > EVENTS_AT_ONCE_MAX) throw new Error(`still busy after ${atOnce} events in which no time passed`);
          event.task();
        } catch (error) {
          this.stop(error);
        }
      };
      const turn = (): void => {
        if (this.#stopped || this.#heap.size === 0) {
          if (this.#error === null) resolve();
          else reject(this.#error);
          return;
        }
        for (let i = 0; i < EVENTS_PER_TURN; i++) setImmediate(step);
        setImmediate(turn);
      };
      turn();
    });
  }
}

function isBefore(left: Scheduled, right: Scheduled): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.number < right.number);
}

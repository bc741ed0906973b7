/** The trace of a run: shows each event to the checkers, keeps the last ones, and makes one hash of all. */
import { createHash } from 'node:crypto';
import type { Checker, TraceEvent, World } from './trace.js';

/** Events that are kept for a report. */
const KEPT = 200;

export class Recorder {
  readonly #checkers: readonly Checker[];
  readonly #world: World;
  readonly #listeners: readonly ((event: TraceEvent) => void)[];
  readonly #failed: (error: unknown) => void;
  readonly #hash = createHash('sha256');
  readonly #kept: TraceEvent[] = [];
  readonly #pending: TraceEvent[] = [];
  #showing = false;
  #hasFailed = false;
  #count = 0;

  /** @param failed told what a checker threw, once: whoever emits may be code of the product, which is not to see it */
  constructor(
    world: World,
    checkers: readonly Checker[],
    listeners: readonly ((event: TraceEvent) => void)[],
    failed: (error: unknown) => void,
  ) {
    this.#world = world;
    this.#checkers = checkers;
    this.#listeners = listeners;
    this.#failed = failed;
  }

  get count(): number {
    return this.#count;
  }

  /** The last events, oldest first. */
  get latest(): readonly TraceEvent[] {
    return [...this.#kept.slice(this.#count % KEPT), ...this.#kept.slice(0, this.#count % KEPT)];
  }

  /** A checker that asks a lock may make it notice that it is lost, which is an event again: that one is shown after this one. */
  emit(event: TraceEvent): void {
    if (this.#hasFailed) return;
    this.#pending.push(event);
    if (this.#showing) return;
    this.#showing = true;
    try {
      for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) this.#show(next);
    } catch (error) {
      this.#hasFailed = true;
      this.#failed(error);
    }
    this.#showing = false;
  }

  finish(): void {
    for (const checker of this.#checkers) checker.finish(this.#world);
  }

  /** SHA-256 over all events, in hexadecimal. Called once, at the end. */
  hash(): string {
    return this.#hash.digest('hex');
  }

  #show(event: TraceEvent): void {
    this.#hash.update(line(event));
    this.#kept[this.#count % KEPT] = event;
    this.#count += 1;
    for (const listener of this.#listeners) listener(event);
    for (const checker of this.#checkers) checker.see(event, this.#world);
  }
}

/** An event as one line of JSON. Members stand in the order in which they were written, which the same code does in the same order. */
export function line(event: TraceEvent): string {
  return `${JSON.stringify(event)}\n`;
}

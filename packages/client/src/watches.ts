/** Open watches: they survive connections by asking again after the last position, and slow consumers by asking later. */
import type { ErrorMessage, EventsMessage, GapMessage, WatchingMessage } from '@holdfast/protocol';
import { MessageType } from '@holdfast/protocol';
import { HoldfastError } from './errors.js';
import type { Outbox } from './holds.js';
import type { WatchEvent } from './watch-events.js';
import { readEvent } from './watch-events.js';

/** Events that wait for their consumer; with more, the watch is taken back until they are consumed. */
export const WATCH_BUFFER_MAX = 4_096;

export interface WatchSpec {
  readonly pattern: string;
  readonly after: number | null;
  readonly state: boolean;
  readonly signal: AbortSignal | null;
}

/** What a watch asks of its registry. */
interface Registry {
  begin(watch: Watch): void;
  /** The service need send no more. */
  end(watch: Watch): void;
}

interface Waiter {
  readonly resolve: (result: IteratorResult<WatchEvent, undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * The events of one watch. It begins when it is made, so nothing is missed between `watch()` and the first step of the
 * loop. What the consumer is too slow for is not kept: beyond the buffer's bound the watch is taken back, and asked for
 * again after the last buffered position when the buffer is empty. What the service has forgotten by then, it says: `gap`.
 */
export class Watch implements AsyncIterableIterator<WatchEvent, undefined> {
  readonly pattern: string;
  /** 0: not asked for on this connection. */
  number = 0;
  /** Events up to here are in the buffer or consumed; null: nothing is known yet. */
  after: number | null;
  /** The present state is to be sent, or is being sent. */
  needsState: boolean;
  readonly #registry: Registry;
  #buffer: WatchEvent[] = [];
  #head = 0;
  #waiters: Waiter[] = [];
  #isPaused = false;
  #isOver = false;
  /** Why it is over, until somebody was told. */
  #failure: { readonly reason: unknown } | null = null;
  #hasPartOfState = false;
  #unlisten: (() => void) | null = null;

  constructor(registry: Registry, { pattern, after, state, signal }: WatchSpec) {
    this.#registry = registry;
    this.pattern = pattern;
    this.after = after;
    this.needsState = state;
    if (signal !== null) this.#listen(signal);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<WatchEvent, undefined>> {
    const event = this.#buffer[this.#head];
    if (event !== undefined) {
      this.#taken();
      return Promise.resolve({ done: false, value: event });
    }
    const failure = this.#failure;
    if (failure !== null) {
      this.#failure = null;
      return Promise.reject(failure.reason);
    }
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  return(): Promise<IteratorResult<WatchEvent, undefined>> {
    this.#buffer = [];
    this.#head = 0;
    this.finish();
    return Promise.resolve({ done: true, value: undefined });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** What is buffered is still delivered, then the loop ends. */
  finish(): void {
    if (this.#isOver) return;
    this.#over();
    for (const { resolve } of this.#waiters.splice(0)) resolve({ done: true, value: undefined });
  }

  /** What is buffered is still delivered, then the loop throws this. */
  fail(reason: unknown): void {
    if (this.#isOver) return;
    this.#over();
    const [first, ...others] = this.#waiters.splice(0);
    if (first === undefined) this.#failure = { reason };
    else first.reject(reason);
    for (const { resolve } of others) resolve({ done: true, value: undefined });
  }

  /** It is about to be asked for. */
  restart(): void {
    this.#isPaused = false;
    // Parts of a state were told without its end: those keys may have become free since, so it starts over.
    if (this.needsState && this.#hasPartOfState) this.gap(this.after ?? 0, this.after ?? 0);
  }

  gap(after: number, position: number): void {
    this.#push({ kind: 'gap', position, after });
    this.after = position;
    this.needsState = true;
    this.#hasPartOfState = false;
  }

  add(event: WatchEvent): void {
    if (event.kind === 'state') this.#hasPartOfState = true;
    if (event.kind === 'synced') {
      this.needsState = false;
      this.#hasPartOfState = false;
    }
    this.#push(event);
  }

  /** A step is complete. A state is taken in as a whole: begun anew each time, a large one would never come to its end. */
  stepped(position: number): void {
    this.after = position;
    if (this.needsState || this.#buffer.length - this.#head <= WATCH_BUFFER_MAX) return;
    this.#isPaused = true;
    this.#registry.end(this);
  }

  #push(event: WatchEvent): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#buffer.push(event);
    else waiter.resolve({ done: false, value: event });
  }

  #taken(): void {
    this.#head++;
    if (this.#head < this.#buffer.length) return;
    this.#buffer = [];
    this.#head = 0;
    if (this.#isPaused && !this.#isOver) this.#registry.begin(this);
  }

  #over(): void {
    this.#isOver = true;
    this.#unlisten?.();
    this.#registry.end(this);
  }

  #listen(signal: AbortSignal): void {
    const onAbort = (): void => this.fail(signal.reason);
    signal.addEventListener('abort', onAbort);
    this.#unlisten = () => signal.removeEventListener('abort', onAbort);
  }
}

export class Watches implements Registry {
  readonly #outbox: Outbox;
  /** All that are not over. */
  readonly #watches = new Set<Watch>();
  /** Those that are asked for on this connection. */
  readonly #numbered = new Map<number, Watch>();
  #lastNumber = 0;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  open(spec: WatchSpec): Watch {
    const watch = new Watch(this, spec);
    if (spec.signal?.aborted === true) {
      watch.fail(spec.signal.reason);
      return watch;
    }
    this.begin(watch);
    return watch;
  }

  /** Each time with a number of its own, so that what is still under way for an earlier asking is not taken for this one's. */
  begin(watch: Watch): void {
    this.#watches.add(watch);
    if (!this.#outbox.isOpen) return;
    watch.restart();
    watch.number = ++this.#lastNumber;
    this.#numbered.set(watch.number, watch);
    const after = watch.needsState ? null : watch.after;
    this.#outbox.send([MessageType.watch, watch.number, watch.pattern, after, watch.needsState]);
  }

  end(watch: Watch): void {
    this.#watches.delete(watch);
    if (this.#numbered.delete(watch.number)) this.#outbox.send([MessageType.unwatch, watch.number]);
    watch.number = 0;
  }

  opened(): void {
    for (const watch of [...this.#watches]) this.begin(watch);
  }

  disconnected(): void {
    this.#numbered.clear();
    for (const watch of this.#watches) watch.number = 0;
  }

  watching([, number, position]: WatchingMessage): void {
    const watch = this.#numbered.get(number);
    if (watch !== undefined) watch.after ??= position;
  }

  events([, number, position, events]: EventsMessage): void {
    const watch = this.#numbered.get(number);
    if (watch === undefined) return;
    for (const event of events) watch.add(readEvent(event, position));
    watch.stepped(position);
  }

  gap([, number, after, position]: GapMessage): void {
    this.#numbered.get(number)?.gap(after, position);
  }

  error([, , number, code, retry, text]: ErrorMessage): void {
    const watch = this.#numbered.get(number);
    if (watch === undefined) return;
    this.#numbered.delete(number);
    // Refused by a node that is leaving: asked for again on the next connection, like everything else.
    if (retry !== 'after-reconnect') watch.fail(new HoldfastError(code, text, retry));
  }

  close(error: Error | null): void {
    for (const watch of [...this.#watches]) {
      if (error === null) watch.finish();
      else watch.fail(error);
    }
  }
}

/**
 * Watches: who wants to know what happens to which keys. A watch belongs to a connection and sees each step's events once
 * and in order; what it could not be told is announced as a gap and made up for by the present state.
 */
import type { Effect, KeyView, MachineView } from '@holdfast/core';
import { MessageType, type WatchEvent, type WatchMessage } from '@holdfast/protocol';
import type { Clock } from '../clock.js';
import { limits } from '../limits.js';
import type { Outbox } from './outbox.js';
import type { Pattern } from './pattern.js';
import { RecentEvents } from './recent-events.js';
import { keyRowBytes, stateEvent } from './rows.js';
import type { Scan, Scanner } from './scans.js';
import { type KeyEvent, eventBytes, toKeyEvent } from './key-events.js';

export class Watch {
  readonly number: number;
  readonly pattern: Pattern;
  readonly outbox: Outbox;
  /** Events of the step that is being delivered. */
  events: WatchEvent[] = [];
  bytes = 0;
  /** Position up to which everything was sent, when events had to be left out since; -1: nothing is missing. */
  gapAfter = -1;
  scan: Scan<KeyView, WatchEvent> | null = null;

  constructor(number: number, pattern: Pattern, outbox: Outbox) {
    this.number = number;
    this.pattern = pattern;
    this.outbox = outbox;
  }
}

export class Watches {
  readonly #machine: MachineView;
  readonly #positionBase: number;
  readonly #scanner: Scanner;
  readonly #recent: RecentEvents;
  /** Watches by the source of their pattern. */
  readonly #byKey = new Map<string, Set<Watch>>();
  readonly #byPattern = new Map<string, Set<Watch>>();
  /** Watches with events of this step. */
  readonly #touched: Watch[] = [];
  /** Watches that have to make up for a gap once their reader has caught up. */
  readonly #behind = new Set<Watch>();
  readonly #clock: Clock;
  #catchingUp = false;

  /** `positionBase`: what the positions of this log are counted from. */
  constructor(machine: MachineView, scanner: Scanner, clock: Clock, positionBase: number) {
    this.#positionBase = positionBase;
    this.#machine = machine;
    this.#scanner = scanner;
    this.#clock = clock;
    this.#recent = new RecentEvents(clock);
  }

  /** Whether one more watch of this pattern would be one too many to match every event with. */
  isFullFor(pattern: Pattern): boolean {
    return pattern.key === null && !this.#byPattern.has(pattern.source) && this.#byPattern.size >= limits.patternsMax;
  }

  /** Names the latest step, to watches that begin again after it. */
  get position(): number {
    return this.#positionBase + this.#machine.index;
  }

  /** Begins a watch: `watching`, then what it missed since its position, then the present state if it asked. */
  add([, number, , after, state]: WatchMessage, pattern: Pattern, outbox: Outbox): Watch {
    const watch = new Watch(number, pattern, outbox);
    const [index, name] = pattern.key === null ? [this.#byPattern, pattern.source] : [this.#byKey, pattern.key];
    const watches = index.get(name);
    if (watches === undefined) index.set(name, new Set([watch]));
    else watches.add(watch);

    const { position } = this;
    const missed = after === null ? [] : this.#recent.after(after, position);
    this.#recent.hold(position);
    outbox.push([MessageType.watching, number, position]);
    if (missed === null) {
      this.#announceGap(watch, Math.min(after ?? position, position));
    } else {
      for (const step of missed) {
        for (const event of step.events) if (pattern.matches(event.key)) this.#note(watch, event);
        this.#send(watch, step.position);
      }
      this.#touched.length = 0;
      // A reader that fell behind on the way gets the state with its gap.
      if (state && watch.gapAfter < 0) this.#sendState(watch);
    }
    return watch;
  }

  remove(watch: Watch): void {
    const [index, name] =
      watch.pattern.key === null ? [this.#byPattern, watch.pattern.source] : [this.#byKey, watch.pattern.key];
    const watches = index.get(name);
    if (watches?.delete(watch) !== true) return;
    if (watches.size === 0) index.delete(name);
    if (watch.scan !== null) watch.scan.cancelled = true;
    this.#behind.delete(watch);
    this.#recent.release();
  }

  /** A replay of the log follows: its steps are remembered for watches that come back. */
  beginReplay(): void {
    this.#recent.begin(this.position);
  }

  /** Tells the watches what a step did. Costs nothing worth naming while nobody watches. */
  deliver(effects: readonly Effect[]): void {
    if (!this.#recent.recording) return;
    const { position } = this;
    const events: KeyEvent[] = [];
    for (const effect of effects) {
      const event = toKeyEvent(effect);
      if (event !== null) events.push(event);
    }
    if (events.length === 0) return;
    this.#recent.add(position, events);
    for (const event of events) {
      const exact = this.#byKey.get(event.key);
      if (exact !== undefined) for (const watch of exact) this.#note(watch, event);
      for (const watches of this.#byPattern.values()) {
        let matches: boolean | null = null;
        for (const watch of watches) {
          matches ??= watch.pattern.matches(event.key);
          if (!matches) break;
          this.#note(watch, event);
        }
      }
    }
    for (const watch of this.#touched) this.#send(watch, position);
    this.#touched.length = 0;
  }

  #note(watch: Watch, event: KeyEvent): void {
    if (watch.events.length === 0) this.#touched.push(watch);
    watch.events.push(event.event);
    watch.bytes += eventBytes(event);
  }

  #send(watch: Watch, position: number): void {
    const { events, bytes } = watch;
    watch.events = [];
    watch.bytes = 0;
    if (events.length === 0 || watch.outbox.closed) return;
    if (watch.gapAfter >= 0) return;
    if (watch.outbox.congested) {
      watch.gapAfter = position - 1;
      if (watch.scan !== null) watch.scan.cancelled = true;
      this.#behind.add(watch);
      this.#catchUpLater();
      return;
    }
    // A step can hold more events than a message should: a session with thousands of holds ends in one. The position moves with the last part.
    const average = Math.max(1, bytes / events.length);
    const count = Math.max(1, Math.floor(limits.pageBytesTarget / average));
    for (let start = 0; start < events.length; start += count) {
      const part = start === 0 && count >= events.length ? events : events.slice(start, start + count);
      const at = start + count >= events.length ? position : position - 1;
      watch.outbox.push([MessageType.events, watch.number, at, part], 16 + Math.ceil(average * part.length));
    }
  }

  #catchUpLater(): void {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    this.#clock.setTimer(100, () => {
      this.#catchingUp = false;
      for (const watch of this.#behind) {
        if (watch.outbox.congested && !watch.outbox.closed) continue;
        this.#behind.delete(watch);
        if (!watch.outbox.closed) this.#announceGap(watch, watch.gapAfter);
      }
      if (this.#behind.size > 0) this.#catchUpLater();
    });
  }

  #announceGap(watch: Watch, after: number): void {
    watch.gapAfter = -1;
    watch.outbox.push([MessageType.gap, watch.number, after, this.position]);
    this.#sendState(watch);
  }

  #sendState(watch: Watch): void {
    const { pattern, outbox, number } = watch;
    let keys: Iterator<KeyView> = this.#machine.keys();
    if (pattern.key !== null) {
      const only = this.#machine.key(pattern.key);
      keys = (only === undefined ? [] : [only])[Symbol.iterator]();
    }
    const scan: Scan<KeyView, WatchEvent> = {
      outbox,
      items: keys,
      remaining: Infinity,
      cancelled: false,
      row: (key) => (pattern.matches(key.name) ? { row: stateEvent(key), bytes: keyRowBytes(key) } : null),
      page: (events, bytes, done) => {
        if (done) {
          events.push(['synced']);
          watch.scan = null;
        }
        // Read in this turn, so it includes every event sent before it and none that will come after it.
        outbox.push([MessageType.events, number, this.position, events], 32 + bytes);
      },
    };
    watch.scan = scan;
    this.#scanner.start(scan);
  }
}

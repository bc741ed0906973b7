/** What a person sees while `holdfast run` waits: one line, rewritten in place, with the place in the queue and who holds the lock. */
import type { Holdfast } from '@holdfast/client';
import type { StatusLine } from '../terminal.js';
import { formatDuration, printable } from '../text.js';
import type { Clock } from './clock.js';
import { type Holder, type Report, eventLine } from './report.js';

const REDRAW_EVERY_MS = 1_000;

/** The first of those who hold a key, or undefined: nobody does, or the server cannot say. */
export async function holderOf(holdfast: Holdfast, key: string): Promise<Holder | undefined> {
  try {
    return (await holdfast.query(key)).holds[0];
  } catch {
    // It only decorates a message; the acquire itself reports what is wrong with the connection.
    return undefined;
  }
}

export interface WaitingParts {
  readonly holdfast: Holdfast;
  readonly key: string;
  readonly line: StatusLine;
  readonly clock: Clock;
  readonly report: Report;
}

export class Waiting {
  readonly #parts: WaitingParts;
  readonly #startedMs: number;
  readonly #stopListening: () => void;
  #cancelRedraw: () => void = () => undefined;
  #place: { readonly place: number; readonly length: number } | null = null;
  #holder: { readonly holder: Holder; readonly askedMs: number } | null = null;
  #stopped = false;

  constructor(parts: WaitingParts) {
    this.#parts = parts;
    this.#startedMs = parts.clock.nowMs();
    this.#stopListening = parts.holdfast.on('state', () => {
      this.#draw();
    });
  }

  get waitedMs(): number {
    return this.#parts.clock.nowMs() - this.#startedMs;
  }

  /** The server told the place in the queue. */
  placed(place: number, length: number): void {
    this.#place = { place, length };
    const { key, line, report } = this.#parts;
    report({ event: 'waiting', key, place, length });
    if (line.visible) void this.#askHolder();
    this.#draw();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRedraw();
    this.#stopListening();
    this.#parts.line.clear();
  }

  /** Who holds it changes with most changes of the place. */
  async #askHolder(): Promise<void> {
    const { clock, holdfast, key } = this.#parts;
    const holder = await holderOf(holdfast, key);
    this.#holder = holder === undefined ? null : { holder, askedMs: clock.nowMs() };
    this.#draw();
  }

  #draw(): void {
    const { clock, holdfast, key, line } = this.#parts;
    if (this.#stopped || this.#place === null || !line.visible) return;
    this.#cancelRedraw();
    this.#cancelRedraw = clock.after(REDRAW_EVERY_MS, () => {
      this.#draw();
    });
    const waited = formatDuration(this.waitedMs);
    if (holdfast.state !== 'connected') {
      line.update(`holdfast: waiting for ${printable(key)}, ${waited}: connecting to the server again`);
      return;
    }
    const known = this.#holder;
    const holder = known && { ...known.holder, sinceMs: known.holder.sinceMs + clock.nowMs() - known.askedMs };
    line.update(
      `holdfast: ${eventLine({ event: 'waiting', key, ...this.#place, ...(holder === null ? {} : { holder }) })}, waited ${waited}`,
    );
  }
}

/**
 * Scans: long lists, sent in pages. A page a turn, and none while the reader is behind, so that a list of a million keys
 * neither stops the server nor fills its memory. Used by queries and by the present state of a watch.
 */
import type { Clock, Timer } from '../clock.js';
import { limits } from '../limits.js';
import type { Outbox } from './outbox.js';

/** One list: items of the state, and what becomes of each on the wire. */
export interface Scan<Item, Row> {
  readonly outbox: Outbox;
  readonly items: Iterator<Item>;
  /** Rows still wanted. */
  remaining: number;
  /** The item's row with an upper estimate of its encoded bytes, or null to leave it out. */
  row(item: Item): { readonly row: Row; readonly bytes: number } | null;
  /** Sends one page; `done` on the last one, which may be empty. */
  page(rows: Row[], bytes: number, done: boolean): void;
  /** Nobody wants the rest. */
  cancelled: boolean;
}

/** A scan under way. */
interface Running {
  /** Its reader is not ready for another page. */
  waits(): boolean;
  /** Sends the next page. True when the scan is over. */
  step(): boolean;
}

const RETRY_MS = 50;

export class Scanner {
  readonly #clock: Clock;
  #running: Running[] = [];
  #scheduled = false;
  /** Set instead of a turn while every reader is behind. */
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Lists under way. */
  get size(): number {
    return this.#running.length;
  }

  /** Sends the first page now, if the reader is not behind, and the others in later turns. */
  start<Item, Row>(scan: Scan<Item, Row>): void {
    const running: Running = {
      waits: () => scan.outbox.busy && !scan.outbox.closed && !scan.cancelled,
      step: () => step(scan),
    };
    if (!running.waits() && running.step()) return;
    this.#running.push(running);
    this.#schedule(false);
  }

  stop(): void {
    this.#running = [];
    this.#clearTimer();
  }

  #schedule(idle: boolean): void {
    if (this.#scheduled) return;
    if (idle) {
      // Nothing to do for a while: a timer keeps the loop from spinning.
      this.#timer ??= this.#clock.setTimer(RETRY_MS, () => {
        this.#timer = null;
        this.#turn();
      });
      return;
    }
    this.#clearTimer();
    this.#scheduled = true;
    this.#clock.afterPoll(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #turn(): void {
    const scan = this.#running.shift();
    if (scan === undefined) return;
    let idle = false;
    if (scan.waits()) {
      this.#running.push(scan);
      idle = this.#running.every((other) => other.waits());
    } else if (!scan.step()) {
      this.#running.push(scan);
    }
    if (this.#running.length > 0) this.#schedule(idle);
  }
}

/** One page, or as many keys as a turn may look at. True when the scan is over. */
function step<Item, Row>(scan: Scan<Item, Row>): boolean {
  if (scan.cancelled || scan.outbox.closed) return true;
  const rows: Row[] = [];
  let bytes = 0;
  for (let looked = 0; looked < limits.scanKeysPerTurn; looked++) {
    const next = scan.remaining > 0 ? scan.items.next() : undefined;
    if (next === undefined || next.done === true) {
      scan.page(rows, bytes, true);
      return true;
    }
    const made = scan.row(next.value);
    if (made === null) continue;
    rows.push(made.row);
    bytes += made.bytes;
    scan.remaining -= 1;
    if (bytes > limits.pageBytesTarget && scan.remaining > 0) break;
  }
  if (rows.length > 0) scan.page(rows, bytes, false);
  return false;
}

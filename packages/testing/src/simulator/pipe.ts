/** One direction of a connection: packets come in the order in which they were sent, each after a delay, as long as the pipe carries anything. */
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

/** What one side of a WebSocket tells the other, above TCP (`frame` to `close`) and of TCP itself. */
export type Packet =
  | { readonly kind: 'dial' | 'accept' | 'fin' | 'reset' }
  | { readonly kind: 'frame' | 'ping' | 'pong'; readonly bytes: Uint8Array }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string };

export interface Delays {
  readonly minMs: number;
  readonly maxMs: number;
  /** Probability of a delay that is LONG_DELAY times as long. */
  readonly longChance: number;
}

const LONG_DELAY = 20;

interface UnderWay {
  readonly atMs: number;
  readonly packet: Packet;
}

export class Pipe {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #delays: Delays;
  readonly #arrive: (packet: Packet) => void;
  #queue: UnderWay[] = [];
  #lastMs = 0;
  #stalledUntilMs = 0;
  /** The packet whose arrival is scheduled, and how many were scheduled: of several events only the last one counts. */
  #pumps = 0;
  #pumping: UnderWay | null = null;
  #cut = false;
  /** A reset is under way or has arrived: nothing follows it. */
  #hasReset = false;
  /** A reset is under way or has arrived: TCP gives nothing to anybody that comes after it. */
  #isReset = false;
  #bytes = 0;

  constructor(scheduler: Scheduler, random: Random, delays: Delays, arrive: (packet: Packet) => void) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#delays = delays;
    this.#arrive = arrive;
  }

  /** Bytes of frames that have not arrived. */
  get bytes(): number {
    return this.#bytes;
  }

  send(packet: Packet): void {
    if (this.#hasReset) return;
    this.#hasReset = packet.kind === 'reset';
    const { minMs, maxMs, longChance } = this.#delays;
    const delayMs = this.#random.between(minMs, maxMs) * (this.#random.chance(longChance) ? LONG_DELAY : 1);
    if (packet.kind === 'frame') this.#bytes += packet.bytes.length;
    if (this.#cut || this.#isReset) return;
    this.#isReset = packet.kind === 'reset';
    this.#lastMs = Math.max(this.#lastMs, this.#scheduler.nowMs + delayMs);
    this.#queue.push({ atMs: this.#lastMs, packet });
    this.#pump();
  }

  /** Nothing arrives until then; nothing is lost. */
  stall(untilMs: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, untilMs);
  }

  /** A stall ends now. */
  heal(): void {
    this.#stalledUntilMs = 0;
    this.#pumping = null;
    this.#pump();
  }

  /** What is under way and whatever is sent from now on goes nowhere. */
  cut(): void {
    this.#cut = true;
    this.#queue = [];
  }

  /** Only the first packet under way is an event, so a stall keeps the order. */
  #pump(): void {
    const [first] = this.#queue;
    if (first === undefined || this.#pumping === first) return;
    this.#pumping = first;
    this.#pumps += 1;
    const pump = this.#pumps;
    this.#scheduler.at(Math.max(first.atMs, this.#stalledUntilMs), () => {
      if (pump !== this.#pumps) return;
      this.#pumping = null;
      const nowMs = this.#scheduler.nowMs;
      while (nowMs >= this.#stalledUntilMs) {
        const [next] = this.#queue;
        if (next === undefined || next.atMs > nowMs) break;
        this.#queue.shift();
        if (next.packet.kind === 'frame') this.#bytes -= next.packet.bytes.length;
        this.#arrive(next.packet);
      }
      this.#pump();
    });
  }
}

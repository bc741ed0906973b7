/**
 * What the service is known to have heard of this client, and what follows from it. Pure: times are inputs.
 *
 * The rule (PROTOCOL.md, 3): the service ends a session when it has not heard it for T. What it has heard, this client
 * had sent before; so counting T from the SEND time of something that is known to have been heard ends no later than
 * the service's own count, whatever the delays were. The margin allows for the two clocks running at different rates.
 */
import { SESSION_TIMEOUT_MS_DEFAULT } from '@holdfast/protocol';

/** Two clocks are taken to differ in rate by at most one part in this many. */
const RATE_MARGIN = 50;
/** A change of (wall clock - monotonic clock) by more than this between two looks is a jump. */
const JUMP_MS = 1_000;
/** Sends whose being heard is still open. The service names the newest that it heard, so older ones are never needed. */
const SENDS_MAX = 64;

/** `ms` of the service's time, shortened to what passes for certain on this clock meanwhile. */
export function shortened(ms: number): number {
  return ms - ms / RATE_MARGIN;
}

/** Numbered sends of one kind on one connection: pongs, or probes. Numbers grow. */
class Sends {
  #numbers: number[] = [];
  #times: number[] = [];

  add(number: number, sentMs: number): void {
    if (this.#numbers.length === SENDS_MAX) {
      this.#numbers.shift();
      this.#times.shift();
    }
    this.#numbers.push(number);
    this.#times.push(sentMs);
  }

  /** The send time of this number, which is forgotten with all before it; undefined: not one of ours. */
  take(number: number): number | undefined {
    const index = this.#numbers.indexOf(number);
    if (index < 0) return undefined;
    const sentMs = this.#times[index];
    this.#numbers.splice(0, index + 1);
    this.#times.splice(0, index + 1);
    return sentMs;
  }

  clear(): void {
    this.#numbers = [];
    this.#times = [];
  }
}

export class Liveness {
  #timeoutMs = SESSION_TIMEOUT_MS_DEFAULT;
  /** Send time of the latest message that is known to have been heard. Invariant: never decreases, except to -Infinity. */
  #heardMs = Number.NEGATIVE_INFINITY;
  /** A send time of ours and the server time at which that was heard. */
  #anchorMs = Number.NEGATIVE_INFINITY;
  #anchorServerMs = 0;
  /** What was sent before this proves nothing: the clock jumped then. */
  #voidBeforeMs = Number.NEGATIVE_INFINITY;
  #drift: number | null = null;
  readonly #pongs = new Sends();
  readonly #probes = new Sends();

  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  get heardMs(): number {
    return this.#heardMs;
  }

  /** A new session: nothing that an earlier one proved counts. */
  beginSession(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    this.#heardMs = Number.NEGATIVE_INFINITY;
    this.#anchorMs = Number.NEGATIVE_INFINITY;
    this.beginConnection();
  }

  /** Pings and probes are numbered by connection. */
  beginConnection(): void {
    this.#pongs.clear();
    this.#probes.clear();
  }

  pongSent(number: number, sentMs: number): void {
    this.#pongs.add(number, sentMs);
  }

  probeSent(number: number, sentMs: number): void {
    this.#probes.add(number, sentMs);
  }

  /** A ping said that this pong was heard at that server time. */
  pongHeard(number: number, serverMs: number): void {
    this.#heardAt(this.#pongs.take(number), serverMs);
  }

  /** A `heard` or a beat said that this probe was heard at that server time. */
  probeHeard(number: number, serverMs: number): void {
    this.#heardAt(this.#probes.take(number), serverMs);
  }

  /** A welcome answered the hello that was sent then. */
  helloHeard(sentMs: number, serverMs: number): void {
    this.#heardAt(sentMs, serverMs);
  }

  /** An answer came to something that was sent then. */
  heard(sentMs: number): void {
    if (sentMs > this.#heardMs && sentMs >= this.#voidBeforeMs) this.#heardMs = sentMs;
  }

  /** From here on the service may have ended the session. -Infinity: nothing is known to have been heard. */
  get deadlineMs(): number {
    return this.#heardMs + shortened(this.#timeoutMs);
  }

  /**
   * No later than the moment of this clock at which the service's clock shows `serverMs`; -Infinity when nothing is
   * known about the service's clock.
   */
  clientMs(serverMs: number): number {
    return this.#anchorMs + shortened(serverMs - this.#anchorServerMs);
  }

  /**
   * Compares the two clocks of this machine with the last look at them. A machine that was suspended has a monotonic
   * clock that stood still meanwhile, so the wall clock moved alone; then nothing that was heard before says anything
   * about now, and true is returned.
   */
  clockJumped(nowMs: number, wallMs: number): boolean {
    const drift = wallMs - nowMs;
    const before = this.#drift;
    this.#drift = drift;
    if (before === null || Math.abs(drift - before) <= JUMP_MS) return false;
    this.#voidBeforeMs = nowMs;
    this.#heardMs = Number.NEGATIVE_INFINITY;
    this.#anchorMs = Number.NEGATIVE_INFINITY;
    return true;
  }

  #heardAt(sentMs: number | undefined, serverMs: number): void {
    if (sentMs === undefined || sentMs < this.#voidBeforeMs) return;
    this.heard(sentMs);
    if (sentMs < this.#anchorMs) return;
    this.#anchorMs = sentMs;
    this.#anchorServerMs = serverMs;
  }
}

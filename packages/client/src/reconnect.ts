/** The link to the service: keeps one connection at a time, and decides when the next one is tried and where. */
import type {
  ClientMessage,
  ElsewhereFacts,
  ErrorMessage,
  HelloOptions,
  PingPayload,
  ServerMessage,
  WelcomeFacts,
} from '@holdfast/protocol';
import { CloseCode, MessageType, SESSION_TIMEOUT_MS_DEFAULT } from '@holdfast/protocol';
import { backoffMs } from './backoff.js';
import type { Clock, TimerHandle } from './clock.js';
import { wholeMs } from './clock.js';
import type { ConnectionEnd, ConnectionEvents } from './connection.js';
import { Connection } from './connection.js';
import { Route } from './route.js';
import type { Dial } from './socket.js';
import type { Verdict } from './verdict.js';
import { judge } from './verdict.js';

/** One try, from dialling to the welcome, takes half a session time-out, but at least and at most this. */
const ATTEMPT_MS_MIN = 2_000;
const ATTEMPT_MS_MAX = 5_000;
/** How long a goodbye may take to be answered. */
const GOODBYE_MS = 2_000;
/** After silence was noticed, what waits in the socket is given this part of the time-out to be read. */
const GRACE_PART = 20;

export interface LinkEvents {
  hello(beats: boolean): HelloOptions;
  welcomed(facts: WelcomeFacts, helloMs: number): void;
  frame(messages: readonly ServerMessage[]): void;
  pinged(payload: PingPayload): void;
  /** A connection, or a try at one, has ended. Unless the verdict is to stop, the next try is already arranged. */
  ended(verdict: Verdict, wasOpen: boolean): void;
}

export interface LinkParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly dial: Dial;
  readonly urls: readonly string[];
}

export class Link implements ConnectionEvents {
  readonly #parts: LinkParts;
  readonly #events: LinkEvents;
  readonly #route: Route;
  #connection: Connection | null = null;
  #url = '';
  #timeoutMs = SESSION_TIMEOUT_MS_DEFAULT;
  /** Tries that failed since the last welcome. */
  #failures = 0;
  #said: ErrorMessage | null = null;
  #elsewhere: ElsewhereFacts | null = null;
  #isSuspect = false;
  /** For the present step: the end of a try, the next look for silence, the next try, the end of a goodbye. */
  #timer: TimerHandle | null = null;
  #farewell: (() => void) | null = null;

  constructor(parts: LinkParts, events: LinkEvents) {
    this.#parts = parts;
    this.#events = events;
    this.#route = new Route(parts.urls);
  }

  get isOpen(): boolean {
    return this.#connection?.isOpen === true;
  }

  start(): void {
    this.#url = this.#route.next();
    this.#said = null;
    this.#elsewhere = null;
    this.#isSuspect = false;
    this.#connection = new Connection(this.#url, this.#parts.dial, this.#parts.clock, this);
    const attemptMs = Math.min(ATTEMPT_MS_MAX, Math.max(ATTEMPT_MS_MIN, this.#timeoutMs / 2));
    this.#setTimer(attemptMs, () => this.giveUp('no welcome came in time'), true);
  }

  send(message: ClientMessage): void {
    this.#connection?.send(message);
  }

  sendTimeMs(): number {
    return this.#connection === null ? this.#parts.clock.nowMs() : this.#connection.sendTimeMs();
  }

  /** The service said something about the connection as a whole; a close follows. */
  heardError(message: ErrorMessage): void {
    this.#said = message;
  }

  heardElsewhere(facts: ElsewhereFacts): void {
    this.#elsewhere = facts;
    this.#route.hint(facts.urls, this.#url);
  }

  /** The service is about to close this connection by itself. */
  get isLeaving(): boolean {
    return this.#elsewhere !== null;
  }

  /** This connection is of no use any more; a resume follows. */
  giveUp(reason: string): void {
    if (this.#connection === null) return;
    const wasOpen = this.#connection.isOpen;
    this.#connection.close(CloseCode.resuming);
    this.#end({ code: CloseCode.resuming, reason, cause: undefined }, wasOpen);
  }

  /**
   * Ends the link for good: with a goodbye, if the connection is open, which ends the session. Resolves when the service
   * has closed, or has not in time.
   */
  async stop(): Promise<void> {
    this.#clearTimer();
    const connection = this.#connection;
    if (connection === null) return;
    if (connection.isOpen) {
      connection.send([MessageType.goodbye]);
      await new Promise<void>((resolve) => {
        this.#farewell = resolve;
        this.#setTimer(GOODBYE_MS, resolve, true);
      });
    }
    this.#drop();
  }

  /** Ends the link at once. */
  abandon(): void {
    this.#drop();
  }

  // ---- what the connection calls ------------------------------------------------------------------------------------------

  hello(beats: boolean): HelloOptions {
    return this.#events.hello(beats);
  }

  welcomed(facts: WelcomeFacts, helloMs: number): void {
    this.#failures = 0;
    this.#timeoutMs = facts.timeoutMs;
    this.#route.worked(this.#url);
    this.#setTimer(facts.timeoutMs, this.#lookForSilence);
    this.#events.welcomed(facts, helloMs);
  }

  frame(messages: readonly ServerMessage[]): void {
    this.#events.frame(messages);
  }

  pinged(payload: PingPayload): void {
    this.#events.pinged(payload);
  }

  ended(end: ConnectionEnd, wasOpen: boolean): void {
    if (this.#farewell === null) {
      this.#end(end, wasOpen);
      return;
    }
    this.#connection = null;
    this.#farewell();
  }

  // ---- steps ----------------------------------------------------------------------------------------------------------

  #end(end: ConnectionEnd, wasOpen: boolean): void {
    this.#connection = null;
    this.#clearTimer();
    const verdict = judge(this.#said, end);
    // Neither a connection that had been open nor a session that is over says anything against this address.
    if (verdict.next !== 'stop') this.#arrange(!wasOpen && verdict.next === 'resume');
    this.#events.ended(verdict, wasOpen);
  }

  #arrange(isAddressBad: boolean): void {
    const random = this.#parts.random();
    let delayMs = backoffMs(this.#failures, random);
    if (this.#elsewhere !== null) delayMs = Math.max(delayMs, this.#elsewhere.delayMs * random);
    this.#failures++;
    if (isAddressBad) this.#route.failed(this.#url);
    this.#setTimer(delayMs, () => this.start(), true);
  }

  /**
   * Pings come three times in a session time-out; when nothing came for a whole one, the connection is dead. But if it
   * was this process that stood still, they are waiting in the socket: they get the chance to be read first.
   */
  readonly #lookForSilence = (): void => {
    if (this.#connection === null) return;
    const leftMs = this.#connection.receivedMs + this.#timeoutMs - this.#parts.clock.nowMs();
    if (leftMs <= 0 && this.#isSuspect) {
      this.giveUp('nothing was heard from the service for the session time-out');
      return;
    }
    this.#isSuspect = leftMs <= 0;
    this.#setTimer(this.#isSuspect ? this.#timeoutMs / GRACE_PART : leftMs, this.#lookForSilence);
  };

  #drop(): void {
    this.#clearTimer();
    this.#connection?.close(CloseCode.normal);
    this.#connection = null;
  }

  #setTimer(ms: number, fire: () => void, keepsAlive = false): void {
    this.#clearTimer();
    this.#timer = this.#parts.clock.setTimer(wholeMs(ms), fire, keepsAlive);
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#parts.clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}

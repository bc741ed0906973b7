/**
 * One socket, from dialling to its close: hello, welcome, then frames both ways. No policy: when to connect, where to,
 * and what a close means for the session is decided by the link.
 */
import type { ClientMessage, HelloOptions, PingPayload, ServerMessage, WelcomeFacts } from '@holdfast/protocol';
import {
  BadMessage,
  CloseCode,
  FRAME_BYTES_MAX,
  MESSAGES_PER_FRAME_MAX,
  MessageType,
  SUBPROTOCOL,
  decodePing,
  decodeServerFrame,
  encodeFrame,
} from '@holdfast/protocol';
import type { Clock, TimerHandle } from './clock.js';
import type { Dial, Socket, SocketCallbacks } from './socket.js';

/** How long the other side may take to answer a close before the socket is dropped. */
const CLOSE_GRACE_MS = 1_000;
/** RFC 6455's code for a peer that broke the protocol; as the end of a connection only, it is not sent. */
const PROTOCOL_ERROR = 1002;

/** How a connection ended. */
export interface ConnectionEnd {
  /** WebSocket close code; 1006 when there was no close frame. */
  readonly code: number;
  readonly reason: string;
  /** What the platform, or the decoder, said about it. */
  readonly cause: unknown;
}

export interface ConnectionEvents {
  hello(beats: boolean): HelloOptions;
  /** `helloMs`: a time no later than the hello's sending. */
  welcomed(facts: WelcomeFacts, helloMs: number): void;
  /** What came after the welcome, or instead of it. One call a frame. */
  frame(messages: readonly ServerMessage[]): void;
  /** A ping of the service came; its pong leaves when this has returned. */
  pinged(payload: PingPayload): void;
  /** Exactly once, unless `close` was called before. `wasOpen`: there had been a welcome. */
  ended(end: ConnectionEnd, wasOpen: boolean): void;
}

/** Its reactions are microtasks without the bookkeeping that Node adds to queueMicrotask, which showed in profiles. */
const SETTLED = Promise.resolve();

type State = 'opening' | 'greeting' | 'open' | 'closed';

export class Connection implements SocketCallbacks {
  readonly #clock: Clock;
  readonly #events: ConnectionEvents;
  readonly #socket: Socket;
  #state: State = 'opening';
  #helloMs = 0;
  /** When anything came last. */
  #receivedMs: number;
  /** What this turn of the program has said so far. */
  #queue: ClientMessage[] = [];
  #queuedMs = 0;
  #frameBytesMax = FRAME_BYTES_MAX;
  #graceTimer: TimerHandle | null = null;
  readonly #flush = (): void => this.flush();

  constructor(url: string, dial: Dial, clock: Clock, events: ConnectionEvents) {
    this.#clock = clock;
    this.#events = events;
    this.#receivedMs = clock.nowMs();
    this.#socket = dial(url, [SUBPROTOCOL], this);
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get receivedMs(): number {
    return this.#receivedMs;
  }

  /**
   * Puts a message into this turn's frame, which leaves when the microtasks that are queued by now have run. Without an
   * open connection it is dropped: what wants an answer is said again on the next one.
   */
  send(message: ClientMessage): void {
    if (this.#state !== 'open') return;
    if (this.#queue.length === 0) {
      this.#queuedMs = this.#clock.nowMs();
      void SETTLED.then(this.#flush);
    }
    this.#queue.push(message);
  }

  /** A time no later than the moment at which a message that is sent now leaves. Read once a turn. */
  sendTimeMs(): number {
    return this.#queue.length > 0 ? this.#queuedMs : this.#clock.nowMs();
  }

  flush(): void {
    const messages = this.#queue;
    if (messages.length === 0) return;
    this.#queue = [];
    if (this.#state !== 'open') return;
    for (let start = 0; start < messages.length; start += MESSAGES_PER_FRAME_MAX) {
      this.#sendFrame(messages, start, Math.min(messages.length, start + MESSAGES_PER_FRAME_MAX));
    }
  }

  /** Gives the connection up; nothing more is called back. What was said in this turn still leaves. */
  close(code: number): void {
    if (this.#state === 'closed') return;
    this.flush();
    this.#state = 'closed';
    this.#socket.close(code);
    this.#graceTimer = this.#clock.setTimer(CLOSE_GRACE_MS, () => this.#socket.terminate());
  }

  // ---- what the socket calls --------------------------------------------------------------------------------------------

  open(): void {
    if (this.#state !== 'opening') return;
    this.#state = 'greeting';
    this.#helloMs = this.#clock.nowMs();
    this.#receivedMs = this.#helloMs;
    const hello: ClientMessage = [MessageType.hello, this.#events.hello(!this.#socket.seesPings)];
    this.#socket.send(encodeFrame([hello]));
  }

  message(bytes: Uint8Array): void {
    if (this.#state === 'closed') return;
    this.#receivedMs = this.#clock.nowMs();
    let messages: readonly ServerMessage[];
    try {
      messages = decodeServerFrame(bytes);
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      this.#end({ code: PROTOCOL_ERROR, reason: 'the server sent a frame that cannot be read', cause: error });
      return;
    }
    if (this.#state === 'greeting') messages = this.#greeted(messages);
    if (messages.length > 0) this.#events.frame(messages);
  }

  text(): void {
    this.#end({ code: PROTOCOL_ERROR, reason: 'the server sent a text message', cause: undefined });
  }

  ping(payload: Uint8Array): void {
    if (this.#state === 'closed') return;
    this.#receivedMs = this.#clock.nowMs();
    const ping = decodePing(payload);
    if (ping !== null && this.#state === 'open') this.#events.pinged(ping);
  }

  /** From the socket: it is gone. */
  closed(code: number, reason: string, cause?: unknown): void {
    if (this.#graceTimer !== null) this.#clock.clearTimer(this.#graceTimer);
    this.#graceTimer = null;
    if (this.#state === 'closed') return;
    const wasOpen = this.isOpen;
    this.#state = 'closed';
    this.#events.ended({ code, reason, cause }, wasOpen);
  }

  /** Handles the welcome; returns what came with it. */
  #greeted(messages: readonly ServerMessage[]): readonly ServerMessage[] {
    const [first] = messages;
    if (first === undefined || first[0] !== MessageType.welcome) return messages;
    const [, facts] = first;
    this.#state = 'open';
    this.#frameBytesMax = Math.min(FRAME_BYTES_MAX, facts.limits.frameBytes);
    this.#events.welcomed(facts, this.#helloMs);
    return messages.slice(1);
  }

  /** The other side broke the protocol. */
  #end(end: ConnectionEnd): void {
    if (this.#state === 'closed') return;
    const wasOpen = this.isOpen;
    this.close(CloseCode.resuming);
    this.#events.ended(end, wasOpen);
  }

  #sendFrame(messages: readonly ClientMessage[], start: number, end: number): void {
    const bytes = encodeFrame(messages, start, end);
    if (bytes.length <= this.#frameBytesMax || end - start === 1) {
      this.#socket.send(bytes);
      return;
    }
    const middle = (start + end) >> 1;
    this.#sendFrame(messages, start, middle);
    this.#sendFrame(messages, middle, end);
  }
}

/** A socket whose other end is the test. */
import type { ClientMessage, PingPayload, ServerMessage } from '@holdfast/protocol';
import { decodeClientFrame, encodeFrame, encodePing } from '@holdfast/protocol';
import type { Clock } from '../../src/clock.js';
import type { Dial, Socket, SocketCallbacks } from '../../src/socket.js';

export class FakeSocket implements Socket {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly seesPings: boolean;
  readonly dialledMs: number;
  readonly #callbacks: SocketCallbacks;
  /** Everything that the client said, frame by frame. */
  readonly frames: ClientMessage[][] = [];
  readonly frameBytes: number[] = [];
  #taken = 0;
  closedWith: number | null = null;
  isTerminated = false;

  constructor(
    url: string,
    protocols: readonly string[],
    callbacks: SocketCallbacks,
    seesPings: boolean,
    nowMs: number,
  ) {
    this.url = url;
    this.protocols = protocols;
    this.seesPings = seesPings;
    this.dialledMs = nowMs;
    this.#callbacks = callbacks;
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.frames.push(decodeClientFrame(bytes));
    this.frameBytes.push(bytes.length);
  }

  close(code: number): void {
    this.closedWith ??= code;
  }

  terminate(): void {
    this.isTerminated = true;
    this.#callbacks.closed(1006, '');
  }

  /** What the client said since the last call. */
  take(): ClientMessage[] {
    const fresh = this.frames.slice(this.#taken).flat();
    this.#taken = this.frames.length;
    return fresh;
  }

  open(): void {
    this.#callbacks.open();
  }

  /** One frame of the service arrives. */
  say(...messages: ServerMessage[]): void {
    this.#callbacks.message(encodeFrame(messages));
  }

  bytes(bytes: Uint8Array): void {
    this.#callbacks.message(bytes);
  }

  text(): void {
    this.#callbacks.text();
  }

  ping(...payload: PingPayload): void {
    this.#callbacks.ping(encodePing(payload));
  }

  /** The connection is gone. 1006: without a close frame. */
  drop(code = 1006, reason = '', cause?: unknown): void {
    this.#callbacks.closed(code, reason, cause);
  }
}

export class FakeNetwork {
  readonly sockets: FakeSocket[] = [];
  readonly #clock: Clock;
  seesPings = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly dial: Dial = (url, protocols, callbacks) => {
    const socket = new FakeSocket(url, protocols, callbacks, this.seesPings, this.#clock.nowMs());
    this.sockets.push(socket);
    return socket;
  };

  /** The socket that was dialled last. */
  get latest(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('nothing was dialled');
    return socket;
  }
}

/** A client of the protocol without the SDK: it says exactly what a test wants said, and keeps everything it hears. */
import {
  type ClientMessage,
  type ErrorMessage,
  type GrantedMessage,
  type HelloOptions,
  MessageType,
  SUBPROTOCOL,
  type ServerMessage,
  type WelcomeFacts,
  decodeServerFrame,
  encodeFrame,
} from '@holdfast/protocol';
import { WebSocket } from 'ws';
import { inTime } from './until.js';

export interface Closed {
  readonly code: number;
  readonly reason: string;
  /** Errors about the connection as a whole, by their code, in their order. */
  readonly errors: readonly string[];
}

type OfType<T extends number> = Extract<ServerMessage, readonly [T, ...unknown[]]>;

interface Waiter {
  readonly matches: (message: ServerMessage) => boolean;
  readonly take: (message: ServerMessage) => void;
  readonly fail: (reason: Error) => void;
}

export interface RawOptions {
  readonly origin?: string;
  readonly headers?: Record<string, string>;
}

export class RawClient {
  readonly closed: Promise<Closed>;
  closing: Closed | null = null;
  readonly #ws: WebSocket;
  #inbox: ServerMessage[] = [];
  #waiters: Waiter[] = [];

  /** An open socket that has said nothing. */
  static async connect(url: string, options: RawOptions = {}): Promise<RawClient> {
    const ws = new WebSocket(url, SUBPROTOCOL, { perMessageDeflate: false, ...options });
    const client = new RawClient(ws);
    await inTime(
      'an open socket',
      new Promise<void>((resolve, reject) => {
        ws.once('open', () => resolve());
        ws.once('error', reject);
      }),
    );
    return client;
  }

  /** An open session. */
  static async open(url: string, hello: HelloOptions = {}): Promise<RawClient & { readonly welcome: WelcomeFacts }> {
    const client = await RawClient.connect(url);
    client.send([MessageType.hello, hello]);
    const [, welcome] = await client.next(MessageType.welcome);
    return Object.assign(client, { welcome });
  }

  constructor(ws: WebSocket) {
    this.#ws = ws;
    const errors: string[] = [];
    ws.on('message', (bytes) => {
      for (const message of decodeServerFrame(bytes as Buffer)) {
        if (message[0] === MessageType.error && message[1] === 0) errors.push(message[3]);
        this.#arrived(message);
      }
    });
    // A reset connection is an error before it is a close; the close is what is looked at.
    ws.on('error', () => {});
    this.closed = new Promise((resolve) => {
      ws.once('close', (code, reason) => {
        this.closing = { code, reason: reason.toString('utf8'), errors };
        const gone = new Error(`the connection closed with ${code} ${errors.join(', ')}`);
        for (const waiter of this.#waiters.splice(0)) waiter.fail(gone);
        resolve(this.closing);
      });
    });
  }

  get ws(): WebSocket {
    return this.#ws;
  }

  /** What came and was not asked for yet. */
  get unread(): readonly ServerMessage[] {
    return this.#inbox;
  }

  send(...messages: ClientMessage[]): void {
    this.sendBytes(encodeFrame(messages));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#ws.send(bytes, { binary: true });
  }

  /** The first message of this type that was not taken yet; `id` is the request, watch or call number. */
  next<T extends number>(type: T, id?: number): Promise<OfType<T>> {
    const matches = (message: ServerMessage): boolean =>
      message[0] === type && (id === undefined || (type === MessageType.error ? message[2] : message[1]) === id);
    return this.nextOf(`a message ${type} (${id ?? 'any'})`, matches) as Promise<OfType<T>>;
  }

  nextOf(what: string, matches: (message: ServerMessage) => boolean): Promise<ServerMessage> {
    const index = this.#inbox.findIndex(matches);
    const [present] = index === -1 ? [] : this.#inbox.splice(index, 1);
    if (present !== undefined) return Promise.resolve(present);
    const coming = new Promise<ServerMessage>((take, fail) => {
      if (this.closing === null) this.#waiters.push({ matches, take, fail });
      else fail(new Error(`the connection closed with ${this.closing.code} ${this.closing.errors.join(', ')}`));
    });
    return inTime(what, coming);
  }

  whenClosed(): Promise<Closed> {
    return inTime('the close of the connection', this.closed);
  }

  /** Without waiting for it. */
  acquire(request: number, key: string, rest: { waitMs?: number; leaseMs?: number; acked?: number } = {}): void {
    const { acked = 0, waitMs = null, leaseMs = null } = rest;
    this.send([MessageType.acquire, request, acked, key, 0, waitMs, leaseMs, 0, null]);
  }

  async acquired(request: number, key: string, rest: { waitMs?: number; leaseMs?: number } = {}): Promise<number> {
    this.acquire(request, key, rest);
    return (await this.granted(request))[2];
  }

  granted(request: number): Promise<GrantedMessage> {
    return this.next(MessageType.granted, request);
  }

  error(): Promise<ErrorMessage> {
    return this.next(MessageType.error);
  }

  async released(request: number): Promise<void> {
    this.send([MessageType.release, request]);
    await this.next(MessageType.ended, request);
  }

  /** Resolves when everything sent before was handled. */
  async probed(number: number): Promise<void> {
    this.send([MessageType.probe, number]);
    await this.next(MessageType.heard, number);
  }

  /** With a close frame. */
  async close(code = 1000): Promise<Closed> {
    this.#ws.close(code);
    return this.whenClosed();
  }

  /** Without a close frame. */
  async drop(): Promise<void> {
    this.#ws.terminate();
    await this.whenClosed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closing === null) await this.drop();
  }

  #arrived(message: ServerMessage): void {
    const index = this.#waiters.findIndex((waiter) => waiter.matches(message));
    const [waiter] = index === -1 ? [] : this.#waiters.splice(index, 1);
    if (waiter === undefined) this.#inbox.push(message);
    else waiter.take(message);
  }
}

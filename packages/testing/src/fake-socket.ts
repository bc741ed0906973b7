/** One WebSocket without a network: what the server sends is decoded and kept, and its buffer is as full as a test says. */
import {
  type PingPayload,
  SERVER_FRAME_BYTES_MAX,
  type ServerMessage,
  decodePing,
  decodeServerFrame,
} from '@holdfast/protocol';

export interface FakeSocketOptions {
  readonly remote?: string;
  /** Called for every frame, before it is kept: for an order over several sockets. */
  readonly onSend?: (messages: readonly ServerMessage[]) => void;
  /** Bytes stay in the buffer until `take` says that the peer took them. Default: they leave at once. */
  readonly holdsBytes?: boolean;
}

export class FakeSocket {
  readonly remote: string;
  readonly #onSend: ((messages: readonly ServerMessage[]) => void) | undefined;
  readonly #holdsBytes: boolean;
  /** Bytes accepted and not taken. Set it to make a reader slow. */
  bufferedBytes = 0;
  /** Every frame that was sent, decoded. */
  readonly frames: ServerMessage[][] = [];
  /** The size of each. */
  readonly frameBytes: number[] = [];
  readonly pings: PingPayload[] = [];
  /** The close that this side began, or null. */
  closed: { readonly code: number; readonly reason: string } | null = null;
  terminated = false;

  constructor(options: FakeSocketOptions = {}) {
    this.remote = options.remote ?? '192.0.2.1';
    this.#onSend = options.onSend;
    this.#holdsBytes = options.holdsBytes ?? false;
  }

  /** Throws on what a real socket of this protocol must never be given. */
  send(bytes: Uint8Array): void {
    if (this.closed !== null || this.terminated) throw new Error('a frame was sent after the close');
    if (bytes.length > SERVER_FRAME_BYTES_MAX) throw new Error(`a frame of ${bytes.length} bytes is too long`);
    const messages = decodeServerFrame(bytes);
    this.#onSend?.(messages);
    this.frames.push(messages);
    this.frameBytes.push(bytes.length);
    if (this.#holdsBytes) this.bufferedBytes += bytes.length;
  }

  ping(payload: Uint8Array): void {
    if (this.closed !== null || this.terminated) throw new Error('a ping was sent after the close');
    const ping = decodePing(payload);
    if (ping === null || payload.length > 125) throw new Error('not the payload of a ping');
    this.pings.push(ping);
  }

  close(code: number, reason: string): void {
    if (Buffer.byteLength(reason) > 123) throw new Error('a close frame has no room for this reason');
    this.closed ??= { code, reason };
  }

  terminate(): void {
    this.terminated = true;
  }

  /** The peer's operating system takes up to `bytes`. */
  take(bytes: number = Infinity): void {
    this.bufferedBytes -= Math.min(this.bufferedBytes, bytes);
  }

  /** All messages so far, in order. */
  get messages(): ServerMessage[] {
    return this.frames.flat();
  }

  /** The messages so far, and forgets them. */
  drain(): ServerMessage[] {
    const messages = this.messages;
    this.frames.length = 0;
    this.frameBytes.length = 0;
    return messages;
  }
}

/** The server's end of a simulated connection, behind the server's socket port, as connection/websocket.ts has it over `ws`. */
import { CloseCode } from '@holdfast/protocol';
import type { Socket, SocketHandler } from '@holdfast/server/internal';
import type { Packet } from './pipe.js';
import type { SimulatedProcess } from './process.js';

/** As `closeMs` of the server's limits. */
const CLOSE_MS = 2_000;

/** The connection as this end sees it. */
export interface Wire {
  readonly remote: string;
  /** Bytes handed to the operating system that it had no room for. */
  readonly bufferedBytes: number;
  send(packet: Packet): void;
  /** The process handed a frame to the socket. */
  said(bytes: Uint8Array): void;
  /** This end is gone: the handler has been told. */
  ended(): void;
}

export class ServerSocket implements Socket {
  readonly #process: SimulatedProcess;
  readonly #wire: Wire;
  #handler: SocketHandler | null = null;
  #state: 'open' | 'closing' | 'concluded' | 'closed' = 'open';

  constructor(process: SimulatedProcess, wire: Wire) {
    this.#process = process;
    this.#wire = wire;
  }

  /** Set before the first packet. */
  set handler(handler: SocketHandler) {
    this.#handler = handler;
  }

  /** Frames of the peer still reach the handler, and neither side has begun to close. */
  get isOpen(): boolean {
    return this.#state === 'open' && !this.#process.isDead;
  }

  get bufferedBytes(): number {
    return this.#wire.bufferedBytes;
  }

  get remote(): string {
    return this.#wire.remote;
  }

  send(bytes: Uint8Array): void {
    if (!this.isOpen) return;
    this.#wire.said(bytes);
    this.#wire.send({ kind: 'frame', bytes });
  }

  ping(payload: Uint8Array): void {
    if (this.isOpen) this.#wire.send({ kind: 'ping', bytes: payload });
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#state = 'closing';
    this.#wire.send({ kind: 'close', code, reason });
    this.#cutOffLater();
  }

  terminate(): void {
    if (this.#process.isDead || this.#state === 'closed') return;
    this.#state = 'closed';
    this.#wire.send({ kind: 'reset' });
    this.#process.deliver(() => this.#tellClosed());
  }

  /** The process reads this packet. */
  receive(packet: Packet): void {
    if (this.#state === 'closed') return;
    switch (packet.kind) {
      case 'frame':
        // A frame that was under way when this side closed is still read; after the peer's close there is none.
        if (this.#state !== 'concluded') this.#handler?.onFrame(packet.bytes);
        return;
      case 'pong':
        if (this.#state !== 'concluded') this.#handler?.onPong(packet.bytes);
        return;
      case 'close':
        this.#concluded(packet.code);
        return;
      case 'fin':
      case 'reset':
        if (packet.kind === 'fin' && this.#state !== 'concluded') this.#wire.send({ kind: 'fin' });
        this.#state = 'closed';
        this.#tellClosed();
        return;
      case 'dial':
      case 'accept':
      case 'ping':
        throw new Error(`a client does not send a ${packet.kind}`);
    }
  }

  /** The peer's close frame: the answer to ours, or the first one. Either way the server ends the TCP connection. */
  #concluded(code: number): void {
    if (this.#state === 'concluded') return;
    const wasOpen = this.#state === 'open';
    this.#state = 'concluded';
    if (wasOpen) {
      this.#handler?.onCloseFrame(code);
      this.#wire.send({ kind: 'close', code: code === CloseCode.noStatus ? CloseCode.normal : code, reason: '' });
      this.#cutOffLater();
    }
    this.#wire.send({ kind: 'fin' });
  }

  #cutOffLater(): void {
    this.#process.setTimer(CLOSE_MS, () => {
      if (this.#state !== 'closed') this.terminate();
    });
  }

  #tellClosed(): void {
    const handler = this.#handler;
    this.#handler = null;
    handler?.onClosed();
    this.#wire.ended();
  }
}

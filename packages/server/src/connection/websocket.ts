/** The one file that knows `ws`. */
import type { IncomingMessage } from 'node:http';
import { Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Server, WebSocket, WebSocketServer } from 'ws';
import { CloseCode, FRAME_BYTES_MAX, SUBPROTOCOL } from '@holdfast/protocol';
import { limits } from '../limits.js';
import type { Socket, SocketHandler } from './socket.js';

/** First byte of an unfragmented binary message (RFC 6455, 5.2), and the marks of longer lengths. */
const FIN_BINARY = 0x82;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/**
 * The bytes of one unmasked binary message. `ws` writes header and payload as two buffers, for which Node takes its slow path; most of
 * what this server does is writing small messages, so they are put together here. Nothing is compressed, so `ws` queues
 * nothing and what it writes itself (pings, pongs, closes) keeps its order.
 */
function binaryMessage(payload: Uint8Array): Buffer {
  const { length } = payload;
  const header = length < LENGTH_16 ? 2 : length < 65_536 ? 4 : 10;
  const bytes = Buffer.allocUnsafe(header + length);
  bytes[0] = FIN_BINARY;
  if (header === 2) {
    bytes[1] = length;
  } else if (header === 4) {
    bytes[1] = LENGTH_16;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = LENGTH_64;
    bytes.writeUInt32BE(0, 2);
    bytes.writeUInt32BE(length, 6);
  }
  bytes.set(payload, header);
  return bytes;
}

class ServerSocket extends WebSocket {
  /** Set before the first event can come. */
  handler: SocketHandler | null = null;
  remote = '';
  #closedByUs = false;

  /**
   * `ws` calls this method for two things, and tells nobody else of them before the connection is gone, which a peer can delay: to answer
   * the peer's close frame, with the frame's code and reason or with neither; and to close for a frame that breaks the rules of
   * WebSocket, with a code alone. Nothing more is read after either.
   */
  override close(code?: number, reason?: string | Buffer): void {
    const { handler } = this;
    if (!this.#closedByUs && this.readyState === WebSocket.OPEN && handler !== null) {
      if (code === undefined || reason !== undefined) {
        handler.onCloseFrame(code ?? CloseCode.noStatus);
      } else {
        this.handler = null;
        handler.onClosed();
      }
    }
    super.close(code, reason);
  }

  shut(code: number, reason: string): void {
    this.#closedByUs = true;
    super.close(code, reason);
  }
}

/** The Socket port over a ServerSocket. */
class WebSocketSocket implements Socket {
  readonly #ws: ServerSocket;
  readonly #net: Duplex;
  constructor(ws: ServerSocket, net: Duplex) {
    this.#ws = ws;
    this.#net = net;
  }
  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }
  get remote(): string {
    return this.#ws.remote;
  }
  send(bytes: Uint8Array): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#net.write(binaryMessage(bytes));
  }
  ping(payload: Uint8Array): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.ping(payload, false);
  }
  close(code: number, reason: string): void {
    this.#ws.shut(code, reason);
  }
  terminate(): void {
    this.#ws.terminate();
  }
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  if (!(this instanceof ServerSocket)) return;
  if (!isBinary) this.handler?.onText();
  else if (data instanceof Uint8Array) this.handler?.onFrame(data);
}

function onPing(this: WebSocket): void {
  if (this instanceof ServerSocket) this.handler?.onPing();
}

function onPong(this: WebSocket, payload: Buffer): void {
  if (this instanceof ServerSocket) this.handler?.onPong(payload);
}

function onClose(this: WebSocket): void {
  if (!(this instanceof ServerSocket)) return;
  const { handler } = this;
  this.handler = null;
  handler?.onClosed();
}

function onError(): void {
  // `ws` closes the connection itself, with the code that fits; the close event follows. Without a listener the process would end.
}

/** Accepts upgrades that were judged already. */
export class WebSocketAcceptor {
  readonly #server: Server<typeof ServerSocket>;

  constructor() {
    const options = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: FRAME_BYTES_MAX,
      // A frame is one message of at most 64 KiB: honest clients need one fragment.
      maxFragments: 64,
      maxBufferedChunks: 1_024,
      closeTimeout: limits.closeMs,
      handleProtocols: () => SUBPROTOCOL,
      WebSocket: ServerSocket,
    };
    this.#server = new WebSocketServer(options);
  }

  /** Finishes the upgrade; `accept` is given the open socket and returns who handles its events. */
  upgrade(request: IncomingMessage, net: Duplex, head: Buffer, accept: (socket: Socket) => SocketHandler): void {
    this.#server.handleUpgrade(request, net, head, (ws) => {
      ws.remote = net instanceof NetSocket ? (net.remoteAddress ?? '') : '';
      ws.on('message', onMessage);
      ws.on('ping', onPing);
      ws.on('pong', onPong);
      ws.on('close', onClose);
      ws.on('error', onError);
      ws.handler = accept(new WebSocketSocket(ws, net));
    });
  }
}

/** The socket port on `ws`, for Node. The only file of this package that knows `ws`. */
import { randomFillSync } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RawData } from 'ws';
import WebSocket from 'ws';
import { SERVER_FRAME_BYTES_MAX } from '@holdfast/protocol';
import type { Dial, Socket, SocketCallbacks } from './socket.js';

/**
 * autoPong is off because the library would send the pong before it says that there was a ping, and the time of the
 * pong must be read before it is sent. Redirects are not followed: a session's secret goes to the address that was given.
 * closeTimeout (not in the library's types) bounds how long a socket whose close frames are exchanged waits for the end
 * of its TCP connection; until then its end is not told.
 */
const OPTIONS: WebSocket.ClientOptions & { readonly closeTimeout: number } = {
  perMessageDeflate: false,
  maxPayload: SERVER_FRAME_BYTES_MAX,
  autoPong: false,
  followRedirects: false,
  closeTimeout: 1_000,
};

/** First byte of an unfragmented binary message (RFC 6455, 5.2), the bit that says "masked", and the marks of longer lengths. */
const FIN_BINARY = 0x82;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MASK_BYTES = 4;

/** Masks are to be unpredictable (RFC 6455, 10.3); random bytes are cheaper by the thousand. */
const masks = Buffer.alloc(8_192);
let nextMask = masks.length;

/**
 * The bytes of one masked binary message. `ws` does the same for any message with any options; this client sends small messages of one
 * kind and little else, so they are put together here. Nothing is compressed, so `ws` queues nothing and what it writes
 * itself (pongs, closes) keeps its order.
 */
function binaryMessage(payload: Uint8Array): Buffer {
  const { length } = payload;
  const lengthBytes = length < LENGTH_16 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + lengthBytes + MASK_BYTES;
  const bytes = Buffer.allocUnsafe(start + length);
  bytes[0] = FIN_BINARY;
  bytes[1] = MASKED | (lengthBytes === 0 ? length : lengthBytes === 2 ? LENGTH_16 : LENGTH_64);
  if (lengthBytes === 2) bytes.writeUInt16BE(length, 2);
  else if (lengthBytes === 8) bytes.writeBigUInt64BE(BigInt(length), 2);
  if (nextMask === masks.length) {
    randomFillSync(masks);
    nextMask = 0;
  }
  const mask = nextMask;
  nextMask += MASK_BYTES;
  masks.copy(bytes, start - MASK_BYTES, mask, mask + MASK_BYTES);
  for (let i = 0; i < length; i++) bytes[start + i] = (payload[i] ?? 0) ^ (masks[mask + (i & 3)] ?? 0);
  return bytes;
}

/** A WebSocket that knows whom to call, so that its listeners can be shared functions instead of closures of each socket. */
class NodeSocket extends WebSocket implements Socket {
  readonly seesPings = true;
  readonly callbacks: SocketCallbacks;
  cause: unknown = undefined;
  /** The connection under the WebSocket, from the upgrade on. */
  net: Duplex | null = null;

  constructor(url: string, protocols: readonly string[], callbacks: SocketCallbacks) {
    super(url, [...protocols], OPTIONS);
    this.callbacks = callbacks;
    this.on('upgrade', onUpgrade);
    this.on('open', onOpen);
    this.on('message', onMessage);
    this.on('ping', onPing);
    this.on('error', onError);
    this.on('close', onClose);
  }

  override send(bytes: Uint8Array<ArrayBuffer>): void {
    // What does not go out any more is not lost: requests are sent again on the next connection.
    if (this.readyState === WebSocket.OPEN) this.net?.write(binaryMessage(bytes));
  }
}

function onUpgrade(this: WebSocket, response: IncomingMessage): void {
  of(this).net = response.socket;
}

function onOpen(this: WebSocket): void {
  of(this).callbacks.open();
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  const { callbacks } = of(this);
  if (!isBinary) callbacks.text();
  // With the binary type left at its default, 'nodebuffer', a message is one Buffer.
  else if (data instanceof Uint8Array) callbacks.message(data);
}

function onPing(this: WebSocket, payload: Buffer): void {
  of(this).callbacks.ping(payload);
  if (this.readyState === WebSocket.OPEN) this.pong(payload);
}

function onError(this: WebSocket, error: Error): void {
  of(this).cause = error;
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  const socket = of(this);
  socket.callbacks.closed(code, reason.toString('utf8'), socket.cause);
}

/** The listeners above are attached by NodeSocket to itself only. */
function of(socket: WebSocket): NodeSocket {
  if (socket instanceof NodeSocket) return socket;
  throw new TypeError('a listener of NodeSocket was called by another socket');
}

export const dial: Dial = (url, protocols, callbacks) => new NodeSocket(url, protocols, callbacks);

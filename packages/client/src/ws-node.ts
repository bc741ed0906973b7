/** The socket port on `ws`, for Node. The only file of this package that knows `ws`. */
import type { RawData } from 'ws';
import WebSocket from 'ws';
import { SERVER_FRAME_BYTES_MAX } from '@holdfast/protocol';
import type { Dial, Socket, SocketCallbacks } from './socket.js';

const SEND_OPTIONS = { binary: true, compress: false } as const;

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

/** A WebSocket that knows whom to call, so that its listeners can be shared functions instead of closures of each socket. */
class NodeSocket extends WebSocket implements Socket {
  readonly seesPings = true;
  readonly callbacks: SocketCallbacks;
  cause: unknown = undefined;

  constructor(url: string, protocols: readonly string[], callbacks: SocketCallbacks) {
    super(url, [...protocols], OPTIONS);
    this.callbacks = callbacks;
    this.on('open', onOpen);
    this.on('message', onMessage);
    this.on('ping', onPing);
    this.on('error', onError);
    this.on('close', onClose);
  }

  override send(bytes: Uint8Array<ArrayBuffer>): void {
    // What does not go out any more is not lost: requests are sent again on the next connection.
    if (this.readyState === WebSocket.OPEN) super.send(bytes, SEND_OPTIONS);
  }
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

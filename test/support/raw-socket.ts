/** A TCP socket that speaks as much HTTP and WebSocket as a test tells it to, byte by byte. */
import { randomBytes } from 'node:crypto';
import { type Socket, connect } from 'node:net';
import { SUBPROTOCOL } from '@holdfast/protocol';
import { inTime } from './until.js';

/** WebSocket opcodes (RFC 6455, 5.2). */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameParts {
  readonly fin?: boolean;
  /** Reserved bits, 0 to 7; the highest says "compressed" where that was agreed. */
  readonly rsv?: number;
  readonly opcode: number;
  readonly payload?: Uint8Array;
  readonly masked?: boolean;
  /** A length that the payload does not have. */
  readonly claimBytes?: number;
}

export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export function closeCodeOf({ payload }: ServerFrame): number {
  return payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
}

/** One WebSocket frame. The masking key is zero: masked bytes are the bytes themselves. */
export function frame(parts: FrameParts): Buffer {
  const { fin = true, rsv = 0, opcode, payload = Buffer.alloc(0), masked = true } = parts;
  const length = parts.claimBytes ?? payload.length;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const mask = masked ? 0x80 : 0;
  if (head.length === 2) {
    head[1] = mask | length;
  } else if (head.length === 4) {
    head[1] = mask | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = mask | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat(masked ? [head, Buffer.alloc(4), payload] : [head, payload]);
}

export function closeFrame(code: number, reason: Uint8Array = Buffer.alloc(0)): Buffer {
  const payload = Buffer.alloc(2 + reason.length);
  payload.writeUInt16BE(code, 0);
  payload.set(reason, 2);
  return frame({ opcode: Opcode.close, payload });
}

/** A good upgrade request. A header given as null is left out. */
export function upgradeRequest(headers: Readonly<Record<string, string | null>> = {}, target = '/'): string {
  const all: Record<string, string | null> = {
    Host: '127.0.0.1',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    'Sec-WebSocket-Protocol': SUBPROTOCOL,
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}\r\n`]));
  return `GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

export class RawSocket {
  readonly net: Socket;
  /** Resolves when the server's side has ended or the connection was reset. */
  readonly ended: Promise<void>;
  received: Buffer = Buffer.alloc(0);
  #over = false;
  #onData: () => void = () => {};

  static async connect(port: number): Promise<RawSocket> {
    // Half-open on purpose: an attacker does not close because the server does.
    const net = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
    const socket = new RawSocket(net);
    await new Promise<void>((resolve, reject) => {
      net.once('connect', resolve);
      net.once('error', reject);
    });
    return socket;
  }

  /** A socket that was upgraded and then said nothing. */
  static async upgraded(port: number): Promise<RawSocket> {
    const socket = await RawSocket.connect(port);
    socket.write(upgradeRequest());
    const head = await socket.head();
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`no upgrade: ${head}`);
    return socket;
  }

  constructor(net: Socket) {
    this.net = net;
    net.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.#onData();
    });
    // Resets are part of these tests.
    net.on('error', () => {});
    this.ended = new Promise((resolve) => {
      const over = (): void => {
        this.#over = true;
        this.#onData();
        resolve();
      };
      net.once('end', over);
      net.once('close', over);
    });
  }

  /** The server's side has ended or the connection was reset. Seen only by those who read. */
  get isOver(): boolean {
    return this.#over;
  }

  write(bytes: Uint8Array | string): void {
    this.net.write(bytes);
  }

  /** From now on everything that comes is read and dropped. */
  discard(): void {
    this.net.removeAllListeners('data');
    this.net.resume();
  }

  /** From now on nothing that comes is read. */
  pause(): void {
    this.net.removeAllListeners('data');
    this.net.pause();
  }

  /** Writes as fast as the peer takes it. Answers false when the connection ended first. */
  async writeAll(chunks: Iterable<Uint8Array>): Promise<boolean> {
    for (const chunk of chunks) {
      if (this.#over || this.net.destroyed) return false;
      if (!this.net.write(chunk)) {
        await Promise.race([new Promise<void>((resolve) => this.net.once('drain', resolve)), this.ended]);
      }
    }
    return !this.#over;
  }

  /** The status line and headers of the answer, taken off what was received. */
  async head(): Promise<string> {
    await this.#enough('an HTTP answer', () => this.received.includes('\r\n\r\n'));
    const end = this.received.indexOf('\r\n\r\n') + 4;
    const head = this.received.subarray(0, end).toString('latin1');
    this.received = this.received.subarray(end);
    return head;
  }

  /** The next frame of the server; null when the connection ended before it. */
  async frame(patienceMs?: number): Promise<ServerFrame | null> {
    let found: ServerFrame | null = null;
    const look = (): boolean => {
      found = this.#take();
      return found !== null || this.#over;
    };
    await this.#enough('a frame of the server', look, patienceMs);
    return found;
  }

  /** The code of the server's close frame, null when the connection ended without one. Other frames are passed over. */
  async closeCode(patienceMs?: number): Promise<number | null> {
    for (;;) {
      const next = await this.frame(patienceMs);
      if (next === null) return null;
      if (next.opcode === Opcode.close) return closeCodeOf(next);
    }
  }

  async whenEnded(patienceMs?: number): Promise<void> {
    await inTime('the end of the connection', this.ended, patienceMs);
  }

  destroy(): void {
    this.net.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  async #enough(what: string, look: () => boolean, patienceMs?: number): Promise<void> {
    await inTime(
      what,
      new Promise<void>((resolve) => {
        this.#onData = () => {
          if (look()) resolve();
        };
        this.#onData();
      }),
      patienceMs,
    );
    this.#onData = () => {};
  }

  /** The next whole frame of the server, which are never masked; null when it is not there yet. */
  #take(): ServerFrame | null {
    const bytes = this.received;
    if (bytes.length < 2) return null;
    const short = bytes.readUInt8(1) & 0x7f;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < start) return null;
    const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (bytes.length < start + length) return null;
    this.received = bytes.subarray(start + length);
    return { opcode: bytes.readUInt8(0) & 0x0f, payload: bytes.subarray(start, start + length) };
  }
}

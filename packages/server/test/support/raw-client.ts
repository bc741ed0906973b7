/**
 * A WebSocket client over a plain socket: it can leave things undone that a library does by itself, such as answering a close frame,
 * and do what no library would.
 */
import { type Socket, connect } from 'node:net';
import { type ClientMessage, type ServerMessage, decodeServerFrame, encodeFrame } from '@holdfast/protocol';

const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
type Opcode = keyof typeof OPCODE;

export interface RawFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface UpgradeOptions {
  readonly path?: string;
  /** null: none. */
  readonly subprotocol?: string | null;
  readonly origin?: string;
}

export class RawClient {
  readonly socket: Socket;
  /** What the server answered to the upgrade. */
  readonly status: number;
  /** Resolves when the connection is gone. */
  readonly gone: Promise<void>;
  #bytes: Buffer;
  readonly #frames: RawFrame[] = [];
  #wake: (() => void) | null = null;

  private constructor(socket: Socket, status: number, rest: Buffer) {
    this.socket = socket;
    this.status = status;
    this.#bytes = rest;
    this.gone = new Promise((resolve) => {
      socket.once('close', () => resolve());
    });
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#parse();
    });
    this.#parse();
  }

  /** Asks for an upgrade and waits for the answer, whatever it is. The client never ends the connection by itself. */
  static async connect(port: number, options: UpgradeOptions = {}): Promise<RawClient> {
    const { path = '/', subprotocol = 'holdfast.v1', origin } = options;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => socket.destroy());
    const headers = [
      `GET ${path} HTTP/1.1`,
      'Host: 127.0.0.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      ...(subprotocol === null ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
      ...(origin === undefined ? [] : [`Origin: ${origin}`]),
    ];
    socket.write(`${headers.join('\r\n')}\r\n\r\n`);
    let bytes = Buffer.alloc(0);
    for (;;) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end !== -1) {
        const status = Number(bytes.toString('latin1', 9, 12));
        return new RawClient(socket, status, bytes.subarray(end + 4));
      }
      const chunk = await new Promise<Buffer>((resolve, reject) => {
        socket.once('data', resolve);
        socket.once('close', () => reject(new Error('the connection was closed before an answer')));
      });
      bytes = Buffer.concat([bytes, chunk]);
    }
  }

  /** Connects and says hello; the welcome is read. */
  static async open(port: number, hello: (ClientMessage & { 0: 1 })[1] = {}): Promise<RawClient> {
    const client = await RawClient.connect(port);
    client.say([1, hello]);
    await client.hear();
    return client;
  }

  say(...messages: ClientMessage[]): void {
    this.frame('binary', encodeFrame(messages));
  }

  frame(opcode: Opcode, payload: Uint8Array): void {
    const mask = Buffer.of(1, 2, 3, 4);
    const length = payload.length;
    const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
    header[0] = 0x80 | OPCODE[opcode];
    header[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
    if (header.length === 4) header.writeUInt16BE(length, 2);
    if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
    const masked = Buffer.from(payload).map((byte, i) => byte ^ (mask[i % 4] ?? 0));
    this.socket.write(Buffer.concat([header, mask, masked]));
  }

  closeFrame(code: number): void {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.frame('close', payload);
  }

  /** The messages of the next binary frame; fails when a close frame comes first. */
  async hear(): Promise<ServerMessage[]> {
    for (;;) {
      const { opcode, payload } = await this.next();
      if (opcode === OPCODE.binary) return decodeServerFrame(payload);
      if (opcode === OPCODE.close) throw new Error(`closed with ${payload.readUInt16BE(0)}`);
    }
  }

  /** The code of the next close frame; skips everything before it. */
  async closeCode(): Promise<number> {
    for (;;) {
      const { opcode, payload } = await this.next();
      if (opcode === OPCODE.close) return payload.readUInt16BE(0);
    }
  }

  async next(): Promise<RawFrame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.socket.closed) throw new Error('the connection is gone');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.socket.once('close', resolve);
      });
    }
  }

  end(): void {
    this.socket.destroy();
  }

  #parse(): void {
    for (;;) {
      const bytes = this.#bytes;
      if (this.status !== 101 || bytes.length < 2) break;
      const short = bytes.readUInt8(1);
      const headerLength = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (bytes.length < headerLength) break;
      const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
      if (bytes.length < headerLength + length) break;
      const payload = bytes.subarray(headerLength, headerLength + length);
      this.#frames.push({ opcode: bytes.readUInt8(0) & 0x0f, payload });
      this.#bytes = bytes.subarray(headerLength + length);
    }
    this.#wake?.();
  }
}

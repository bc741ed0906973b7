/** A WebSocket server of few lines, so that the socket adapter is tested against bytes and not against its own library. */
import { createHash } from 'node:crypto';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export interface Frame {
  readonly opcode: number;
  readonly mask: Buffer;
  readonly payload: Buffer;
}

/** The server's end of one connection. */
export class RawConnection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #frames: Frame[] = [];
  #wake: (() => void) | null = null;

  constructor(socket: Socket, headers: Readonly<Record<string, string | string[] | undefined>>) {
    this.headers = headers;
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#parse();
    });
  }

  readonly headers: Readonly<Record<string, string | string[] | undefined>>;

  send(opcode: number, payload: Uint8Array): void {
    if (payload.length > 125) throw new RangeError('short frames only');
    this.#socket.write(Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async next(): Promise<Frame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #parse(): void {
    while (this.#received.length >= 6) {
      const short = this.#received[1]! & 0x7f;
      const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8;
      const start = 6 + lengthBytes;
      if (this.#received.length < start) return;
      let length = short;
      if (lengthBytes === 2) length = this.#received.readUInt16BE(2);
      if (lengthBytes === 8) length = Number(this.#received.readBigUInt64BE(2));
      if (this.#received.length < start + length) return;
      const mask = Buffer.from(this.#received.subarray(start - 4, start));
      const payload = Buffer.from(this.#received.subarray(start, start + length)).map((byte, i) => byte ^ mask[i % 4]!);
      this.#frames.push({ opcode: this.#received[0]! & 0x0f, mask, payload: Buffer.from(payload) });
      this.#received = this.#received.subarray(start + length);
    }
    this.#wake?.();
  }
}

export class RawServer {
  readonly #server: Server = createServer();
  readonly #connections: RawConnection[] = [];
  #wake: (() => void) | null = null;
  /** null: the upgrade is refused. */
  subprotocol: string | null = 'holdfast.v1';

  async listen(): Promise<string> {
    this.#server.on('upgrade', (request, socket: Socket) => {
      const key = request.headers['sec-websocket-key'] ?? '';
      const accept = createHash('sha1')
        .update(key + ACCEPT_SUFFIX)
        .digest('base64');
      if (this.subprotocol === null) {
        socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
          `Sec-WebSocket-Protocol: ${this.subprotocol}\r\n\r\n`,
      );
      this.#connections.push(new RawConnection(socket, request.headers));
      this.#wake?.();
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async connection(): Promise<RawConnection> {
    for (;;) {
      const connection = this.#connections.shift();
      if (connection !== undefined) return connection;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

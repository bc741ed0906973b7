import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SocketCallbacks } from '../src/socket.js';
import { dial } from '../src/ws-node.js';
import type { RawConnection } from './support/raw-server.js';
import { RawServer } from './support/raw-server.js';

const [TEXT, BINARY, CLOSE, PING, PONG] = [1, 2, 8, 9, 10] as const;

type Call = ['open'] | ['message', number[]] | ['text'] | ['ping', string] | ['closed', number, string, unknown];

class Recorder implements SocketCallbacks {
  readonly calls: Call[] = [];
  #wake: (() => void) | null = null;

  open(): void {
    this.#add(['open']);
  }
  message(bytes: Uint8Array): void {
    this.#add(['message', [...bytes]]);
  }
  text(): void {
    this.#add(['text']);
  }
  ping(payload: Uint8Array): void {
    this.#add(['ping', Buffer.from(payload).toString()]);
  }
  closed(code: number, reason: string, cause?: unknown): void {
    this.#add(['closed', code, reason, cause]);
  }

  async next(): Promise<Call> {
    for (;;) {
      const call = this.calls.shift();
      if (call !== undefined) return call;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #add(call: Call): void {
    this.calls.push(call);
    this.#wake?.();
  }
}

let server: RawServer;
let url: string;

beforeEach(async () => {
  server = new RawServer();
  url = await server.listen();
});
afterEach(() => server.close());

async function open() {
  const recorder = new Recorder();
  const socket = dial(url, ['holdfast.v1'], recorder);
  const connection: RawConnection = await server.connection();
  expect(await recorder.next()).toEqual(['open']);
  return { recorder, socket, connection };
}

describe('the socket of Node', () => {
  test('offers the subprotocol, and no compression', async () => {
    const { connection, socket } = await open();
    expect(connection.headers['sec-websocket-protocol']).toBe('holdfast.v1');
    expect(connection.headers['sec-websocket-extensions']).toBeUndefined();
    socket.terminate();
  });

  test('sends messages of every length whole, each under a mask of its own', async () => {
    const { connection, socket } = await open();
    const masks = new Set<string>();
    for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
      socket.send(bytes);
      const { opcode, mask, payload } = await connection.next();
      expect(opcode).toBe(BINARY);
      expect(payload.equals(bytes)).toBe(true);
      masks.add(mask.toString('hex'));
    }
    expect(masks.size).toBe(6);
    socket.terminate();
  });

  test('carries bytes both ways, and tells text from bytes', async () => {
    const { recorder, connection, socket } = await open();
    socket.send(new Uint8Array([1, 2, 3]));
    expect(await connection.next()).toMatchObject({ opcode: BINARY, payload: Buffer.from([1, 2, 3]) });
    connection.send(BINARY, new Uint8Array([4, 5]));
    expect(await recorder.next()).toEqual(['message', [4, 5]]);
    connection.send(TEXT, Buffer.from('hi'));
    expect(await recorder.next()).toEqual(['text']);
    socket.terminate();
  });

  test('tells of a ping before its pong is sent, and echoes the payload', async () => {
    const { connection, socket, recorder } = await open();
    expect(socket.seesPings).toBe(true);
    let pongs = 0;
    const send = socket.send.bind(socket);
    recorder.ping = () => {
      // Were the pong already under way, it would reach the other end before this.
      send(new Uint8Array([++pongs]));
    };
    connection.send(PING, Buffer.from('abc'));
    expect(await connection.next()).toMatchObject({ opcode: BINARY, payload: Buffer.from([1]) });
    expect(await connection.next()).toMatchObject({ opcode: PONG, payload: Buffer.from('abc') });
    socket.terminate();
  });

  test('closes with the code it was given, and tells the end once', async () => {
    const { recorder, connection, socket } = await open();
    socket.close(4100);
    const frame = await connection.next();
    expect(frame.opcode).toBe(CLOSE);
    expect(frame.payload.readUInt16BE(0)).toBe(4100);
    socket.send(new Uint8Array([1]));
    connection.send(CLOSE, frame.payload);
    connection.destroy();
    expect((await recorder.next()).slice(0, 2)).toEqual(['closed', 4100]);
    expect(recorder.calls).toEqual([]);
  });

  test("tells the service's close code and reason", async () => {
    const { recorder, connection } = await open();
    connection.send(CLOSE, Buffer.concat([Buffer.from([0x11, 0x39]), Buffer.from('replaced')]));
    expect((await connection.next()).opcode).toBe(CLOSE);
    connection.destroy();
    expect(await recorder.next()).toEqual(['closed', 4409, 'replaced', undefined]);
  });

  test('terminate does not wait for the other side', async () => {
    const { recorder, socket } = await open();
    socket.terminate();
    expect((await recorder.next()).slice(0, 2)).toEqual(['closed', 1006]);
  });

  test('a refused upgrade, a wrong subprotocol and a dead port are ends with a cause, not exceptions', async () => {
    server.subprotocol = null;
    const refused = new Recorder();
    dial(url, ['holdfast.v1'], refused);
    expect(await refused.next()).toMatchObject(['closed', 1006, '', { message: expect.stringContaining('403') }]);
    server.subprotocol = 'other.v9';
    const wrong = new Recorder();
    dial(url, ['holdfast.v1'], wrong);
    expect(await wrong.next()).toMatchObject(['closed', 1006, '', expect.any(Error)]);
    server.close();
    const dead = new Recorder();
    dial('ws://127.0.0.1:1/', ['holdfast.v1'], dead);
    expect(await dead.next()).toMatchObject(['closed', 1006, '', { code: 'ECONNREFUSED' }]);
  });

  test('a try can be ended before it is open', async () => {
    const recorder = new Recorder();
    const socket = dial(url, ['holdfast.v1'], recorder);
    socket.close(1000);
    expect((await recorder.next()).slice(0, 2)).toEqual(['closed', 1006]);
  });
});

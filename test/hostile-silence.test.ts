/** Peers that say nothing, too little, or do not listen: they go, and nobody waits for them. */
import { MessageType, type ServerMessage } from '@holdfast/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Child } from './support/child.js';
import { RawClient } from './support/raw-client.js';
import { Opcode, RawSocket, frame, upgradeRequest } from './support/raw-socket.js';
import { inTime, until } from './support/until.js';
import { Scene } from './support/witness.js';

/** A hello and a request's headers have 5 s. This is how long a test waits until it counts them as never cut. */
const CUT_MS = 20_000;
const SILENT_SOCKETS = 2_000;
/** Open at once while the sockets are made: what the kernel lets wait for an accept is not the matter here. */
const AT_ONCE = 50;
const REFUSED = /^HTTP\/1\.1 4\d\d /;
const HELLO_TIMEOUT = { code: 4408, reason: 'HELLO_TIMEOUT', errors: ['HELLO_TIMEOUT'] };

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.start();
});

afterAll(() => scene.end());

/** Writes a piece twice a second until the connection ends. */
async function dribble(socket: RawSocket, piece: Uint8Array | string): Promise<void> {
  const timer = setInterval(() => socket.write(piece), 500);
  await socket.whenEnded(CUT_MS).finally(() => clearInterval(timer));
}

// At the same time, because each of them lasts as long as the server's patience.
describe.concurrent('a socket is cut off', () => {
  afterAll(() => scene.check());

  it('that sends no byte', async () => {
    using socket = await RawSocket.connect(scene.server.port);
    await socket.whenEnded(CUT_MS);
    expect(socket.received.toString('latin1')).toMatch(REFUSED);
  });

  it('that sends half a header', async () => {
    using socket = await RawSocket.connect(scene.server.port);
    socket.write(upgradeRequest().slice(0, 60));
    await socket.whenEnded(CUT_MS);
    expect(socket.received.toString('latin1')).toMatch(REFUSED);
  });

  it('that sends a header bit by bit', async () => {
    using socket = await RawSocket.connect(scene.server.port);
    socket.write(upgradeRequest().slice(0, -2));
    await dribble(socket, 'X-More: 1\r\n');
    expect(socket.received.toString('latin1')).toMatch(REFUSED);
  });

  it('that announces a body and does not send it', async () => {
    using socket = await RawSocket.connect(scene.server.port);
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n');
    await socket.whenEnded(CUT_MS);
    expect(socket.received.toString('latin1')).toMatch(/^HTTP\/1\.1 405 /);
  });

  it('with 4408 that is upgraded and says no hello', async () => {
    await using client = await RawClient.connect(scene.server.url);
    expect(await inTime('the close', client.closed, CUT_MS)).toEqual(HELLO_TIMEOUT);
  });

  it('with 4408 that pings and says no hello', async () => {
    await using client = await RawClient.connect(scene.server.url);
    const timer = setInterval(() => client.ws.ping(), 200);
    expect(await inTime('the close', client.closed, CUT_MS).finally(() => clearInterval(timer))).toEqual(HELLO_TIMEOUT);
  });

  it('that sends its hello bit by bit', async () => {
    using socket = await RawSocket.upgraded(scene.server.port);
    socket.write(frame({ opcode: Opcode.binary, payload: Buffer.alloc(1_000, 0x91) }).subarray(0, 8));
    await dribble(socket, Buffer.from([0x91]));
    expect(await socket.closeCode()).toBe(4408);
  });

  it('that is upgraded, hears the close and does not answer it', async () => {
    using socket = await RawSocket.upgraded(scene.server.port);
    expect(await socket.closeCode(CUT_MS)).toBe(4408);
    await socket.whenEnded(CUT_MS);
  });
});

describe(`${SILENT_SOCKETS} sockets that never say hello`, () => {
  afterEach(() => scene.check());

  it.each([
    ['upgraded and silent', (port: number) => RawSocket.upgraded(port)],
    ['not even upgraded', (port: number) => RawSocket.connect(port)],
  ])('(%s) keep nobody out, and their descriptors come back', async (_what, open) => {
    const before = (await scene.server.stats()).descriptors;
    const silent: RawSocket[] = [];
    try {
      while (silent.length < SILENT_SOCKETS) {
        silent.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => open(scene.server.port)))));
        await using good = await RawClient.open(scene.server.url);
        expect(await good.acquired(1, 'silence/good', { waitMs: 0 })).toBeGreaterThan(0);
        await good.released(1);
        await good.close();
      }
      // None of them closes by itself.
      await until(
        'the server is rid of them',
        async () => (await scene.server.stats()).descriptors <= before + 10,
        CUT_MS,
      );
    } finally {
      for (const socket of silent) socket.destroy();
    }
  });
});

describe('a peer that does not listen', () => {
  afterEach(() => scene.check());

  it('and stands still loses its session after its time-out, and the next one gets the lock', async () => {
    await using frozen = await Child.start('holder', {
      url: scene.server.url,
      key: 'silence/frozen',
      timeoutMs: 1_000,
    });
    await frozen.next('granted');
    await using next = await RawClient.open(scene.server.url);
    next.acquire(1, 'silence/frozen');
    await next.probed(1);
    await frozen.stop();
    await next.granted(1);
    frozen.wake();
    expect(await frozen.next('closed')).toMatchObject({ code: 4410, errors: ['SESSION_OVER'] });
  });

  it('and answers no ping loses its session after its time-out, and the next one gets the lock', async () => {
    await using deaf = await RawClient.open(scene.server.url, { timeoutMs: 1_000 });
    await deaf.acquired(1, 'silence/deaf');
    await using next = await RawClient.open(scene.server.url);
    next.acquire(1, 'silence/deaf');
    await next.probed(1);
    deaf.ws.pause();
    await next.granted(1);
    deaf.ws.resume();
    expect(await deaf.whenClosed()).toMatchObject({ code: 4410, errors: ['SESSION_OVER'] });
  });

  it('to its watch is told of the gap when it listens again; the server kept no events for it', async () => {
    await using deaf = await RawClient.open(scene.server.url, { timeoutMs: 60_000 });
    deaf.send([MessageType.watch, 1, '**', null, true]);
    await deaf.next(MessageType.watching, 1);
    deaf.ws.pause();
    await using busy = await RawClient.open(scene.server.url);
    const meta = { why: 'w'.repeat(1_000) };
    // 30 MB of events: more than the kernel's buffers of both ends take.
    for (let first = 1; first <= 10_000; first += 50) {
      const numbers = Array.from({ length: 50 }, (_, index) => first + index);
      for (const part of [numbers.slice(0, 25), numbers.slice(25)]) {
        busy.send(
          ...part.map(
            (n) => [MessageType.acquire, n, first - 1, `${n}${'k'.repeat(900)}`, 0, 0, null, 0, meta] as const,
          ),
        );
      }
      for (const number of numbers) await busy.granted(number);
      busy.send(...numbers.map((number) => [MessageType.release, number] as const));
      for (const number of numbers) await busy.next(MessageType.ended, number);
    }
    await scene.check();
    deaf.ws.resume();
    await deaf.next(MessageType.gap, 1);
    const synced = await deaf.nextOf('the state in full', isSynced);
    expect(synced[0]).toBe(MessageType.events);
    expect(deaf.closing).toBeNull();
  });
});

function isSynced(message: ServerMessage): boolean {
  return message[0] === MessageType.events && message[3].some(([kind]) => kind === 'synced');
}

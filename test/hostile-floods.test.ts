/** Too much of everything: each flood ends in a refusal or a close, in bounded memory, and beside it others go on. */
import { type ClientMessage, MessageType, encodeFrame } from '@holdfast/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RawClient } from './support/raw-client.js';
import { Opcode, RawSocket, frame } from './support/raw-socket.js';
import { until } from './support/until.js';
import { Scene } from './support/witness.js';

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.start();
});

afterEach(() => scene.check());

afterAll(() => scene.end());

function* repeat(chunk: Uint8Array, count: number): Iterable<Uint8Array> {
  for (let i = 0; i < count; i++) yield chunk;
}

function many(count: number, make: (index: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
}

const binary = (...messages: ClientMessage[]): Buffer =>
  frame({ opcode: Opcode.binary, payload: encodeFrame(messages) });

/** A socket with a session of a minute, so that nothing here ends because it was silent. */
async function greeted(): Promise<RawSocket> {
  const socket = await RawSocket.upgraded(scene.server.port);
  socket.write(binary([MessageType.hello, { timeoutMs: 60_000 }]));
  await until('the welcome', () => socket.received.length > 0);
  return socket;
}

/** Its two sessions, the one that asks, and one hold. */
async function onlyTheWitnessIsLeft(): Promise<void> {
  await using client = await RawClient.open(scene.server.url);
  await until('the other sessions are over', async () => {
    client.send([MessageType.query, 1, 'server', {}]);
    const [, , [facts]] = await client.next(MessageType.result, 1);
    return facts?.['sessions'] === 3 && facts['holds'] === 1;
  });
  await client.close();
}

describe('a flood of fragments', () => {
  const first = frame({ opcode: Opcode.binary, fin: false });
  it.each([
    ['100,000 empty ones', frame({ opcode: Opcode.continuation, fin: false })],
    ['100,000 of one byte', frame({ opcode: Opcode.continuation, fin: false, payload: Buffer.from([0x91]) })],
  ])('(%s) ends its connection', async (_what, piece) => {
    for (const socket of [await RawSocket.upgraded(scene.server.port), await greeted()]) {
      socket.write(first);
      await socket.writeAll(
        repeat(
          many(1_000, () => piece),
          100,
        ),
      );
      // A reset can overtake the close frame when the rest of the flood is still under way.
      expect([1008, null]).toContain(await socket.closeCode());
      socket.destroy();
    }
  });

  it('(65 of them) is one too many', async () => {
    using socket = await greeted();
    socket.write(Buffer.concat([first, many(64, () => frame({ opcode: Opcode.continuation, fin: false }))]));
    expect(await socket.closeCode()).toBe(1008);
  });

  it('that add up to more than a frame may have ends its connection with 1009', async () => {
    using socket = await greeted();
    const piece = frame({ opcode: Opcode.continuation, fin: false, payload: Buffer.alloc(2_048) });
    socket.write(Buffer.concat([first, many(33, () => piece)]));
    expect(await socket.closeCode()).toBe(1009);
  });
});

describe('a flood of pings', () => {
  it.each([
    ['100,000 empty ones', 0],
    ['100,000 of 125 bytes', 125],
  ])('(%s) is answered or ends its connection, read or not', async (_what, bytes) => {
    const chunk = many(1_000, () => frame({ opcode: Opcode.ping, payload: Buffer.alloc(bytes) }));
    const pongBytes = 100_000 * (2 + bytes);
    using reader = await greeted();
    reader.discard();
    await reader.writeAll(repeat(chunk, 100));
    await until('all pongs or the end', () => reader.isOver || reader.net.bytesRead >= pongBytes);
    expect(reader.isOver || reader.net.bytesRead >= pongBytes).toBe(true);
    // Who does not read does not learn what became of it; what it cost the server is looked at after the test.
    using deaf = await greeted();
    deaf.pause();
    await deaf.writeAll(repeat(chunk, 100));
  });

  it('one after the other is answered one by one', async () => {
    await using client = await RawClient.open(scene.server.url);
    for (let i = 0; i < 1_000; i++) {
      const answered = new Promise<Buffer>((resolve) => client.ws.once('pong', resolve));
      client.ws.ping(`${i}`);
      expect((await answered).toString()).toBe(`${i}`);
    }
    await client.close();
  });

  it('of pongs that nobody asked for is passed over', async () => {
    await using client = await RawClient.open(scene.server.url);
    for (let i = 0; i < 10_000; i++) client.ws.pong(Buffer.alloc(i % 126, i));
    await client.probed(1);
    expect(client.unread).toEqual([]);
    await client.close();
  });
});

describe('a flood of messages whose answers are not read', () => {
  /** Half of the messages that a frame may have: the other limit, of its bytes, is not the matter here. */
  const full = (make: (index: number) => ClientMessage): Buffer =>
    binary(...Array.from({ length: 2_048 }, (_, index) => make(index)));

  it.each([
    ['probes', full((index) => [MessageType.probe, 1e12 + index])],
    ['releases of what is not held', full((index) => [MessageType.release, 1e5 + index])],
    ['acquires', full((index) => [MessageType.acquire, 1e6 + index, 0, 'floods/a', 0, 0, null, 0, null])],
    ['queries', full((index) => [MessageType.query, index, 'server', {}])],
    ['watches', full((index) => [MessageType.watch, index, '**', 0, true])],
  ])('(%s) ends its connection', async (_what, chunk) => {
    using socket = await greeted();
    socket.pause();
    // 100 MB of questions are more than any buffer on the way takes of the answers.
    expect(await socket.writeAll(repeat(chunk, Math.ceil(1e8 / chunk.length)))).toBe(false);
  });
});

describe('a flood that is read', () => {
  it('of acquires is refused beyond the limit of the session, and leaves nothing behind', async () => {
    await using client = await RawClient.open(scene.server.url);
    const { requests } = client.welcome.limits;
    const total = requests + 1_000;
    for (let first = 1; first <= total; first += 500) {
      client.send(
        ...Array.from({ length: 500 }, (_, index) => {
          const number = first + index;
          return [MessageType.acquire, number, 0, `floods/${number}`, 0, null, null, 0, null] as const;
        }),
      );
    }
    expect(await client.next(MessageType.ended, total)).toEqual([MessageType.ended, total, 0, 'REQUEST_LIMIT', null]);
    client.send([MessageType.query, 1, 'server', {}]);
    const [, , [facts]] = await client.next(MessageType.result, 1);
    expect(facts).toMatchObject({ holds: requests + 1 });
    await client.close();
    await onlyTheWitnessIsLeft();
  });

  it('of watches is refused with WATCH_LIMIT beyond 100', async () => {
    await using client = await RawClient.open(scene.server.url);
    const { watches } = client.welcome.limits;
    client.send(
      ...Array.from({ length: watches + 1 }, (_, i) => [MessageType.watch, i, `a/${i}`, null, false] as const),
    );
    expect((await client.error()).slice(1, 5)).toEqual([MessageType.watch, watches, 'WATCH_LIMIT', 'never']);
    await client.close();
  });

  it('of queries is refused with CALL_LIMIT or answered, each', async () => {
    await using client = await RawClient.open(scene.server.url);
    const numbers = Array.from({ length: 2_000 }, (_, index) => index);
    const refusals = new Set<string>();
    client.send(...numbers.map((number) => [MessageType.query, number, 'keys', {}] as const));
    for (const number of numbers) {
      const answer = await client.nextOf(
        `an answer to call ${number}`,
        (message) =>
          (message[0] === MessageType.result && message[1] === number) ||
          (message[0] === MessageType.error && message[2] === number),
      );
      if (answer[0] === MessageType.error) refusals.add(answer[3]);
    }
    expect([...refusals].filter((code) => code !== 'CALL_LIMIT')).toEqual([]);
    await client.close();
  });

  it('of sessions that come and go leaves nothing behind', async () => {
    const before = (await scene.server.stats()).descriptors;
    for (let round = 0; round < 40; round++) {
      const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.open(scene.server.url)));
      for (const [index, client] of clients.entries()) client.acquire(1, `floods/session/${index % 3}`);
      await Promise.all(clients.map((client, index) => (index % 2 === 0 ? client.drop() : client.close())));
    }
    await onlyTheWitnessIsLeft();
    expect((await scene.server.stats()).descriptors).toBeLessThanOrEqual(before + 10);
  });
});

describe('a pattern', () => {
  it.each([
    ['17 wildcards', `*${'a*'.repeat(16)}`],
    ['an escape of nothing', 'a\\'],
    ['an escape of a letter', '\\a'],
  ])('with %s is refused with BAD_PATTERN', async (_what, pattern) => {
    await using client = await RawClient.open(scene.server.url);
    client.send([MessageType.watch, 1, pattern, null, false]);
    expect((await client.error())[3]).toBe('BAD_PATTERN');
    client.send([MessageType.query, 2, 'keys', { pattern }]);
    expect((await client.error())[3]).toBe('BAD_PATTERN');
    await client.close();
  });

  it('that invites backtracking does not stop the others', async () => {
    await using client = await RawClient.open(scene.server.url);
    client.send(
      ...Array.from(
        { length: 90 },
        (_, i) => [MessageType.watch, i, `${'**a'.repeat(15)}**b${i}`, null, true] as const,
      ),
    );
    const key = 'a'.repeat(1_024);
    for (let number = 1; number <= 20; number++) {
      await client.acquired(number, key);
      await client.released(number);
    }
    expect(client.unread.filter(([type]) => type === MessageType.error)).toEqual([]);
    await client.close();
  });
});

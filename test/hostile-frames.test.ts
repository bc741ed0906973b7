/** Frames that are not of PROTOCOL.md, against a server in its own process: each has its close, and nobody else notices. */
import { FRAME_BYTES_MAX, MESSAGES_PER_FRAME_MAX, MessageType, encodeFrame } from '@holdfast/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Float, type Packable, Raw, pack, packText } from './support/pack.js';
import { RawClient } from './support/raw-client.js';
import { Opcode, RawSocket, frame } from './support/raw-socket.js';
import { Scene } from './support/witness.js';

const { hello, acquire, release, cancel, extend, watch, unwatch, query, probe, goodbye, force } = MessageType;

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.start();
});

afterEach(() => scene.check());

afterAll(() => scene.end());

const BAD_MESSAGE = { code: 4400, reason: 'BAD_MESSAGE', errors: ['BAD_MESSAGE'] };

const nested = (levels: number): Packable => (levels === 0 ? [] : [nested(levels - 1)]);
const message = (...elements: Packable[]): Buffer => pack([elements]);
/** One str element whose bytes are not UTF-8, in place of a key. */
const badKey = (...bytes: number[]): Buffer =>
  Buffer.concat([Buffer.from([0x91, 0x94, acquire, 1, 0]), packText(Uint8Array.from(bytes))]);

const MALFORMED: readonly (readonly [string, Buffer])[] = [
  ['no bytes at all', Buffer.alloc(0)],
  ['a frame that is nil', pack(null)],
  ['a frame that is a number', pack(2)],
  ['a frame that is a map', pack({ type: 2 })],
  ['a frame without messages', pack([])],
  ['a message that is no array', pack([release])],
  ['a message without a type', pack([[]])],
  ['a type that is a str', message('acquire', 1)],
  ['the byte that MessagePack never uses', Buffer.from([0x91, 0xc1])],
  ['random bytes', Buffer.from('f3a90d7712c8ee00b1', 'hex')],
  ['bytes after the value', Buffer.concat([message(probe, 1), Buffer.from([0])])],
  ['a second frame after the first', Buffer.concat([message(probe, 1), message(probe, 2)])],
  ['a frame that ends inside a value', message(acquire, 1, 0, 'orders/42').subarray(0, 9)],
  ['an array that claims four billion elements', Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])],
  ['a map that claims four billion entries', message(hello, new Raw(0xdf, 0xff, 0xff, 0xff, 0xff))],
  ['a str that claims four billion bytes', message(acquire, 1, 0, new Raw(0xdb, 0xff, 0xff, 0xff, 0xff, 0x61))],
  ['a bin that claims four billion bytes', message(acquire, 1, 0, new Raw(0xc6, 0xff, 0xff, 0xff, 0xff, 0x61))],
  ['an extension type', message(acquire, 1, 0, new Raw(0xd4, 1, 2))],
  ['a timestamp', message(probe, new Raw(0xd6, 0xff, 0, 0, 0, 1))],
  ['an extension of variable length', message(probe, new Raw(0xc7, 3, 5, 1, 2, 3))],
  ['what some encoders send for a record', message(probe, new Raw(0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 1))],
  ['what some encoders send for a regular expression', message(probe, new Raw(0xc7, 3, 0x78, 0x92, 0xa0, 0xa0))],
  ['a value nested 9 levels deep', message(query, 1, 'keys', { limit: nested(7) })],
  ['a value nested 60,000 levels deep', Buffer.concat([Buffer.alloc(60_000, 0x91), Buffer.from([0x90])])],
  ['maps nested 20,000 levels deep', Buffer.concat([Buffer.alloc(60_000, Buffer.from([0x81, 0xa1, 0x61])), pack(1)])],
  ['a lone continuation byte', badKey(0x80)],
  ['an overlong encoding', badKey(0xc0, 0xaf)],
  ['a surrogate', badKey(0xed, 0xa0, 0x80)],
  ['a code point beyond Unicode', badKey(0xf4, 0x90, 0x80, 0x80)],
  ['a character cut in two', badKey(0x61, 0xe2, 0x82)],
];

const WRONG_SHAPE: readonly (readonly [string, Buffer])[] = [
  ['an operation that does not exist', message(12, 1)],
  ['an operation of the server', message(MessageType.granted, 1, 1)],
  ['operation 0', message(0)],
  ['a negative operation', message(-1, 1)],
  ['an acquire without a key', message(acquire, 1, 0)],
  ['an acquire with an element too many', message(acquire, 1, 0, 'k', 0, null, null, 0, null, 1)],
  ['an empty key', message(acquire, 1, 0, '')],
  ['a key of 1,025 bytes', message(acquire, 1, 0, 'k'.repeat(1_025))],
  ['a key of 342 characters that need 1,026 bytes', message(acquire, 1, 0, '€'.repeat(342))],
  ['a key that is a bin', message(acquire, 1, 0, Buffer.from('k'))],
  ['a key that is nil', message(acquire, 1, 0, null)],
  ['request number 0', message(acquire, 0, 0, 'k')],
  ['a negative request number', message(acquire, -1, 0, 'k')],
  ['a fractional request number', message(acquire, new Float(1.5), 0, 'k')],
  ['a request number that is not a number', message(acquire, new Float(Number.NaN), 0, 'k')],
  ['an infinite request number', message(acquire, new Float(Infinity), 0, 'k')],
  ['a request number of 2^53', message(acquire, 2n ** 53n, 0, 'k')],
  ['a request number of 2^64 - 1', message(acquire, 2n ** 64n - 1n, 0, 'k')],
  ['a request number as a float of 2^53', message(acquire, new Float(2 ** 53), 0, 'k')],
  ['a request number as a str', message(acquire, '1', 0, 'k')],
  ['mode 2', message(acquire, 1, 0, 'k', 2)],
  ['a wait of 2^31', message(acquire, 1, 0, 'k', 0, 2 ** 31)],
  ['a negative wait', message(acquire, 1, 0, 'k', 0, -1)],
  ['a lease of 0', message(acquire, 1, 0, 'k', 0, null, 0)],
  ['a flag that is not defined', message(acquire, 1, 0, 'k', 0, null, null, 2)],
  ['meta that is an array', message(acquire, 1, 0, 'k', 0, null, null, 0, ['a', 'b'])],
  ['meta with a number', message(acquire, 1, 0, 'k', 0, null, null, 0, { pid: 1 })],
  [
    'meta with 17 entries',
    message(acquire, 1, 0, 'k', 0, null, null, 0, Object.fromEntries([...'abcdefghijklmnopq'].map((c) => [c, c]))),
  ],
  ['meta of 1,025 bytes', message(acquire, 1, 0, 'k', 0, null, null, 0, { a: 'b'.repeat(1_024) })],
  [
    'meta that names an entry twice',
    message(acquire, 1, 0, 'k', 0, null, null, 0, new Map([new Raw(0xa1, 97), new Raw(0xa1, 97)].map((k) => [k, 'v']))),
  ],
  ['meta with a number for a name', message(acquire, 1, 0, 'k', 0, null, null, 0, new Map([[1, 'v']]))],
  ['a release without a number', message(release)],
  ['a release with an element too many', message(release, 1, 0)],
  ['a cancel of a str', message(cancel, 'k')],
  ['an extend without a lease', message(extend, 1)],
  ['an extend to 0', message(extend, 1, 0)],
  ['a watch without a pattern', message(watch, 1)],
  ['a watch with a pattern of 1,025 bytes', message(watch, 1, 'k'.repeat(1_025))],
  ['a watch whose state is a number', message(watch, 1, '**', null, 1)],
  ['an unwatch of nil', message(unwatch, null)],
  ['a query for something else', message(query, 1, 'secrets')],
  ['a query for a key without one', message(query, 1, 'key')],
  ['a query with an unknown option', message(query, 1, 'keys', { order: 'asc' })],
  ['a query with a limit of 0', message(query, 1, 'keys', { limit: 0 })],
  ['a query with a limit of 1,000,001', message(query, 1, 'sessions', { limit: 1_000_001 })],
  ['a query whose options are a prototype', message(query, 1, 'keys', { ['__proto__']: { limit: 5 } })],
  ['a query whose option is a constructor', message(query, 1, 'keys', { constructor: { prototype: { limit: 5 } } })],
  ['a probe without a number', message(probe)],
  ['a goodbye with an element too many', message(goodbye, 1000)],
  ['a force of an empty key', message(force, 1, '')],
  ['a force with a reason of 257 bytes', message(force, 1, 'k', null, 'r'.repeat(257))],
  ['a good message and then a bad one', pack([[probe, 1], [99]])],
  ['4,097 messages', pack(Array.from({ length: MESSAGES_PER_FRAME_MAX + 1 }, () => [probe, 1]))],
];

describe.each([
  ['malformed MessagePack', MALFORMED],
  ['a wrong shape', WRONG_SHAPE],
])('%s closes its connection with 4400', (_title, frames) => {
  it.each(frames)('%s', async (_what, bytes) => {
    await using greeted = await RawClient.open(scene.server.url);
    greeted.sendBytes(bytes);
    expect(await greeted.whenClosed()).toEqual(BAD_MESSAGE);
    await using silent = await RawClient.connect(scene.server.url);
    silent.sendBytes(bytes);
    expect(await silent.whenClosed()).toEqual(BAD_MESSAGE);
  });
});

describe('a frame over the limit', () => {
  it.each([FRAME_BYTES_MAX + 1, 1_048_576, 16_777_216])(
    'of %i bytes closes its connection with 1009',
    async (bytes) => {
      await using client = await RawClient.open(scene.server.url);
      client.sendBytes(Buffer.alloc(bytes));
      expect((await client.whenClosed()).code).toBe(1009);
    },
  );

  it('is a dropped connection for its session, which is resumed with what it holds', async () => {
    await using client = await RawClient.open(scene.server.url, { resumable: true });
    const { session, secret } = client.welcome;
    const token = await client.acquired(1, 'frames/kept');
    client.sendBytes(Buffer.alloc(FRAME_BYTES_MAX + 1));
    expect((await client.whenClosed()).code).toBe(1009);
    await using again = await RawClient.open(scene.server.url, { session, secret: secret! });
    expect(again.welcome).toMatchObject({ session, resumed: true });
    expect((await again.next(MessageType.restore))[1]).toEqual([[1, 'frames/kept', 0, token, null]]);
    await again.close();
  });

  it('is no frame of exactly 65,536 bytes', async () => {
    await using client = await RawClient.open(scene.server.url);
    const one = (key: string): Packable => [acquire, 1, 0, key, 0, 0, null, 0, null];
    const many = Array.from({ length: 63 }, () => one('k'.repeat(1_024)));
    const short = FRAME_BYTES_MAX - pack([...many, one('')]).length;
    // The str of the last key has a longer head than the empty one had.
    const bytes = pack([...many, one('k'.repeat(short - 4))]);
    expect(bytes.length).toBe(FRAME_BYTES_MAX);
    client.sendBytes(bytes);
    await client.probed(1);
    await client.close();
  });
});

describe('a text message', () => {
  it.each(['', '[[1,{}]]', 'x'.repeat(60_000)])('closes its connection with 1003', async (text) => {
    for (const client of [await RawClient.open(scene.server.url), await RawClient.connect(scene.server.url)]) {
      client.ws.send(text);
      expect((await client.whenClosed()).code).toBe(1003);
    }
  });

  it('is a dropped connection for its session', async () => {
    await using client = await RawClient.open(scene.server.url, { resumable: true });
    const { session, secret } = client.welcome;
    client.ws.send('hello');
    await client.whenClosed();
    await using again = await RawClient.open(scene.server.url, { session, secret: secret! });
    expect(again.welcome.resumed).toBe(true);
    await again.close();
  });
});

describe('a hello', () => {
  const HELLO = [hello, {}] as const;

  it.each([
    ['after another message', encodeFrame([[probe, 1]])],
    ['with another message in its frame', encodeFrame([HELLO, [probe, 1]])],
    ['twice in a frame', encodeFrame([HELLO, HELLO])],
    ['with an unknown option', message(hello, { admin: true })],
    ['with a session but no secret', message(hello, { session: 's' })],
    ['with a secret of 15 bytes', message(hello, { session: 's', secret: Buffer.alloc(15) })],
    ['with a time-out of 999 ms', message(hello, { timeoutMs: 999 })],
    ['with a time-out of 60,001 ms', message(hello, { timeoutMs: 60_001 })],
    ['with a client name of 129 bytes', message(hello, { client: 'c'.repeat(129) })],
    ['with a credential of 8,193 bytes', message(hello, { auth: 'a'.repeat(8_193) })],
    ['with an option of a prototype', message(hello, { ['__proto__']: { resumable: true } })],
    ['without options', message(hello)],
  ])('%s closes its connection with 4400', async (_what, bytes) => {
    await using client = await RawClient.connect(scene.server.url);
    client.sendBytes(bytes);
    expect(await client.whenClosed()).toEqual(BAD_MESSAGE);
    expect(client.unread.map(([type]) => type)).toEqual([MessageType.error]);
  });

  it('that is said again closes its connection with 4400, and releases what its session holds', async () => {
    await using client = await RawClient.open(scene.server.url);
    await client.acquired(1, 'frames/hello');
    await using next = await RawClient.open(scene.server.url);
    next.acquire(1, 'frames/hello');
    await next.probed(1);
    client.send(HELLO);
    expect(await client.whenClosed()).toEqual(BAD_MESSAGE);
    await next.granted(1);
  });

  it('that is not waited for closes its connection with 4400', async () => {
    using socket = await RawSocket.upgraded(scene.server.port);
    const binary = (payload: Uint8Array): Buffer => frame({ opcode: Opcode.binary, payload });
    // In one write, so that the second frame is there before any welcome could be.
    socket.write(Buffer.concat([binary(encodeFrame([HELLO])), binary(encodeFrame([[probe, 1]]))]));
    expect(await socket.closeCode()).toBe(4400);
  });

  it.each([
    ['a session that never was', 'AAAAAAAAAAAAAAAA'],
    ['a session with an odd name', '__proto__'],
    ['a session with a name of 60,000 bytes', 's'.repeat(60_000)],
  ])('for %s closes its connection with 4410', async (_what, session) => {
    await using client = await RawClient.connect(scene.server.url);
    client.send([hello, { session, secret: new Uint8Array(16) }]);
    expect(await client.whenClosed()).toEqual({ code: 4410, reason: 'SESSION_OVER', errors: ['SESSION_OVER'] });
  });

  it('with a wrong secret closes its connection with 4410 and does the session no harm', async () => {
    await using victim = await RawClient.open(scene.server.url, { resumable: true });
    await using thief = await RawClient.connect(scene.server.url);
    thief.send([hello, { session: victim.welcome.session, secret: new Uint8Array(16) }]);
    expect((await thief.whenClosed()).code).toBe(4410);
    await victim.probed(1);
    await victim.close();
  });
});

describe('names that JavaScript knows', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '\0', '*', '../..'])(
    'are keys like any other: %j',
    async (key) => {
      await using client = await RawClient.open(scene.server.url);
      const meta = { ['__proto__']: 'a', constructor: 'b' };
      client.sendBytes(message(acquire, 1, 0, key, 0, 0, null, 0, meta));
      await client.granted(1);
      client.send([query, 1, 'key', { key }]);
      const [, , rows] = await client.next(MessageType.result, 1);
      expect(rows).toMatchObject([{ key, held: 1, waiting: 0 }]);
      await client.released(1);
    },
  );
});

/** Bytes below the level of messages: upgrades that are refused, broken WebSocket frames, closes with odd codes. */
import { deflateRawSync } from 'node:zlib';
import { MessageType, SUBPROTOCOL, encodeFrame } from '@holdfast/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RawClient } from './support/raw-client.js';
import { Opcode, RawSocket, closeFrame, frame, upgradeRequest } from './support/raw-socket.js';
import { ServerProcess } from './support/server-process.js';
import { inTime, until } from './support/until.js';
import { Scene } from './support/witness.js';

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.start();
});

afterEach(() => scene.check());

afterAll(() => scene.end());

const hello = (options = {}): Buffer =>
  frame({ opcode: Opcode.binary, payload: encodeFrame([[MessageType.hello, options]]) });

async function answerTo(request: string): Promise<string> {
  using socket = await RawSocket.connect(scene.server.port);
  socket.write(request);
  // Awaited here, because the socket is closed on the way out.
  return await socket.head();
}

describe('an upgrade', () => {
  it.each([
    ['without a subprotocol', 400, { 'Sec-WebSocket-Protocol': null }],
    ['with another subprotocol', 400, { 'Sec-WebSocket-Protocol': 'holdfast.v2' }],
    ['with a subprotocol that begins alike', 400, { 'Sec-WebSocket-Protocol': `${SUBPROTOCOL}1` }],
    ['without a key', 400, { 'Sec-WebSocket-Key': null }],
    ['with a short key', 400, { 'Sec-WebSocket-Key': 'AAAA' }],
    ['of a version of WebSocket that never was', 400, { 'Sec-WebSocket-Version': '12' }],
    ['to another protocol', 400, { Upgrade: 'h2c' }],
  ])('%s is refused with HTTP %i', async (_what, status, headers) => {
    expect(await answerTo(upgradeRequest(headers))).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('to another path is refused with HTTP 404', async () => {
    expect(await answerTo(upgradeRequest({}, '/v1/socket'))).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('that offers several subprotocols is answered with ours', async () => {
    const head = await answerTo(upgradeRequest({ 'Sec-WebSocket-Protocol': `soap, ${SUBPROTOCOL}` }));
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(head).toMatch(/sec-websocket-protocol: holdfast\.v1\r\n/i);
  });

  it.each([
    ['no origin, as programs send it', null, 101],
    ['a page on localhost', 'http://localhost:3000', 101],
    ['a page on 127.0.0.1', 'http://127.0.0.1', 101],
    ['a page on the IPv6 loopback', 'http://[::1]:8080', 101],
    ['a page on localhost over TLS', 'https://localhost', 101],
    ['a page of the internet', 'https://example.com', 403],
    ['a page whose host begins with localhost', 'http://localhost.example.com', 403],
    ['a page whose host ends with localhost', 'http://evil-localhost', 403],
    ['a page whose host begins like the loopback', 'http://127.0.0.1.example.com', 403],
    ['a page with localhost before an @', 'http://localhost@example.com', 403],
    ['a file or a sandboxed frame', 'null', 403],
    ['an extension', 'chrome-extension://abcdefghijklmnop', 403],
    ['an empty origin', '', 403],
    ['no URL at all', 'localhost', 403],
    ['two origins', 'http://localhost, https://example.com', 403],
  ])('from %s (%s) is answered with HTTP %i', async (_what, origin, status) => {
    expect(await answerTo(upgradeRequest({ Origin: origin }))).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it.each([
    'permessage-deflate',
    'permessage-deflate; client_max_window_bits; server_no_context_takeover',
    'x-webkit-deflate-frame',
  ])('that offers %s is given no compression', async (offer) => {
    using socket = await RawSocket.connect(scene.server.port);
    socket.write(upgradeRequest({ 'Sec-WebSocket-Extensions': offer }));
    const head = await socket.head();
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(head).not.toMatch(/sec-websocket-extensions/i);
    // 92 KB that would be 94 MB, were they inflated. The part that fits into a frame is sent as a compressed one.
    const bomb = deflateRawSync(Buffer.alloc(94_371_840)).subarray(0, 65_000);
    socket.write(frame({ opcode: Opcode.binary, rsv: 4, payload: bomb }));
    expect(await socket.closeCode()).toBe(1002);
  });

  it('with headers of 64 KiB is refused', async () => {
    expect(await answerTo(upgradeRequest({ 'X-Long': 'x'.repeat(65_536) }))).toMatch(/^HTTP\/1\.1 4(00|31) /);
  });

  it.each([
    '\r\n\r\n',
    'GET\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  ])('is not %j, which ends its connection', async (bytes) => {
    using socket = await RawSocket.connect(scene.server.port);
    socket.write(bytes);
    socket.write('\r\n\r\n');
    await socket.whenEnded();
  });

  it('that is refused does not keep the server from closing', async () => {
    await using server = await ServerProcess.start();
    using socket = await RawSocket.connect(server.port);
    socket.write(upgradeRequest({ Origin: 'https://example.com' }));
    await socket.whenEnded();
    expect(await inTime('the end of the process', server.close())).toEqual({ code: 0, signal: null });
  });

  it('that is refused takes no descriptor with it, though its socket stays open at the other end', async () => {
    const before = (await scene.server.stats()).descriptors;
    const sockets = await Promise.all(Array.from({ length: 200 }, () => RawSocket.connect(scene.server.port)));
    for (const [index, socket] of sockets.entries()) {
      const refused = [{ Origin: 'https://example.com' }, { 'Sec-WebSocket-Protocol': null }][index % 2];
      socket.write(upgradeRequest(refused));
    }
    try {
      await Promise.all(sockets.map((socket) => socket.whenEnded()));
      await until('the server has closed them', async () => (await scene.server.stats()).descriptors <= before + 10);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});

describe('a WebSocket frame', () => {
  it.each([
    ['without a mask', 1002, { opcode: Opcode.binary, payload: Buffer.alloc(1), masked: false }],
    ['with an opcode that is reserved', 1002, { opcode: 3 }],
    ['with a control opcode that is reserved', 1002, { opcode: 11 }],
    ['with a reserved bit', 1002, { opcode: Opcode.binary, rsv: 1 }],
    ['that says it is compressed', 1002, { opcode: Opcode.binary, rsv: 4, payload: Buffer.alloc(9) }],
    ['that continues nothing', 1002, { opcode: Opcode.continuation }],
    ['that is a ping in fragments', 1002, { opcode: Opcode.ping, fin: false }],
    ['that is a ping of 126 bytes', 1002, { opcode: Opcode.ping, payload: Buffer.alloc(126) }],
    ['that is a ping of 1 MiB', 1002, { opcode: Opcode.ping, payload: Buffer.alloc(1_048_576) }],
    ['that claims 2^40 bytes', 1009, { opcode: Opcode.binary, claimBytes: 2 ** 40 }],
    ['that claims 2^60 bytes', 1009, { opcode: Opcode.binary, claimBytes: 2 ** 60 }],
    ['of text that is not UTF-8', 1007, { opcode: Opcode.text, payload: Buffer.from([0xff, 0xfe]) }],
  ])('%s closes its connection with %i', async (_what, code, parts) => {
    for (const isGreeted of [false, true]) {
      using socket = await RawSocket.upgraded(scene.server.port);
      if (isGreeted) socket.write(hello());
      socket.write(frame(parts));
      expect(await socket.closeCode()).toBe(code);
    }
  });

  it('in two fragments is one message', async () => {
    using socket = await RawSocket.upgraded(scene.server.port);
    const payload = encodeFrame([[MessageType.hello, { client: 'in pieces' }]]);
    socket.write(frame({ opcode: Opcode.binary, fin: false, payload: payload.subarray(0, 5) }));
    socket.write(frame({ opcode: Opcode.ping }));
    socket.write(frame({ opcode: Opcode.continuation, payload: payload.subarray(5) }));
    socket.write(frame({ opcode: Opcode.binary, payload: encodeFrame([[MessageType.goodbye]]) }));
    expect([1000, 4400]).toContain(await socket.closeCode());
  });

  it.each([1002, 1007])('that breaks the rules (%i) is a dropped connection for its session', async (code) => {
    await using client = await RawClient.open(scene.server.url, { resumable: true });
    const { session, secret } = client.welcome;
    const token = await client.acquired(1, `sockets/${code}`);
    const bad = code === 1002 ? frame({ opcode: 3 }) : frame({ opcode: Opcode.text, payload: Buffer.from([0xff]) });
    (client.ws as unknown as { readonly _socket: RawSocket['net'] })._socket.write(bad);
    expect((await client.whenClosed()).code).toBe(code);
    await using again = await RawClient.open(scene.server.url, { session, secret: secret! });
    expect((await again.next(MessageType.restore))[1]).toEqual([[1, `sockets/${code}`, 0, token, null]]);
    await again.close();
  });
});

describe('a close frame', () => {
  it.each([
    ['1000, which is in order', 1000, closeFrame(1000)],
    ['no code', 1005, frame({ opcode: Opcode.close })],
    ['4999 of somebody else', 4999, closeFrame(4999, Buffer.from('bye'))],
    ['half a code', 1002, frame({ opcode: Opcode.close, payload: Buffer.from([3]) })],
    ['999', 1002, closeFrame(999)],
    ['1005, which is never sent', 1002, closeFrame(1005)],
    ['1006, which is never sent', 1002, closeFrame(1006)],
    ['1015, which is never sent', 1002, closeFrame(1015)],
    ['65535', 1002, closeFrame(65_535)],
    ['a reason that is not UTF-8', 1007, closeFrame(1000, Buffer.from([0xff]))],
    ['a reason of 124 bytes', 1002, closeFrame(1000, Buffer.alloc(124, 'r'))],
  ])('with %s is answered with %i, and releases what a plain session holds', async (what, code, bytes) => {
    await using next = await RawClient.open(scene.server.url);
    const key = `sockets/close/${what}`;
    using socket = await RawSocket.upgraded(scene.server.port);
    socket.write(hello());
    await until('the welcome', () => socket.received.length > 0);
    const acquire = encodeFrame([[MessageType.acquire, 1, 0, key, 0, null, null, 0, null]]);
    socket.write(frame({ opcode: Opcode.binary, payload: acquire }));
    next.send([MessageType.watch, 1, '**', null, true]);
    await next.nextOf('the hold', (message) => JSON.stringify(message).includes(key));
    next.send([MessageType.unwatch, 1]);
    next.acquire(2, key);
    socket.write(bytes);
    expect(await socket.closeCode()).toBe(code);
    await next.granted(2);
  });

  it('with 4100 gives up the connection and not the session', async () => {
    await using client = await RawClient.open(scene.server.url, { resumable: true });
    const token = await client.acquired(1, 'sockets/4100');
    const { session, secret } = client.welcome;
    expect((await client.close(4100)).code).toBe(4100);
    await using again = await RawClient.open(scene.server.url, { session, secret: secret! });
    expect((await again.next(MessageType.restore))[1]).toEqual([[1, 'sockets/4100', 0, token, null]]);
    await again.close();
  });

  it('that is followed by more frames is the last thing that is heard', async () => {
    using socket = await RawSocket.upgraded(scene.server.port);
    const acquire = encodeFrame([[MessageType.acquire, 1, 0, 'sockets/late', 0, null, null, 0, null]]);
    socket.write(Buffer.concat([hello(), closeFrame(1000), frame({ opcode: Opcode.binary, payload: acquire })]));
    expect(await socket.closeCode()).toBe(1000);
    await using next = await RawClient.open(scene.server.url);
    await next.acquired(1, 'sockets/late', { waitMs: 0 });
  });
});

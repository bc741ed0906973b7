/** What only real sockets show: close frames, WebSocket violations, and the ends of a server. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ClientMessage, HelloOptions, ServerMessage } from '@holdfast/protocol';
import { ScriptedLog } from '../../testing/src/index.js';
import { type HoldfastServer, LogFailure, type ServerOptions, startServer } from '../src/index.js';
import { acquire, errorCodes, granted, released } from './support/messages.js';
import { RawClient } from './support/raw-client.js';

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function start(options: ServerOptions = {}): Promise<HoldfastServer> {
  const server = await startServer({ port: 0, logLevel: 'silent', ...options });
  ends.push(() => server.close());
  return server;
}

async function open(server: HoldfastServer, hello: HelloOptions = {}): Promise<RawClient> {
  const client = await RawClient.open(server.port, hello);
  ends.push(() => client.end());
  return client;
}

async function resumable(server: HoldfastServer): Promise<{ client: RawClient; proof: HelloOptions }> {
  const client = await RawClient.connect(server.port);
  ends.push(() => client.end());
  client.say([1, { resumable: true }]);
  const [welcome] = await client.hear();
  if (welcome?.[0] !== 64) throw new Error('no welcome');
  const { session, secret = new Uint8Array(16) } = welcome[1];
  return { client, proof: { session, secret } };
}

async function resume(server: HoldfastServer, proof: HelloOptions): Promise<ServerMessage[]> {
  const client = await RawClient.connect(server.port);
  ends.push(() => client.end());
  client.say([1, proof]);
  return client.hear();
}

async function ask(client: RawClient, ...messages: ClientMessage[]): Promise<ServerMessage[]> {
  client.say(...messages);
  return client.hear();
}

describe('a close frame', () => {
  it('ends the session when it arrives, not when the peer lets go of the connection', async () => {
    const server = await start();
    const { client } = await resumable(server);
    const waiter = await open(server);
    expect(await ask(client, acquire(1, 'a'))).toEqual([granted(1)]);
    waiter.say(acquire(1, 'a'));
    client.closeFrame(1000);
    expect(await waiter.hear()).toEqual([granted(1)]);
    expect(await client.closeCode()).toBe(1000);
    expect(client.socket.destroyed).toBe(false);
  });

  it('without a code ends the session at once, too', async () => {
    const server = await start();
    const { client } = await resumable(server);
    const waiter = await open(server);
    await ask(client, acquire(1, 'a'));
    waiter.say(acquire(1, 'a'));
    client.frame('close', new Uint8Array(0));
    expect(await waiter.hear()).toEqual([granted(1)]);
  });

  it('with 4100 leaves a resumable session, and what it holds, for a resume', async () => {
    const server = await start();
    const { client, proof } = await resumable(server);
    await ask(client, acquire(1, 'a'));
    client.closeFrame(4100);
    await client.closeCode();
    expect(await resume(server, proof)).toMatchObject([
      [64, { resumed: true }],
      [65, [[1, 'a', 0, expect.any(Number), null]], [], true],
    ]);
  });
});

describe('a violation of WebSocket', () => {
  it.each<[string, number, (client: RawClient) => void]>([
    ['a frame that is too long', 1009, (client) => client.frame('binary', new Uint8Array(65_537))],
    ['a frame with reserved bits', 1002, (client) => void client.socket.write(Buffer.of(0xf2, 0x80, 0, 0, 0, 0))],
    ['a frame without a mask', 1002, (client) => void client.socket.write(Buffer.of(0x82, 0x01, 0))],
    ['a text frame', 1003, (client) => client.frame('text', Buffer.from('hello'))],
    ['a frame that is no message', 4400, (client) => client.frame('binary', Buffer.of(0xc1))],
  ])('%s closes the connection with %i, and a resumable session lives on', async (_, code, violate) => {
    const server = await start();
    const { client, proof } = await resumable(server);
    await ask(client, acquire(1, 'a'));
    violate(client);
    expect(await client.closeCode()).toBe(code);
    expect(await resume(server, proof)).toMatchObject([
      [64, { resumed: true }],
      [65, [[1, 'a', 0, expect.any(Number), null]], [], true],
    ]);
  });

  it('ends a session that is not resumable at once, whatever the peer does with the connection', async () => {
    const server = await start();
    const client = await open(server);
    const waiter = await open(server);
    await ask(client, acquire(1, 'a'));
    waiter.say(acquire(1, 'a'));
    client.frame('binary', new Uint8Array(65_537));
    expect(await waiter.hear()).toEqual([granted(1)]);
    expect(client.socket.destroyed).toBe(false);
  });
});

describe('drain', () => {
  it('with nothing held closes at once, with 1012', async () => {
    const server = await start({ drainMs: 2 ** 31 - 1 });
    const client = await open(server);
    const drained = server.drain();
    expect(await client.hear()).toEqual([[76, { reason: 'DRAINING', urls: [], delayMs: expect.any(Number) }]]);
    expect(await client.closeCode()).toBe(1012);
    client.end();
    await drained;
  });

  it('lets holds go on until they are released, takes nobody new meanwhile, then closes with 1012', async () => {
    const server = await start({ drainMs: 2 ** 31 - 1 });
    const client = await open(server);
    await ask(client, acquire(1, 'a'));
    const early = await RawClient.connect(server.port);
    const drained = server.drain();
    expect((await client.hear())[0]?.[0]).toBe(76);
    expect((await fetch(`http://127.0.0.1:${server.port}/readyz`)).status).toBe(503);
    expect((await fetch(`http://127.0.0.1:${server.port}/livez`)).status).toBe(200);
    expect((await early.hear())[0]?.[0]).toBe(76);
    expect(errorCodes(await ask(early, [1, {}]))).toEqual(['DRAINING']);
    expect(await early.closeCode()).toBe(4503);
    expect(errorCodes(await ask(client, acquire(2, 'b')))).toEqual(['DRAINING']);
    expect(await ask(client, [3, 1])).toEqual([released(1, 1)]);
    expect(await client.closeCode()).toBe(1012);
    early.end();
    client.end();
    await drained;
  });

  it('does not wait for holds when they outlive the process', async () => {
    const log = new ScriptedLog({ failure: (kind, message) => new LogFailure(kind, message) });
    const server = await start({ log, drainMs: 2 ** 31 - 1 });
    const client = await open(server);
    await ask(client, acquire(1, 'a'));
    const drained = server.drain();
    expect(await client.closeCode()).toBe(1012);
    client.end();
    await drained;
    expect(log.closed).toBe(true);
  });

  it('is over when the server is closed meanwhile', async () => {
    const server = await start({ drainMs: 2 ** 31 - 1 });
    const client = await open(server);
    await ask(client, acquire(1, 'a'));
    const drained = server.drain();
    const closed = server.close();
    expect(await client.closeCode()).toBe(1012);
    client.end();
    await closed;
    await drained;
  });
});

describe('close', () => {
  it('is done even if clients never answer the closing handshake, or do not even read', async () => {
    const server = await start();
    const client = await open(server);
    const silent = await RawClient.connect(server.port);
    const deaf = await open(server);
    deaf.socket.pause();
    for (let number = 1; number <= 200; number++) deaf.say([8, number, 'sessions', {}]);
    await server.close();
    expect(await client.closeCode()).toBe(1012);
    expect(await silent.closeCode()).toBe(1012);
    silent.end();
  });

  it('can be asked for twice', async () => {
    const server = await start();
    const { port } = server;
    await Promise.all([server.close(), server.close()]);
    await server.drain();
    await expect(RawClient.connect(port)).rejects.toThrow('closed');
  });
});

describe('a log that fails', () => {
  const failing = (): ScriptedLog => new ScriptedLog({ failure: (kind, message) => new LogFailure(kind, message) });

  it('at the start makes the start fail, and is closed', async () => {
    const log = failing();
    log.unreadable = true;
    await expect(start({ log })).rejects.toThrow(LogFailure);
    expect(log.closed).toBe(true);
  });

  it('with a newer term makes the node silent, closes everything, and says why', async () => {
    const log = failing();
    const server = await start({ log });
    const client = await open(server);
    log.manual();
    client.say(acquire(1, 'a'));
    await expect.poll(() => log.underWay.length).toBe(1);
    log.refuse();
    expect(await server.failed).toBeInstanceOf(LogFailure);
    expect(await client.closeCode()).toBe(1012);
  });
});

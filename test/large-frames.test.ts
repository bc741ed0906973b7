/** Frames of the server of every form of length that WebSocket has, read by a library that is not ours. */
import { type HoldfastServer, startServer } from '@holdfast/server';
import { MessageType } from '@holdfast/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RawClient } from './support/raw-client.js';

let server: HoldfastServer;

beforeAll(async () => {
  server = await startServer({ port: 0, logLevel: 'silent' });
});

afterAll(() => server.close());

it.each([
  ['short', 1],
  ['of 126 bytes and more', 20],
  ['of more than 65,535 bytes', 200],
])('a resume of holds whose list is %s comes whole', async (_, count) => {
  const keys = Array.from({ length: count }, (_unused, i) => `${server.port}/${count}/${i}/`.padEnd(1_000, 'k'));
  const first = await RawClient.open(server.url, { resumable: true });
  for (const [i, key] of keys.entries()) first.acquire(i + 1, key);
  for (const i of keys.keys()) await first.granted(i + 1);
  const { session, secret } = first.welcome;
  if (secret === undefined) throw new Error('a resumable session has a secret');
  const second = await RawClient.open(server.url, { session, secret });
  const listed: string[] = [];
  for (let last = false; !last;) {
    const [, holds, , isLast] = await second.next(MessageType.restore);
    listed.push(...holds.map(([, key]) => key));
    last = isLast;
  }
  expect(listed).toEqual(keys);
  second.send([MessageType.goodbye]);
  await second.whenClosed();
});

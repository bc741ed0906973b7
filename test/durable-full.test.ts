/** What the real server does on a disk that is full, and in a directory that it cannot have. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@holdfast/client';
import { MessageType } from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';
import { holdfast } from './support/cli.js';
import { DurableServer, Scratch } from './support/durable-server.js';
import { RawClient } from './support/raw-client.js';
import { RawSession, type Refusal } from './support/raw-session.js';
import { Tmpfs, isTmpfsMissing } from './support/tmpfs.js';
import { until } from './support/until.js';

const MEBIBYTE = 1024 * 1024;
/** Two segments and a half: the second one is prepared when the first is half full. */
const DISK_MEBIBYTES = 40;
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const REFUSED: Refusal = { code: 'UNAVAILABLE', retry: 'same-request' };

if (isTmpfsMissing) process.stdout.write('no tmpfs can be mounted here: what a full disk does is not tested\n');

function mounted(): Tmpfs {
  const disk = Tmpfs.mount(DISK_MEBIBYTES);
  if (disk === null) throw new Error('no tmpfs can be mounted');
  return disk;
}

/** Asks for ever smaller things until none fits any more. Some holds are kept, so that there is something to be lost. */
async function untilRefused(session: RawSession): Promise<void> {
  for (const fillBytes of [900, 0]) {
    for (let isRefused = false, round = 0; !isRefused; round++) {
      if (round === 400) throw new Error('the disk was never full');
      const refused = [
        ...(await session.acquire([`kept/${fillBytes}/${round}`])),
        ...(await session.churn(50, fillBytes)),
      ];
      for (const refusal of refused) expect(refusal).toEqual(REFUSED);
      isRefused = refused.length > 0;
    }
  }
  while ((await session.acquire([`last/${session.held.size}`])).length === 0);
  // A release is smaller still: it is taken as long as it can be.
  for (const request of [...session.held.keys()]) if ((await session.release([request])).length > 0) return;
  throw new Error('everything could be released');
}

describe.skipIf(isTmpfsMissing)('a full disk', () => {
  test('refuses what changes something, loses nothing, and is over by itself when there is room', async () => {
    using disk = mounted();
    await using server = await DurableServer.start(join(disk.path, 'data'));
    await using witness = await RawClient.open(server.url, { timeoutMs: 1_000 });
    await witness.acquired(1, 'witness');
    const session = await RawSession.open(server.url, 60_000);
    await disk.fill(MEBIBYTE);

    await untilRefused(session);
    expect(session.held.size).toBeGreaterThan(10);
    expect(await session.acquire(['another'])).toEqual([REFUSED]);
    const [held = 0] = session.held.keys();
    expect(await session.release([held])).toEqual([REFUSED]);

    await using newcomer = await RawClient.connect(server.url);
    newcomer.send([MessageType.hello, {}]);
    expect(await newcomer.whenClosed()).toMatchObject({ code: 4503, errors: ['UNAVAILABLE'] });
    expect((await fetch(`http://127.0.0.1:${server.port}/livez`)).status).toBe(200);
    // For two of its time-outs, told by the server's own pings.
    let pings = 0;
    witness.ws.on('ping', () => (pings += 1));
    await until('pings of two time-outs', () => pings >= 6);
    witness.send([MessageType.query, 1, 'key', { key: 'witness' }]);
    expect((await witness.next(MessageType.result, 1))[2]).toMatchObject([{ held: 1 }]);
    // Still full, and still true.
    expect(await session.acquire(['another'])).toEqual([REFUSED]);

    disk.free();
    await until('room for a lock', async () => (await session.acquire(['after'])).length === 0);
    expect(await session.release([held])).toEqual([]);
    await witness.released(1);
    // Said once each, however often it was tried.
    const noted = [...server.cli.stdout.matchAll(/"(no space left:|there is room for the log again)/g)];
    expect(noted.map(([, what]) => what)).toEqual(['no space left:', 'there is room for the log again']);

    await server.kill();
    server.launch();
    await server.serves();
    expect(await session.resume(server.url)).toEqual(session.held);
    await session.client.close();
    expect((await server.stop()).code).toBe(0);
  });

  test('lets calls of the SDK wait, and they go on when there is room', async () => {
    using disk = mounted();
    await using server = await DurableServer.start(join(disk.path, 'data'));
    await using client = await connect(server.url, { timeout: '60s' });
    const before = await client.acquire('before');
    const session = await RawSession.open(server.url, 60_000);
    await disk.fill(MEBIBYTE);
    await untilRefused(session);
    const acquired = client.acquire('waits');
    const released = before.release();
    await expect(client.tryAcquire('tries')).rejects.toMatchObject({ code: 'UNAVAILABLE', retry: 'same-request' });
    disk.free();
    const lock = await acquired;
    await released;
    await server.kill();
    server.launch();
    expect(await client.query('before')).toMatchObject({ held: 0 });
    expect(await client.query('waits')).toMatchObject({ held: 1, holds: [{ token: lock.token }] });
    expect(lock.state).toBe('held');
    await client.close();
    expect((await server.stop()).code).toBe(0);
  });

  test('keeps a new server from starting with 69, and a restart from none of its state', async () => {
    using disk = mounted();
    await disk.fill(MEBIBYTE);
    const data = join(disk.path, 'data');
    const { code, stdout, stderr } = await holdfast(['serve', '--port', '0', '--data', data]);
    expect(code).toBe(69);
    expect(stdout).not.toContain('serving');
    expect(stderr).toMatch(/^holdfast: no space left/);
    disk.free();
    await using server = await DurableServer.start(data);
    const session = await RawSession.open(server.url, 60_000);
    await session.acquire(['held']);
    await disk.fill(0);
    await server.kill();
    server.launch();
    await server.serves();
    expect(await session.resume(server.url)).toEqual(session.held);
  });

  test('that became read-only keeps a server from starting, which says so', async () => {
    using disk = mounted();
    const data = join(disk.path, 'data');
    await mkdir(data);
    disk.makeReadOnly();
    for (const directory of [data, join(disk.path, 'not', 'made')]) {
      const { code, stderr } = await holdfast(['serve', '--port', '0', '--data', directory]);
      expect(code).toBe(77);
      expect(stderr).toBe(
        `holdfast: ${directory} is on a file system that is read-only: --data takes another directory\n`,
      );
    }
  });
});

describe('a directory', () => {
  test.skipIf(!isRoot)('of another user is 77', async () => {
    await using scratch = await Scratch.make();
    const data = join(scratch.path, 'data');
    await mkdir(data, { mode: 0o700 });
    const { code, stdout, stderr } = await holdfast(['serve', '--port', '0', '--data', data], {}, NOBODY);
    expect({ code, stdout }).toEqual({ code: 77, stdout: '' });
    expect(stderr).toMatch(/^holdfast: not allowed to keep the state in /);
  });

  test('is refused to a second server while the first lives, and given to it after a SIGKILL, 20 times', async () => {
    // Two at a time: most of it is waiting for processes to start.
    expect(await Promise.all([takeOver(10), takeOver(10)])).toEqual([10, 10]);
  });
});

/** Gives how often the directory went from one server to the next. */
async function takeOver(rounds: number): Promise<number> {
  let taken = 0;
  await using scratch = await Scratch.make();
  await using server = await DurableServer.start(scratch.path);
  for (let round = 0; round < rounds; round++) {
    const { code, stdout, stderr } = await holdfast(['serve', '--port', '0', '--data', scratch.path]);
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
    expect(stderr).toContain('is in use by another process');
    await server.kill();
    server.launch();
    await server.serves();
    taken += 1;
  }
  expect((await server.stop()).code).toBe(0);
  return taken;
}

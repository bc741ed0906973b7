/** `holdfast serve` and its data directory: what a person, a script or a supervisor sees of it. */
import { existsSync } from 'node:fs';
import { mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@holdfast/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Cli, holdfast } from './support/cli.js';
import { until } from './support/until.js';

let directory: string;
let data: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-data-'));
  data = join(directory, 'data');
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** Starts a server; resolves when it serves. */
async function serve(args: readonly string[] = ['--data', data], env: Record<string, string> = {}): Promise<Cli> {
  const cli = new Cli(['serve', '--port', '0', ...args], env);
  await cli.says('"serving"');
  return cli;
}

const urlOf = (cli: Cli): string => String(cli.rows().find(({ msg }) => msg === 'serving')?.['url']);

/** A log with some grants in it, whose server has stopped in good order. */
async function sound(): Promise<void> {
  await using server = await serve();
  await using client = await connect(urlOf(server));
  for (let i = 0; i < 5; i++) await client.withLock(`key/${i}`, async () => {});
  await client.close();
  server.kill('SIGTERM');
  expect((await server.end()).code).toBe(0);
}

async function fileNamed(pattern: RegExp): Promise<string> {
  const name = (await readdir(data)).find((each) => pattern.test(each));
  if (name === undefined) throw new Error(`no file like ${String(pattern)}`);
  return join(data, name);
}

/** Flips a bit of the byte at `offset`. */
async function flip(file: string, offset: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, offset);
    byte[0] = (byte[0] ?? 0) ^ 1;
    await handle.write(byte, 0, 1, offset);
  } finally {
    await handle.close();
  }
}

describe('where the state is', () => {
  test('HOLDFAST_DATA names the directory, which is made, for its owner only', async () => {
    const nested = join(directory, 'a', 'b');
    await using server = await serve([], { HOLDFAST_DATA: nested });
    expect(await readdir(nested)).not.toEqual([]);
    expect((await stat(nested)).mode & 0o777).toBe(0o700);
    server.kill('SIGTERM');
    expect((await server.end()).code).toBe(0);
  });

  test('a signal while it starts stops it in good order', async () => {
    await using server = new Cli(['serve', '--port', '0', '--data', data]);
    await until('it takes its directory', () => existsSync(data));
    server.kill('SIGTERM');
    expect(await server.end()).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  test('--log memory leaves nothing behind', async () => {
    await using server = await serve(['--log', 'memory'], { HOLDFAST_DATA: data });
    server.kill('SIGTERM');
    expect((await server.end()).code).toBe(0);
    expect(await readdir(directory)).toEqual([]);
  });

  test.each([
    [['--log', 'memory', '--data', 'x'], 'keeps nothing in a directory'],
    [['--log', 'file:x', '--data', 'y'], 'different directories'],
    [['--log', 'memory', '--fsync', 'never'], 'writes nothing to a disk'],
    [['--fsync', 'sometimes'], 'always, interval, never'],
  ] as const)('%j is 64', async (args, why) => {
    const { code, stderr } = await holdfast(['serve', '--port', '0', ...args]);
    expect(code).toBe(64);
    expect(stderr).toContain(why);
  });
});

describe('a restart', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'after %s the holder still holds and the waiter still waits',
    async (signal) => {
      await using first = await serve();
      const url = urlOf(first);
      await using holder = await connect(url, { timeout: '60s' });
      await using waiter = await connect(url, { timeout: '60s' });
      const lock = await holder.acquire('restart');
      const states: string[] = [];
      lock.on('state', (state) => states.push(state));
      const next = waiter.acquire('restart');
      await expect.poll(async () => (await holder.query('restart')).waiting).toBe(1);
      first.kill(signal);
      await first.end();
      await using second = await serve(['--data', data, '--port', new URL(url).port]);
      await expect.poll(() => states).toEqual(['jeopardy', 'held']);
      expect(await holder.query('restart')).toMatchObject({ held: 1, waiting: 1, holds: [{ token: lock.token }] });
      await lock.release();
      expect((await next).token).toBeGreaterThan(lock.token);
      second.kill('SIGTERM');
      expect((await second.end()).code).toBe(0);
    },
  );

  test.each(['interval', 'never'])('with --fsync %s the end of the process costs nothing', async (fsync) => {
    await using first = await serve(['--data', data, '--fsync', fsync]);
    const url = urlOf(first);
    await using holder = await connect(url, { timeout: '60s' });
    const lock = await holder.acquire('restart');
    first.kill('SIGKILL');
    await first.end();
    await using second = await serve(['--data', data, '--fsync', fsync, '--port', new URL(url).port]);
    expect(await holder.query('restart')).toMatchObject({ held: 1, holds: [{ token: lock.token }] });
    expect(second.stderr).toBe('');
  });
});

describe('a server that cannot have its directory', () => {
  test('two do not share one: the second is 69, until the first is gone, however it went', async () => {
    await using first = await serve();
    const refused = await holdfast(['serve', '--port', '0', '--data', data]);
    expect(refused.code).toBe(69);
    expect(refused.stderr).toBe(
      `holdfast: ${data} is in use by another process: is a server running already? --data takes another directory\n`,
    );
    first.kill('SIGKILL');
    await first.end();
    await using second = await serve();
    second.kill('SIGTERM');
    expect((await second.end()).code).toBe(0);
  });

  test('a file is no directory: 64', async () => {
    await writeFile(data, '');
    const { code, stderr } = await holdfast(['serve', '--port', '0', '--data', data]);
    expect(code).toBe(64);
    expect(stderr).toBe(`holdfast: ${data} is not a directory: see --data\n`);
  });

  test('a damaged log is 65, names file and offset, and nothing is changed', async () => {
    await sound();
    const wal = await fileNamed(/^wal-.*\.log$/);
    // In the first record, which others follow.
    await flip(wal, 70);
    const before = await readdir(data);
    const { code, stdout, stderr } = await holdfast(['serve', '--port', '0', '--data', data]);
    expect(code).toBe(65);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^holdfast: .*wal-\d+\.log.*\d+.*: `holdfast log inspect .*` shows more\n$/);
    expect(await readdir(data)).toEqual(before);
  });
});

describe('log inspect', () => {
  test('a sound log is 0, and shows what was said, but for the hashes of secrets', async () => {
    await sound();
    const short = await holdfast(['log', 'inspect', data]);
    expect(short).toMatchObject({ code: 0, stderr: '' });
    expect(short.stdout).toMatch(
      /^wal-0{15}1\.log: entries 1 to \d+ in \d+ records, up to term 1, 16 MiB\nsound: .*\n$/,
    );
    const { stdout } = await holdfast(['log', 'inspect', data, '--records']);
    expect(stdout).toMatch(/acquire session=\S+ request=1 acked=0 key=key\/0 mode=exclusive/);
    expect(stdout).toContain('secretHash=(hidden)');
  });

  test('it may be used beside a live server', async () => {
    await using server = await serve();
    expect(await holdfast(['log', 'inspect', data])).toMatchObject({ code: 0, stderr: '' });
    server.kill('SIGTERM');
    expect((await server.end()).code).toBe(0);
  });

  test('a damaged log is 65, with file and offset, as JSON too', async () => {
    await sound();
    await flip(await fileNamed(/^wal-.*\.log$/), 70);
    const { code, stdout } = await holdfast(['log', 'inspect', data, '--json']);
    expect(code).toBe(65);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(lines).toMatchObject([
      { type: 'segment', firstIndex: 1 },
      { type: 'problem', kind: 'damaged', offset: 64 },
      { type: 'summary', damaged: 1 },
    ]);
    expect((await holdfast(['log', 'inspect', data])).stdout).toMatch(
      /at byte 64: damaged: .*\nnot sound, 1 problem: /,
    );
  });

  test('the end that a crash tore is no damage: the next start cuts it off and says so', async () => {
    await sound();
    const wal = await fileNamed(/^wal-.*\.log$/);
    const rows = (await holdfast(['log', 'inspect', data, '--json', '--records'])).stdout.trim().split('\n');
    const last: unknown = JSON.parse(rows.at(-2) ?? '');
    expect(last).toMatchObject({ type: 'record' });
    await flip(wal, (last as { offset: number }).offset + 40);
    const torn = await holdfast(['log', 'inspect', data]);
    expect(torn.code).toBe(0);
    expect(torn.stdout).toContain('torn by a crash');
    await using server = await serve();
    expect(server.stdout).toMatch(
      /"file":"[^"]*wal-[^"]*","offset":\d+,.*"msg":"the end of the log was torn and is cut off"/,
    );
    server.kill('SIGTERM');
    expect((await server.end()).code).toBe(0);
    expect((await holdfast(['log', 'inspect', data])).stdout).not.toContain('torn');
  });

  test('where no log is there is none to look into: 66', async () => {
    expect(await holdfast(['log', 'inspect', data])).toMatchObject({ code: 66, stdout: '' });
    const { code, stdout, stderr } = await holdfast(['log', 'inspect', directory]);
    expect({ code, stdout }).toEqual({ code: 66, stdout: '' });
    expect(stderr).toContain('there is no log in it');
  });
});

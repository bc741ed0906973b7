/** A process that ends between any two operations of its disk, and one whose disk fails: what was acknowledged is found by the next one. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FileLog, SystemDisk, systemClock } from '@holdfast/server';
import { describe, expect, test } from 'vitest';
import { Child } from './support/child.js';
import { Cli } from './support/cli.js';
import { DurableServer, Scratch } from './support/durable-server.js';
import { failingSync } from './support/failing-sync.js';
import { RawSession } from './support/raw-session.js';
import { STEPS_ENTRIES, STEPS_SEGMENT_BYTES, STEPS_SNAPSHOTS, entryAt, rowsUpTo } from './support/steps.js';
import { inTime } from './support/until.js';

/** More than there are. */
const NEVER = Number.MAX_SAFE_INTEGER;
/** Processes at a time. */
const LANES = 2;

interface Written {
  /** The last entry whose append resolved, the last snapshot that was saved; 0: none. */
  readonly appended: number;
  readonly saved: number;
  /** Operations, of a process that came to its end. */
  readonly steps: number;
}

/** Runs the program until it ends, by itself or after `endAfter` operations, and gives what it had acknowledged. */
async function write(directory: string, endAfter: number): Promise<Written> {
  await using child = await Child.start('log-writer', { directory, endAfter });
  const exit = await inTime('the end of the writer', child.exited, 30_000);
  const wanted = endAfter === NEVER ? { code: 0, signal: null } : { code: null, signal: 'SIGKILL' };
  expect(exit, child.output).toEqual(wanted);
  return {
    appended: last(child.output, 'appended'),
    saved: last(child.output, 'saved'),
    steps: last(child.output, 'steps'),
  };
}

function last(output: string, word: string): number {
  const numbers = [...output.matchAll(new RegExp(`^${word} (\\d+)$`, 'gm'))].map((match) => Number(match[1]));
  return numbers.at(-1) ?? 0;
}

/** Everything that was acknowledged is there and nothing else, nothing is left over, and the log goes on. */
async function check(directory: string, { appended, saved }: Written): Promise<void> {
  const log = new FileLog({
    disk: new SystemDisk(directory),
    clock: systemClock,
    fsync: 'always',
    segmentBytes: STEPS_SEGMENT_BYTES,
  });
  const term = await log.open();
  try {
    const names = await readdir(directory);
    // A next segment may be in preparation already.
    expect(leftovers(names).filter((name) => name !== 'wal-next.tmp')).toEqual([]);
    const snapshots = indices(names, 'snapshot-');
    expect(snapshots.length).toBeLessThanOrEqual(2);

    const snapshot = await log.loadSnapshot();
    const from = snapshot?.index ?? 0;
    expect(from).toBe(snapshots.at(-1) ?? 0);
    expect(from).toBeGreaterThanOrEqual(saved);
    const rows = [];
    if (snapshot !== null) for await (const some of snapshot.rows) rows.push(...some);
    expect(rows).toEqual([...rowsUpTo(from)]);
    if (from > 0) expect(STEPS_SNAPSHOTS).toContain(from);

    // From the older of the two on.
    const kept = snapshots.length === 2 ? (snapshots[0] ?? 0) : 0;
    const entries = [];
    for await (const entry of log.read(kept + 1)) entries.push(entry);
    const end = kept + entries.length;
    expect(entries).toEqual(entries.map((_, i) => entryAt(kept + 1 + i, 1)));
    expect(end).toBeGreaterThanOrEqual(appended);
    expect(end).toBeLessThanOrEqual(appended + 1);

    await log.append(entryAt(end + 1, term));
    await log.saveSnapshot({ index: end + 1, term, rows: rowsUpTo(end + 1) });
    expect((await log.loadSnapshot())?.index).toBe(end + 1);
    expect(indices(await readdir(directory), 'snapshot-').length).toBeLessThanOrEqual(2);
  } finally {
    await log.close();
  }
  expect(leftovers(await readdir(directory))).toEqual([]);
}

function leftovers(names: readonly string[]): readonly string[] {
  return names.filter((name) => !/^(wal-\d{16}\.log|snapshot-\d{16}\.snap)$/.test(name));
}

function indices(names: readonly string[], prefix: string): number[] {
  const found = names.filter((name) => name.startsWith(prefix)).toSorted();
  return found.map((name) => Number(name.slice(prefix.length, prefix.length + 16)));
}

describe('the end of a process', () => {
  test('between any two operations of appends, changes of segments, snapshots and removals loses nothing', async () => {
    await using scratch = await Scratch.make();
    const whole = join(scratch.path, 'whole');
    const written = await write(whole, NEVER);
    expect(written).toMatchObject({ appended: STEPS_ENTRIES, saved: STEPS_SNAPSHOTS.at(-1) });
    const names = await readdir(whole);
    // Otherwise the run had no change of segments and no removal in it.
    expect(indices(names, 'wal-')[0]).toBeGreaterThan(1);
    expect(indices(names, 'snapshot-')).toEqual(STEPS_SNAPSHOTS.slice(-2));
    await check(whole, written);
    expect(written.steps).toBeGreaterThan(60);

    let next = 0;
    const lane = async (): Promise<void> => {
      for (let endAfter = next++; endAfter <= written.steps; endAfter = next++) {
        const directory = join(scratch.path, String(endAfter));
        await mkdir(directory);
        const before = await write(directory, endAfter);
        await check(directory, before).catch((error: unknown) => {
          throw new Error(`ended after ${endAfter} of ${written.steps} operations`, { cause: error });
        });
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  });
});

describe('an error of a sync', () => {
  test.each([1, 17, 18, 19, 20])('number %i, at the start, ends the server, and the next start is good', async (k) => {
    await using scratch = await Scratch.make();
    await using cli = new Cli(['serve', '--data', scratch.path, '--port', '0', '--json'], failingSync(k));
    const { code, stdout } = await cli.end();
    expect(code).toBe(69);
    expect(stdout).not.toContain('"serving"');
    await using server = await DurableServer.start(scratch.path);
    expect((await server.stop()).code).toBe(0);
  });

  test.each([23, 24, 35, 36, 60])(
    'number %i, under load, ends the server, and nothing that was acknowledged is lost',
    async (k) => {
      await using scratch = await Scratch.make();
      await using failing = await DurableServer.start(scratch.path, failingSync(k));
      const session = await RawSession.open(failing.url, 60_000);
      const work = async (): Promise<never> => {
        for (let round = 0; round < 2 * k; round++) {
          await session.acquire([`key/${round}`, `other/${round}`]);
          const [held = 0] = session.held.keys();
          await session.release([held]);
        }
        throw new Error('the server went on');
      };
      await expect(work()).rejects.toThrow('the connection closed');
      const { code, stderr } = await failing.cli.end();
      expect(code).toBe(69);
      expect(stderr).toContain('EIO');
      expect(session.held.size).toBeGreaterThan(0);
      await using server = await DurableServer.start(scratch.path);
      expect(await session.resume(server.url)).toEqual(session.held);
      await session.client.close();
      expect((await server.stop()).code).toBe(0);
    },
  );
});

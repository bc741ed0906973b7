import { describe, expect, test } from 'vitest';
import type { FsyncPolicy } from '../../src/log/file/writer.js';
import { appendAll, entryAt, loadRows, makeLog, openLog, range, readAll, rowsAt } from './support/file-logs.js';
import { type Kept, MemoryDisk } from './support/memory-disk.js';
import { turns } from './support/test-clock.js';

const SEGMENT_BYTES = 1_024;
const ENTRIES = 60;
const SNAPSHOTS = [15, 30, 45];

/** What the service was told before the machine stopped. */
interface Told {
  entry: number;
  snapshot: number;
  term: number;
}

/** Entries over several segments, with snapshots in between; ends when the disk stops. */
async function live(disk: MemoryDisk, fsync: FsyncPolicy): Promise<Told> {
  const told: Told = { entry: 0, snapshot: 0, term: 0 };
  const { log } = makeLog(disk, { segmentBytes: SEGMENT_BYTES, fsync });
  try {
    const term = await log.open();
    told.term = term;
    for (let index = 1; index <= ENTRIES; index += 3) {
      const group = range(index, index + 2).map(async (each) => {
        // One record for the first, one for the others.
        if (each > index) await turns(1);
        await log.append(entryAt(each, term));
        told.entry = Math.max(told.entry, each);
      });
      await Promise.all(group);
      const snapshot = SNAPSHOTS.find((each) => each === index + 2);
      if (snapshot === undefined) continue;
      await log.saveSnapshot({ index: snapshot, term, rows: rowsAt(snapshot, 40) });
      told.snapshot = snapshot;
    }
    await log.close();
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('the machine stopped'))) throw error;
  }
  return told;
}

/** A start after the crash gives a whole state; `least` is the entry that it has to reach. */
async function expectWhole(disk: MemoryDisk, told: Told, least: number, what: string): Promise<void> {
  const { log, term, notes } = await openLog(disk, { segmentBytes: SEGMENT_BYTES });
  const snapshot = await loadRows(log);
  expect(snapshot?.index ?? 0, what).toBeGreaterThanOrEqual(told.snapshot);
  if (snapshot !== null) expect(snapshot.rows, what).toStrictEqual([...rowsAt(snapshot.index, 40)]);
  const entries = await readAll(log, (snapshot?.index ?? 0) + 1);
  const reached = entries.at(-1)?.index ?? snapshot?.index ?? 0;
  expect(reached, `${what} ${notes.join()}`).toBeGreaterThanOrEqual(least);
  expect(entries, what).toStrictEqual(range((snapshot?.index ?? 0) + 1, reached).map((index) => entryAt(index, 1)));
  expect(term, what).toBeGreaterThan(told.term);
  await log.append(entryAt(reached + 1, term));
  await log.close();
  expect(
    (await disk.list()).filter((name) => name.endsWith('.tmp')),
    what,
  ).toEqual([]);
}

/** Deterministic coins: the same number gives the same sequence. */
function coins(seed: number): Kept {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) | 0;
    return ((state >>> 16) & 1) === 1;
  };
}

/** The disk after `steps` steps: the next one does not take place, nor any later one. */
function stopAfter(disk: MemoryDisk, steps: number): void {
  let left = steps;
  disk.onStep = () => {
    left -= 1;
    if (left < 0) throw new Error('the machine stopped');
  };
}

async function countSteps(fsync: FsyncPolicy): Promise<number> {
  const disk = new MemoryDisk();
  let steps = 0;
  disk.onStep = () => {
    steps++;
  };
  const told = await live(disk, fsync);
  expect(told).toEqual({ entry: ENTRIES, snapshot: 45, term: 1 });
  return steps;
}

const KEPT: readonly Kept[] = ['all', 'none', coins(1), coins(2), coins(3), coins(4)];

describe('a crash of the machine', () => {
  test('at any step of appends, segments, snapshots and removals loses nothing that was said', async () => {
    const steps = await countSteps('always');
    expect(steps).toBeGreaterThan(120);
    for (let step = 0; step < steps; step++) {
      const disk = new MemoryDisk();
      stopAfter(disk, step);
      const told = await live(disk, 'always');
      for (const [which, kept] of KEPT.entries()) {
        await expectWhole(disk.afterCrash(kept), told, told.entry, `step ${step}, kept ${which}`);
      }
    }
  });

  test('during a recovery loses nothing either', async () => {
    for (let step = 40; step < 110; step += 7) {
      const crashed = new MemoryDisk();
      stopAfter(crashed, step);
      const told = await live(crashed, 'always');
      for (let again = 0; again < 14; again++) {
        const disk = crashed.afterCrash(coins(step));
        stopAfter(disk, again);
        const opened = await makeLog(disk, { segmentBytes: SEGMENT_BYTES })
          .log.open()
          .then(
            (term) => term,
            () => 0,
          );
        const reached = { ...told, term: Math.max(told.term, opened) };
        await expectWhole(disk.afterCrash(coins(again)), reached, told.entry, `step ${step}, then ${again}`);
      }
    }
  });

  test.each(['interval', 'never'] as const)(
    'with fsync %s it loses the last window at most, and is never refused',
    async (fsync) => {
      const steps = await countSteps(fsync);
      for (let step = 0; step < steps; step++) {
        const disk = new MemoryDisk();
        stopAfter(disk, step);
        const told = await live(disk, fsync);
        for (const [which, kept] of KEPT.entries()) {
          // Snapshots are synced with the log up to them, whatever the policy.
          await expectWhole(disk.afterCrash(kept), told, told.snapshot, `step ${step}, kept ${which}`);
        }
      }
    },
  );

  test.each(['always', 'interval', 'never'] as const)(
    'with fsync %s the end of the process alone loses nothing',
    async (fsync) => {
      const steps = await countSteps(fsync);
      for (let step = 0; step < steps; step++) {
        const disk = new MemoryDisk();
        stopAfter(disk, step);
        const told = await live(disk, fsync);
        await expectWhole(new MemoryDisk(disk.files()), told, told.entry, `step ${step}`);
      }
    },
  );

  test('what a start has read, the next one reads again, whatever the machine kept', async () => {
    const { log, disk, term } = await openLog(new MemoryDisk(), { fsync: 'never' });
    await appendAll(log, term, 1, 12);
    disk.endProcess();
    const next = await openLog(disk);
    expect(await readAll(next.log)).toHaveLength(12);
    const machine = await openLog(disk.afterCrash('none'));
    expect(await readAll(machine.log)).toHaveLength(12);
  });

  test('the same holds after a sync that failed and left pages marked as clean', async () => {
    const { log, disk, term } = await openLog();
    await appendAll(log, term, 1, 3);
    disk.onStep = ({ kind }) => {
      if (kind === 'sync') throw new Error('EIO');
    };
    // Of several sectors: whatever is written behind it later makes the last one dirty again, but only that one.
    await expect(log.append(entryAt(4, term, 1_200))).rejects.toMatchObject({ kind: 'refused' });
    disk.endProcess();
    const next = await openLog(disk);
    const read = await readAll(next.log);
    expect(read).toHaveLength(4);
    const machine = await openLog(disk.afterCrash('none'));
    expect(await readAll(machine.log)).toStrictEqual(read);
  });

  test('during the first start after a process that had synced nothing is never refused', async () => {
    for (let seed = 0; seed < 60; seed++) {
      for (let steps = 0; steps < 6; steps++) {
        const { log, disk, term } = await openLog(new MemoryDisk(), { fsync: 'never' });
        await appendAll(log, term, 1, 15);
        disk.endProcess();
        stopAfter(disk, steps);
        const { log: stopped } = makeLog(disk);
        await stopped.open().catch(() => undefined);
        const machine = await openLog(disk.afterCrash(coins(seed)));
        const read = await readAll(machine.log);
        expect(read).toStrictEqual(range(1, read.length).map((index) => entryAt(index, 1)));
      }
    }
  });
});

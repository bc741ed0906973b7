import { describe, expect, test } from 'vitest';
import { DiskFull } from '../../src/log/file/disk.js';
import { decodeSegment } from '../../src/log/file/scan.js';
import { appendAll, entryAt, indicesFrom, loadRows, openLog, range, rowsAt } from './support/file-logs.js';
import { MemoryDisk, type StepKind } from './support/memory-disk.js';
import { turns } from './support/test-clock.js';

const FIRST = 'wal-0000000000000001.log';

async function appendUntilFull(opened: Awaited<ReturnType<typeof openLog>>): Promise<number> {
  const { log, term } = opened;
  for (let index = 1; ; index++) {
    const failure = await log.append(entryAt(index, term)).then(
      () => null,
      (error: unknown) => error,
    );
    if (failure === null) continue;
    expect(failure).toMatchObject({ name: 'LogFailure', kind: 'not-landed' });
    expect((failure as Error).message).toContain('no space left in /memory');
    return index - 1;
  }
}

/** Everything of this kind fails from now on. */
function failFrom(disk: MemoryDisk, kind: StepKind, error: Error = new Error('EIO: i/o error')): void {
  disk.onStep = (step) => {
    if (step.kind === kind) throw error;
  };
}

describe('a full disk', () => {
  test('uses the present segment to its end, refuses clearly, loses nothing, and goes on when there is room', async () => {
    const disk = new MemoryDisk();
    const opened = await openLog(disk);
    const { log, clock, term, notes } = opened;
    disk.capacity = disk.bytesUsed;
    const taken = await appendUntilFull(opened);
    expect(disk.bytesOf(FIRST).length - 100).toBeLessThan(taken * 100 + 64);
    expect(notes).toEqual(['no space left: when the present segment is full, the log takes nothing more']);
    await expect(log.append(entryAt(taken + 1, term))).rejects.toMatchObject({ kind: 'not-landed' });
    expect(await disk.list()).toEqual([FIRST]);

    const crashed = await openLog(new MemoryDisk(disk.files()), { segmentBytes: 10_000 });
    expect(await indicesFrom(crashed.log)).toEqual(range(1, taken));

    disk.capacity = Infinity;
    await clock.advance(1_000);
    await appendAll(log, term, taken + 1, taken + 50);
    expect(await indicesFrom(log)).toEqual(range(1, taken + 50));
    expect(notes.at(-1)).toBe('there is room for the log again');
  });

  test('is asked again at most once a second', async () => {
    const disk = new MemoryDisk();
    const opened = await openLog(disk);
    disk.capacity = disk.bytesUsed;
    const taken = await appendUntilFull(opened);
    let attempts = 0;
    disk.onStep = ({ kind }) => {
      if (kind === 'open') attempts++;
    };
    const { log, clock, term } = opened;
    for (let i = 0; i < 50; i++) await expect(log.append(entryAt(taken + 1, term))).rejects.toThrow('no space');
    expect(attempts).toBe(0);
    await clock.advance(1_000);
    for (let i = 0; i < 50; i++) await expect(log.append(entryAt(taken + 1, term))).rejects.toThrow('no space');
    expect(attempts).toBe(1);
  });

  test('rejects everything that waits, in the order in which it was called', async () => {
    const disk = new MemoryDisk();
    const opened = await openLog(disk);
    disk.capacity = disk.bytesUsed;
    const taken = await appendUntilFull(opened);
    await opened.clock.advance(1_000);
    const rejected: number[] = [];
    await Promise.all(
      range(taken + 1, taken + 20).map((index) =>
        opened.log.append(entryAt(index, opened.term)).catch(() => rejected.push(index)),
      ),
    );
    expect(rejected).toEqual(range(taken + 1, taken + 20));
  });

  test('at a write into the present segment takes back what was written of it', async () => {
    const { log, disk, term } = await openLog();
    await appendAll(log, term, 1, 3);
    let full = true;
    const { end } = decodeSegment(disk.bytesOf(FIRST));
    disk.onStep = ({ kind }) => {
      if (full && kind === 'write') {
        // A part of it lies there already.
        disk.bytesOf(FIRST).fill(9, end, end + 30);
        throw new DiskFull('ENOSPC: no space left on device');
      }
    };
    await expect(log.append(entryAt(4, term))).rejects.toMatchObject({ kind: 'not-landed' });
    expect(await indicesFrom((await openLog(new MemoryDisk(disk.files()))).log)).toEqual([1, 2, 3]);
    expect(disk.bytesOf(FIRST)).toHaveLength(end);
    full = false;
    await appendAll(log, term, 4, 30);
    const again = await openLog(disk.afterCrash('none'));
    expect(await indicesFrom(again.log)).toEqual(range(1, 30));
    expect(again.notes).toEqual([]);
  });

  test('at a snapshot removes what was written of it, and the log is as it was', async () => {
    const { log, disk, term } = await openLog();
    await appendAll(log, term, 1, 5);
    await log.saveSnapshot({ index: 3, term, rows: rowsAt(3) });
    const before = await disk.list();
    disk.capacity = disk.bytesUsed + 100_000;
    const failure = {
      kind: 'not-landed',
      message: expect.stringContaining('no space left in /memory for the snapshot of entry 5'),
    };
    await expect(log.saveSnapshot({ index: 5, term, rows: rowsAt(5, 10_000) })).rejects.toMatchObject(failure);
    expect(await disk.list()).toEqual(before);
    expect((await loadRows(log))?.index).toBe(3);
    await log.append(entryAt(6, term));
    disk.capacity = Infinity;
    await log.saveSnapshot({ index: 6, term, rows: rowsAt(6) });
    expect((await loadRows(log))?.index).toBe(6);
  });

  test('at the very start is told to whoever starts it, and a later start succeeds', async () => {
    const disk = new MemoryDisk();
    disk.capacity = 1_000;
    await expect(openLog(disk)).rejects.toMatchObject({ kind: 'not-landed' });
    disk.capacity = Infinity;
    await disk.close();
    expect((await openLog(disk)).term).toBe(1);
  });
});

describe('a failing disk', () => {
  test.each(['write', 'sync'] as const)(
    'a failed %s breaks the log for good, and nothing is acknowledged after it',
    async (kind) => {
      const { log, disk, term, notes } = await openLog();
      await appendAll(log, term, 1, 3);
      failFrom(disk, kind);
      const refused = { kind: 'refused', message: expect.stringContaining('this process has to end') };
      const appends = range(4, 8).map((index) =>
        expect(log.append(entryAt(index, term))).rejects.toMatchObject(refused),
      );
      await Promise.all(appends);
      disk.onStep = () => undefined;
      for (const index of [4, 5, 9]) await expect(log.append(entryAt(index, term))).rejects.toMatchObject(refused);
      await expect(log.open()).rejects.toMatchObject(refused);
      expect(notes).toEqual(['the log is broken']);
      await log.close();
      expect(disk.locked).toBe(false);
      const again = await openLog(disk);
      const found = await indicesFrom(again.log);
      expect(found.slice(0, 3)).toEqual([1, 2, 3]);
      expect(found).toEqual(range(1, found.length));
    },
  );

  test.each(['rename', 'sync-directory'] as const)(
    'a failed %s at the change of segments does the same',
    async (kind) => {
      const { log, disk, term } = await openLog();
      failFrom(disk, kind);
      const results = await Promise.allSettled(range(1, 60).map((index) => log.append(entryAt(index, term))));
      const acknowledged = results.filter(({ status }) => status === 'fulfilled').length;
      expect(results.at(-1)).toMatchObject({ status: 'rejected', reason: { kind: 'refused' } });
      const again = await openLog(disk.afterCrash('none'));
      expect((await indicesFrom(again.log)).length).toBeGreaterThanOrEqual(acknowledged);
    },
  );

  test('a failed sync of a snapshot breaks the log too: it is the same disk', async () => {
    const { log, disk, term } = await openLog();
    await log.append(entryAt(1, term));
    failFrom(disk, 'sync');
    await expect(log.saveSnapshot({ index: 1, term, rows: rowsAt(1) })).rejects.toMatchObject({ kind: 'refused' });
    disk.onStep = () => undefined;
    await expect(log.append(entryAt(2, term))).rejects.toMatchObject({ kind: 'refused' });
  });

  test('an old file that cannot be removed is noted, and harms nothing', async () => {
    const { log, disk, term, notes } = await openLog();
    failFrom(disk, 'remove', new Error('EACCES'));
    for (const index of [40, 80, 120]) {
      await appendAll(log, term, index - 39, index);
      await log.saveSnapshot({ index, term, rows: rowsAt(index) });
    }
    expect(new Set(notes)).toEqual(new Set(['a file that is not needed any more cannot be removed']));
    disk.onStep = () => undefined;
    await log.close();
    const again = await openLog(disk);
    expect(await indicesFrom(again.log, 121)).toEqual([]);
    expect((await disk.list()).filter((name) => name.endsWith('.snap'))).toHaveLength(2);
  });
});

describe('fsync interval and never', () => {
  test.each(['interval', 'never'] as const)('%s: an append resolves once it is written', async (fsync) => {
    const { log, disk, term } = await openLog(new MemoryDisk(), { fsync });
    disk.heldSyncs = [];
    await appendAll(log, term, 1, 5);
    expect(await indicesFrom(log)).toEqual(range(1, 5));
    expect(disk.heldSyncs).toHaveLength(0);
  });

  test('interval: what is not synced is synced once a second, and an idle log is left alone', async () => {
    const { log, disk, clock, term } = await openLog(new MemoryDisk(), { fsync: 'interval' });
    let syncs = 0;
    disk.onStep = ({ kind }) => {
      if (kind === 'sync') syncs++;
    };
    await appendAll(log, term, 1, 5);
    expect(syncs).toBe(0);
    await clock.advance(1_000);
    expect(syncs).toBe(1);
    await clock.advance(5_000);
    expect(syncs).toBe(1);
    expect(clock.timerCount).toBe(0);
    expect(await indicesFrom((await openLog(disk.afterCrash('none'))).log)).toEqual(range(1, 5));
  });

  test('interval: a failed sync refuses the next append', async () => {
    const { log, disk, clock, term } = await openLog(new MemoryDisk(), { fsync: 'interval' });
    await log.append(entryAt(1, term));
    failFrom(disk, 'sync');
    await clock.advance(1_000);
    await expect(log.append(entryAt(2, term))).rejects.toMatchObject({ kind: 'refused' });
    expect(clock.timerCount).toBe(0);
  });

  test.each(['interval', 'never'] as const)('%s: close syncs', async (fsync) => {
    const { log, disk, clock, term } = await openLog(new MemoryDisk(), { fsync });
    await appendAll(log, term, 1, 5);
    await log.close();
    await turns();
    expect(clock.timerCount).toBe(0);
    expect(await indicesFrom((await openLog(disk.afterCrash('none'))).log)).toEqual(range(1, 5));
  });

  test('a record in the window that is bad takes those after it with it; one that says that it was durable is refused', async () => {
    const { log, disk, clock, term } = await openLog(new MemoryDisk(), { fsync: 'interval' });
    await appendAll(log, term, 1, 5);
    // The header of the segment, the record that begins the term, the first entry's record, and then some.
    const inSecondRecord = 32 + 32 + 100 + 60;
    const files = disk.files();
    files.get(FIRST)![inSecondRecord]! ^= 1;
    const cut = await openLog(new MemoryDisk(files));
    expect(await indicesFrom(cut.log)).toEqual([1]);
    expect(cut.notes).toEqual(['the end of the log was torn and is cut off']);

    await clock.advance(1_000);
    await log.append(entryAt(6, term));
    const later = disk.files();
    later.get(FIRST)![inSecondRecord]! ^= 1;
    await expect(openLog(new MemoryDisk(later))).rejects.toMatchObject({ kind: 'damaged' });
  });
});

import { describe, expect, test } from 'vitest';
import { decodeSegment } from '../../src/log/file/scan.js';
import { appendAll, entryAt, indicesFrom, makeLog, openLog, range, readAll } from './support/file-logs.js';
import { MemoryDisk } from './support/memory-disk.js';
import { turns } from './support/test-clock.js';

const FIRST = 'wal-0000000000000001.log';

describe('a log in files', () => {
  test('an empty directory is a log without entries, in its first term', async () => {
    const { log, term } = await openLog();
    expect(term).toBe(1);
    expect(await indicesFrom(log)).toEqual([]);
    expect(await log.loadSnapshot()).toBeNull();
  });

  test('what was appended is read after a restart, in a later term', async () => {
    const { log, disk, term } = await openLog();
    await appendAll(log, term, 1, 100);
    await log.close();
    const again = await openLog(disk);
    expect(again.term).toBe(2);
    expect(await readAll(again.log)).toStrictEqual(range(1, 100).map((index) => entryAt(index, 1)));
    await appendAll(again.log, 2, 101, 110);
    expect(await indicesFrom(again.log, 95)).toEqual(range(95, 110));
    expect(again.notes).toEqual([]);
  });

  test('every open is a later term, also when nothing was appended between two', async () => {
    const disk = new MemoryDisk();
    for (const wanted of [1, 2, 3]) {
      const { log, term } = await openLog(disk);
      expect(term).toBe(wanted);
      await log.close();
    }
  });

  test('a second open of the same log refuses the entries of the first', async () => {
    const { log } = await openLog();
    await log.append(entryAt(1, 1));
    expect(await log.open()).toBe(2);
    await expect(log.append(entryAt(2, 1))).rejects.toMatchObject({ name: 'LogFailure', kind: 'refused' });
    await log.append(entryAt(2, 2));
    expect(await indicesFrom(log)).toEqual([1, 2]);
  });

  test('an entry that does not follow did not land, and the one that does lands', async () => {
    const { log, term } = await openLog();
    await expect(log.append(entryAt(2, term))).rejects.toMatchObject({ kind: 'not-landed' });
    await log.append(entryAt(1, term));
    await expect(log.append(entryAt(1, term))).rejects.toMatchObject({ kind: 'not-landed' });
    expect(await indicesFrom(log)).toEqual([1]);
  });

  test('an entry that cannot be written did not land, nor those called after it', async () => {
    const { log, term } = await openLog();
    const bad = log.append({
      index: 1,
      term,
      nowMs: 0,
      commands: [{ type: 'release', session: '\ud800', request: 1 }],
    });
    const after = log.append(entryAt(2, term));
    await expect(bad).rejects.toMatchObject({ kind: 'not-landed' });
    await expect(after).rejects.toMatchObject({ kind: 'not-landed' });
    await log.append(entryAt(1, term));
    expect(await indicesFrom(log)).toEqual([1]);
  });

  test('nothing is taken before the log is open', async () => {
    const { log } = makeLog(new MemoryDisk());
    await expect(log.append(entryAt(1, 1))).rejects.toMatchObject({ kind: 'refused' });
    await expect(indicesFrom(log)).rejects.toMatchObject({ kind: 'refused' });
  });

  test('an acquire and its release, each in a record of its own, take at most 200 bytes', async () => {
    const { log, disk, term } = await openLog();
    const { end } = decodeSegment(disk.bytesOf(FIRST));
    const session = 'abcdefghijklmnopqrstuv';
    const acquire = { ...entryAt(1, term, 12), nowMs: 2 ** 40 };
    await log.append(acquire);
    await log.append({ index: 2, term, nowMs: 2 ** 40, commands: [{ type: 'release', session, request: 70_000 }] });
    const found = decodeSegment(disk.bytesOf(FIRST), end);
    expect(found.entries).toHaveLength(2);
    expect(found.end - end).toBeLessThanOrEqual(200);
  });
});

describe('group commit', () => {
  test('everything that is appended during a sync goes into one record, and resolves in order', async () => {
    const { log, disk, term } = await openLog();
    disk.heldSyncs = [];
    const resolved: number[] = [];
    const append = (index: number): void => {
      void log.append(entryAt(index, term)).then(() => resolved.push(index));
    };
    append(1);
    await turns();
    for (const index of range(2, 12)) append(index);
    await turns();
    expect(resolved).toEqual([]);
    expect(disk.heldSyncs).toHaveLength(1);
    disk.releaseSync();
    await turns();
    expect(resolved).toEqual([1]);
    expect(disk.heldSyncs).toHaveLength(1);
    append(13);
    disk.releaseSync();
    await turns();
    expect(resolved).toEqual(range(1, 12));
    disk.releaseSync();
    await turns();
    expect(resolved).toEqual(range(1, 13));
    expect(disk.heldSyncs).toHaveLength(0);
  });

  test('everything that is appended in one turn of the event loop goes into one record', async () => {
    const { log, disk, term } = await openLog();
    disk.heldSyncs = [];
    const appends = range(1, 5).map((index) => log.append(entryAt(index, term)));
    await Promise.resolve();
    appends.push(log.append(entryAt(6, term)));
    expect(disk.heldSyncs).toHaveLength(0);
    await turns();
    expect(disk.heldSyncs).toHaveLength(1);
    disk.releaseSync();
    await Promise.all(appends);
  });

  test('an append resolves when it is durable: a crash before takes it, a crash after does not', async () => {
    const { log, disk, term } = await openLog();
    disk.heldSyncs = [];
    let resolved = false;
    const append = log.append(entryAt(1, term)).then(() => {
      resolved = true;
    });
    await turns();
    expect(resolved).toBe(false);
    expect(await indicesFrom((await openLog(disk.afterCrash('none'))).log)).toEqual([]);
    disk.releaseSync();
    await append;
    expect(await indicesFrom((await openLog(disk.afterCrash('none'))).log)).toEqual([1]);
  });

  test('entries under way are not read', async () => {
    const { log, disk, term } = await openLog();
    await log.append(entryAt(1, term));
    disk.heldSyncs = [];
    const append = log.append(entryAt(2, term));
    expect(await indicesFrom(log)).toEqual([1]);
    await turns();
    expect(await indicesFrom(log)).toEqual([1]);
    disk.releaseSync();
    await append;
    expect(await indicesFrom(log)).toEqual([1, 2]);
  });

  test('what is appended while a read is under way does not disturb it', async () => {
    const { log, term } = await openLog(new MemoryDisk(), { fsync: 'never' });
    await appendAll(log, term, 1, 5);
    const reading = indicesFrom(log);
    const appends = range(6, 40).map((index) => log.append(entryAt(index, term)));
    expect(await reading).toEqual(range(1, 5));
    await Promise.all(appends);
    expect(await indicesFrom(log)).toEqual(range(1, 40));
  });

  test('a record ends at about a mebibyte, and what gathers beyond it goes into further ones', async () => {
    const { log, disk, term } = await openLog(new MemoryDisk(), { segmentBytes: 8 * 1024 * 1024 });
    disk.heldSyncs = [];
    const size = 100_000;
    const appends = range(1, 30).map((index) => log.append(entryAt(index, term, size)));
    let syncs = 0;
    await turns(2);
    while (disk.heldSyncs.length > 0) {
      disk.releaseSync();
      syncs++;
      await turns(2);
    }
    await Promise.all(appends);
    expect(syncs).toBe(3);
    expect(await indicesFrom(log)).toEqual(range(1, 30));
  });

  test('close waits for what is under way', async () => {
    const { log, disk, term } = await openLog();
    disk.heldSyncs = [];
    const steps: string[] = [];
    const append = log.append(entryAt(1, term)).then(() => steps.push('appended'));
    const close = log.close().then(() => steps.push('closed'));
    await turns();
    expect(steps).toEqual([]);
    disk.releaseSync();
    await Promise.all([append, close]);
    expect(steps).toEqual(['appended', 'closed']);
    expect(disk.locked).toBe(false);
  });
});

describe('segments', () => {
  test('a full segment is followed by the next one, whose name is its first index', async () => {
    const { log, disk, term } = await openLog();
    await appendAll(log, term, 1, 80);
    await log.close();
    const names = await disk.list();
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      const [first] = decodeSegment(disk.bytesOf(name)).entries;
      expect(name).toBe(`wal-${String(first?.index).padStart(16, '0')}.log`);
      expect(disk.bytesOf(name)).toHaveLength(2_048);
    }
    expect(await indicesFrom((await openLog(disk)).log)).toEqual(range(1, 80));
  });

  test('a record that is larger than a segment gets a segment as large as it', async () => {
    const { log, disk, term } = await openLog();
    await appendAll(log, term, 1, 12);
    await log.append(entryAt(13, term, 10_000));
    await appendAll(log, term, 14, 40);
    await log.close();
    const again = await openLog(disk);
    expect(await readAll(again.log, 13)).toMatchObject([
      entryAt(13, term, 10_000),
      ...range(14, 40).map((i) => ({ index: i })),
    ]);
    expect(again.notes).toEqual([]);
  });

  test('appends during the change of segments keep their order', async () => {
    const { log, term } = await openLog();
    const resolved: number[] = [];
    await Promise.all(
      range(1, 500).map(async (index) => {
        await log.append(entryAt(index, term));
        resolved.push(index);
      }),
    );
    expect(resolved).toEqual(range(1, 500));
    expect(await indicesFrom(log)).toEqual(range(1, 500));
  });

  test('a prepared segment is ready before it is needed, and gone after a close', async () => {
    const { log, disk, term } = await openLog();
    await appendAll(log, term, 1, 15);
    await turns();
    expect(await disk.list()).toEqual([FIRST, 'wal-next.tmp']);
    expect(disk.bytesOf('wal-next.tmp')).toStrictEqual(new Uint8Array(2_048));
    await log.close();
    expect(await disk.list()).toEqual([FIRST]);
  });

  test('what a crash left half made is removed at the start', async () => {
    const { log, disk, term } = await openLog();
    await appendAll(log, term, 1, 3);
    await log.close();
    const files = disk.files();
    files.set('wal-next.tmp', new Uint8Array(100));
    files.set('snapshot-0000000000000003.tmp', new Uint8Array(100));
    files.set('of-somebody-else.tmp', new Uint8Array(1));
    const crashed = new MemoryDisk(files);
    expect(await indicesFrom((await openLog(crashed)).log)).toEqual([1, 2, 3]);
    expect(await crashed.list()).toEqual(['of-somebody-else.tmp', FIRST]);
  });
});

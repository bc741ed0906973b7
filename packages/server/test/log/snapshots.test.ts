import { describe, expect, test } from 'vitest';
import { appendAll, entryAt, indicesFrom, loadRows, openLog, range, rowsAt } from './support/file-logs.js';
import { MemoryDisk } from './support/memory-disk.js';
import { turns } from './support/test-clock.js';

const FIRST = 'wal-0000000000000001.log';

describe('snapshots', () => {
  test('the newest snapshot is loaded, and the entries after it are read', async () => {
    const { log, disk, term } = await openLog();
    await appendAll(log, term, 1, 30);
    await log.saveSnapshot({ index: 20, term, rows: rowsAt(20) });
    expect(await loadRows(log)).toStrictEqual({ index: 20, term, rows: [...rowsAt(20)] });
    await log.close();
    const again = await openLog(disk);
    expect(await loadRows(again.log)).toStrictEqual({ index: 20, term, rows: [...rowsAt(20)] });
    expect(await indicesFrom(again.log, 21)).toEqual(range(21, 30));
  });

  test('two are kept, with the entries after the older one; older segments go, and reading there says so', async () => {
    const { log, disk, term } = await openLog();
    for (const index of [40, 80, 120]) {
      await appendAll(log, term, index - 39, index);
      await log.saveSnapshot({ index, term, rows: rowsAt(index) });
    }
    const names = await disk.list();
    expect(names.filter((name) => name.endsWith('.snap'))).toEqual([
      'snapshot-0000000000000080.snap',
      'snapshot-0000000000000120.snap',
    ]);
    expect(await indicesFrom(log, 81)).toEqual(range(81, 120));
    await expect(indicesFrom(log, 1)).rejects.toMatchObject({ kind: 'truncated' });
    await log.close();
    const again = await openLog(disk);
    expect(await indicesFrom(again.log, 81)).toEqual(range(81, 120));
    await expect(indicesFrom(again.log, 1)).rejects.toMatchObject({ kind: 'truncated' });
  });

  test('a large snapshot is written in slices while appends go on', async () => {
    const { log, term } = await openLog(new MemoryDisk(), { segmentBytes: 1024 * 1024 });
    await log.append(entryAt(1, term));
    let taken = 0;
    const takenAtAppends: number[] = [];
    function* rows(): ReturnType<typeof rowsAt> {
      for (const row of rowsAt(1, 20_000)) {
        taken++;
        yield row;
      }
    }
    const save = log.saveSnapshot({ index: 1, term, rows: rows() });
    for (let index = 2; index < 30; index++) {
      await log.append(entryAt(index, term));
      takenAtAppends.push(taken);
      await turns(1);
    }
    await save;
    expect(new Set(takenAtAppends).size).toBeGreaterThan(5);
    expect((await loadRows(log))?.rows).toHaveLength(20_000);
  });

  test('a row larger than a chunk is kept', async () => {
    const { log, term } = await openLog();
    await log.append(entryAt(1, term));
    const rows = [['a', 'x'.repeat(300_000)], ['b'], ['c', 'y'.repeat(70_000)]];
    await log.saveSnapshot({ index: 1, term, rows: rows.values() });
    expect((await loadRows(log))?.rows).toEqual(rows);
  });

  test('chunks that are whole but not in their order are refused', async () => {
    const { log, disk, term } = await openLog();
    await log.append(entryAt(1, term));
    await log.saveSnapshot({ index: 1, term, rows: [['a'.repeat(70_000)], ['b'.repeat(70_000)]].values() });
    const bytes = disk.bytesOf('snapshot-0000000000000001.snap');
    const chunkBytes = 16 + new DataView(bytes.buffer).getUint32(32 + 4, true);
    const first = bytes.slice(32, 32 + chunkBytes);
    bytes.copyWithin(32, 32 + chunkBytes, 32 + 2 * chunkBytes);
    bytes.set(first, 32 + chunkBytes);
    await expect(loadRows(log)).rejects.toMatchObject({ kind: 'damaged', message: expect.stringContaining('follow') });
  });

  test('a snapshot whose rows throw leaves the log as it was', async () => {
    const { log, disk, term } = await openLog();
    await appendAll(log, term, 1, 3);
    const before = await disk.list();
    function* rows(): ReturnType<typeof rowsAt> {
      yield ['one'];
      throw new Error('the state is given up');
    }
    await expect(log.saveSnapshot({ index: 3, term, rows: rows() })).rejects.toThrow('the state is given up');
    expect(await disk.list()).toEqual(before);
    expect(await log.loadSnapshot()).toBeNull();
    await log.saveSnapshot({ index: 3, term, rows: rowsAt(3) });
    expect((await loadRows(log))?.index).toBe(3);
  });

  test('close gives up a snapshot under way, and tells its rows', async () => {
    const { log, disk, term } = await openLog();
    await log.append(entryAt(1, term));
    let ended = false;
    function* endless(): ReturnType<typeof rowsAt> {
      try {
        for (;;) yield ['row', 'x'.repeat(1_000)];
      } finally {
        ended = true;
      }
    }
    const save = log.saveSnapshot({ index: 1, term, rows: endless() });
    const close = log.close();
    await expect(save).rejects.toMatchObject({ kind: 'not-landed' });
    await close;
    expect(ended).toBe(true);
    expect(await disk.list()).toEqual([FIRST]);
  });

  test('one at a time, of applied entries, with a growing index', async () => {
    const { log, term } = await openLog();
    await appendAll(log, term, 1, 5);
    await expect(log.saveSnapshot({ index: 6, term, rows: rowsAt(6) })).rejects.toThrow('cannot follow');
    const first = log.saveSnapshot({ index: 4, term, rows: rowsAt(4) });
    await expect(log.saveSnapshot({ index: 5, term, rows: rowsAt(5) })).rejects.toThrow('already');
    await first;
    await expect(log.saveSnapshot({ index: 4, term, rows: rowsAt(4) })).rejects.toThrow('cannot follow');
  });
});

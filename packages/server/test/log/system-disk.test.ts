import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { lockByFile } from '../../src/log/file/directory-lock.js';
import { FileLog } from '../../src/log/file/file-log.js';
import { SystemDisk } from '../../src/log/file/system-disk.js';
import { appendAll, indicesFrom, loadRows, range, rowsAt } from './support/file-logs.js';

let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-disk-'));
});

afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

describe('the disk of the system', () => {
  test('a file reads what was written, and is as long as its last byte', async () => {
    const disk = new SystemDisk(scratch);
    const file = await disk.open('a', 'create');
    expect(file.size).toBe(0);
    file.write(bytes(1, 2, 3), 2);
    expect(file.size).toBe(5);
    expect(await file.read(0, 100)).toStrictEqual(bytes(0, 0, 1, 2, 3));
    expect(await file.read(3, 1)).toStrictEqual(bytes(2));
    expect(await file.read(9, 1)).toStrictEqual(bytes());
    await file.truncate(3);
    expect(file.size).toBe(3);
    await file.sync();
    await file.close();
    const again = await disk.open('a', 'existing');
    expect(again.size).toBe(3);
    expect(await again.read(0, 3)).toStrictEqual(bytes(0, 0, 1));
    await again.close();
  });

  test('a new file must not be there, an existing one must', async () => {
    const disk = new SystemDisk(scratch);
    await (await disk.open('a', 'create')).close();
    await expect(disk.open('a', 'create')).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(disk.open('b', 'existing')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('names are listed in order, and change by rename and remove', async () => {
    const disk = new SystemDisk(scratch);
    for (const name of ['c', 'a', 'b']) await (await disk.open(name, 'create')).close();
    await disk.rename('c', 'b');
    await disk.remove('a');
    await disk.syncDirectory();
    expect(await disk.list()).toEqual(['b']);
  });

  test('directories that are missing are made; they and their files are for their owner only', async () => {
    const path = join(scratch, 'deep', 'er');
    const disk = new SystemDisk(path);
    await disk.lock();
    await (await disk.open('a', 'create')).close();
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(path, 'a')).mode & 0o777).toBe(0o600);
    await disk.close();
  });

  // The one device that is always full.
  test.runIf(existsSync('/dev/full'))('no room is DiskFull', async () => {
    symlinkSync('/dev/full', join(scratch, 'full'));
    const file = await new SystemDisk(scratch).open('full', 'existing');
    expect(() => file.write(bytes(1), 0)).toThrow(expect.objectContaining({ name: 'DiskFull' }));
    await file.close();
  });
});

describe('one process per directory', () => {
  test('a second one is told that it is taken, by whatever path it comes, until the first lets go', async () => {
    const link = join(scratch, 'link');
    const path = join(scratch, 'data');
    const first = new SystemDisk(path);
    await first.lock();
    symlinkSync(path, link);
    const second = new SystemDisk(link);
    const taken = { name: 'DirectoryTaken', path: link, message: expect.stringContaining('in use') };
    await expect(second.lock()).rejects.toMatchObject(taken);
    await second.close();
    await expect(second.lock()).rejects.toMatchObject(taken);
    await first.close();
    await second.lock();
    await second.close();
  });

  test.runIf(process.platform === 'linux')('a killed process has let go', async () => {
    const { dev, ino } = statSync(scratch, { bigint: true });
    const code = `require('node:net').createServer().listen('\\0holdfast:${dev}:${ino}', () => console.log('locked'))`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const disk = new SystemDisk(scratch);
    await expect(disk.lock()).rejects.toMatchObject({ name: 'DirectoryTaken' });
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    await disk.lock();
    await disk.close();
  });

  test('where there are no abstract sockets, the file of a process that lives excludes others', async () => {
    const lock = await lockByFile(scratch);
    await expect(lockByFile(scratch)).rejects.toMatchObject({ name: 'DirectoryTaken' });
    await lock.release();
    await (await lockByFile(scratch)).release();
  });

  test.each(['999999999\n', '', 'no number'])('the file of a process that is gone does not: %j', async (text) => {
    writeFileSync(join(scratch, 'holdfast.pid'), text);
    await (await lockByFile(scratch)).release();
    expect(existsSync(join(scratch, 'holdfast.pid'))).toBe(false);
  });
});

describe('a log on the disk of the system', () => {
  test.each(['always', 'interval', 'never'] as const)('with fsync %s it is there after a restart', async (fsync) => {
    const path = join(scratch, 'data');
    const open = async (): Promise<{ log: FileLog; term: number }> => {
      const log = new FileLog({ disk: new SystemDisk(path), clock: systemClock, fsync, segmentBytes: 4_096 });
      return { log, term: await log.open() };
    };
    const first = await open();
    await appendAll(first.log, first.term, 1, 100);
    await first.log.saveSnapshot({ index: 50, term: first.term, rows: rowsAt(50) });
    await first.log.saveSnapshot({ index: 90, term: first.term, rows: rowsAt(90) });
    await first.log.close();
    const second = await open();
    expect(second.term).toBe(2);
    expect(await loadRows(second.log)).toStrictEqual({ index: 90, term: 1, rows: [...rowsAt(90)] });
    expect(await indicesFrom(second.log, 51)).toEqual(range(51, 100));
    await appendAll(second.log, second.term, 101, 200);
    await second.log.close();
  });
});

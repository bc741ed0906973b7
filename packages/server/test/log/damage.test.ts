import type { Entry, SnapshotRow } from '@holdfast/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { LogFailure } from '../../src/log/port.js';
import { decodeSegment } from '../../src/log/file/scan.js';
import { appendAll, entryAt, indicesFrom, loadRows, openLog, range, readAll, rowsAt } from './support/file-logs.js';
import { MemoryDisk } from './support/memory-disk.js';

const OPTIONS = { segmentBytes: 512 };
const LAST = 24;

/** Three segments, two snapshots, and what is in them. */
let files: Map<string, Uint8Array>;
let segments: string[];
let snapshots: string[];
let firstKept: number;

beforeAll(async () => {
  const { log, disk, term } = await openLog(new MemoryDisk(), OPTIONS);
  await appendAll(log, term, 1, 11);
  await log.saveSnapshot({ index: 11, term, rows: rowsAt(11) });
  await appendAll(log, term, 12, 18);
  await log.saveSnapshot({ index: 18, term, rows: rowsAt(18) });
  await appendAll(log, term, 19, LAST);
  await log.close();
  files = disk.files();
  segments = [...files.keys()].filter((name) => name.endsWith('.log')).toSorted();
  snapshots = [...files.keys()].filter((name) => name.endsWith('.snap')).toSorted();
  firstKept = decodeSegment(files.get(segments[0]!)!).entries[0]!.index;
  expect(segments).toHaveLength(3);
  expect(snapshots).toHaveLength(2);
});

interface Started {
  readonly entries: readonly Entry[];
  readonly snapshot: { readonly index: number; readonly rows: readonly SnapshotRow[] } | null;
  readonly notes: readonly string[];
}

/** What a start makes of these files, or the failure with which it refuses. */
async function start(changed: ReadonlyMap<string, Uint8Array | null>): Promise<Started | LogFailure> {
  const all = new Map(files);
  for (const [name, bytes] of changed) {
    if (bytes === null) all.delete(name);
    else all.set(name, bytes);
  }
  try {
    const { log, notes } = await openLog(new MemoryDisk(all), OPTIONS);
    const snapshot = await loadRows(log);
    return { entries: await readAll(log, firstKept), snapshot, notes };
  } catch (error) {
    if (error instanceof LogFailure) return error;
    throw error;
  }
}

async function expectRefused(changed: ReadonlyMap<string, Uint8Array | null>, text: RegExp): Promise<void> {
  const started = await start(changed);
  expect(started).toBeInstanceOf(LogFailure);
  expect(started).toMatchObject({ kind: 'damaged' });
  expect((started as LogFailure).message).toMatch(text);
}

/** Offsets of the records of a segment, and the offset after the last one. */
function recordOffsets(bytes: Uint8Array): number[] {
  const { end } = decodeSegment(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const offsets = [32];
  for (let at = 32; at < end; offsets.push(at)) at += 32 + view.getUint32(at + 4, true);
  return offsets;
}

function bytesOf(name: string): Uint8Array {
  return files.get(name)!.slice();
}

function lastSegment(): string {
  return segments[2]!;
}

describe('a torn end', () => {
  test('a file cut off at any byte of its last three records starts with the records before the cut', async () => {
    const name = lastSegment();
    const bytes = bytesOf(name);
    const offsets = recordOffsets(bytes);
    const from = offsets.at(-4)!;
    for (let length = from; length <= offsets.at(-1)!; length++) {
      const whole = offsets.filter((offset) => offset <= length).length - 1;
      const lastIndex = LAST - (offsets.length - 1 - whole);
      const started = await start(new Map([[name, bytes.slice(0, length)]]));
      expect(started, `cut at ${length}`).not.toBeInstanceOf(LogFailure);
      expect((started as Started).entries, `cut at ${length}`).toStrictEqual(
        range(firstKept, lastIndex).map((index) => entryAt(index, 1)),
      );
    }
  });

  test('a record whose end was not written is cut off, and the note says where', async () => {
    const name = lastSegment();
    const bytes = bytesOf(name);
    const [before, end] = recordOffsets(bytes).slice(-2) as [number, number];
    bytes.fill(0, end - 20, end);
    const all = new Map(files);
    all.set(name, bytes);
    const disk = new MemoryDisk(all);
    const facts: unknown[] = [];
    const { log, term } = await openLog(disk, { ...OPTIONS, note: (message, more) => facts.push([message, more]) });
    expect(facts).toEqual([
      [
        'the end of the log was torn and is cut off',
        { file: `/memory/${name}`, offset: before, bytes: end - 20 - before, lastIndex: LAST - 1 },
      ],
    ]);
    await log.append(entryAt(LAST, term));
    await log.close();
    const again = await openLog(disk, OPTIONS);
    expect(again.notes).toEqual([]);
    expect(await indicesFrom(again.log, firstKept)).toEqual(range(firstKept, LAST));
  });

  test('zeros are left behind, so that no part of what was cut off is ever found again', async () => {
    const name = lastSegment();
    const bytes = bytesOf(name);
    const [before, end] = recordOffsets(bytes).slice(-2) as [number, number];
    bytes[before + 40]! ^= 1;
    bytes.fill(7, end + 3, end + 9);
    const all = new Map(files).set(name, bytes);
    const disk = new MemoryDisk(all);
    await openLog(disk, OPTIONS);
    const left = disk.bytesOf(name).subarray(before + 32);
    expect(left.every((byte) => byte === 0)).toBe(true);
  });
});

describe('damage', () => {
  test('any flipped bit is refused, or costs the last record at most', async () => {
    const truth = range(firstKept, LAST).map((index) => entryAt(index, 1));
    let refused = 0;
    let cut = 0;
    for (const [name, bytes] of files) {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = bytes.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        const started = await start(new Map([[name, flipped]]));
        const what = `${name}, bit ${bit}`;
        if (started instanceof LogFailure) {
          expect(started.kind, what).toBe('damaged');
          expect(started.message, what).toContain(name);
          refused++;
          continue;
        }
        const { entries, snapshot } = started;
        expect(snapshot, what).toMatchObject({ index: 18, term: 1 });
        expect(snapshot?.rows, what).toStrictEqual([...rowsAt(18)]);
        expect(entries.length, what).toBeGreaterThanOrEqual(truth.length - 1);
        expect(entries, what).toStrictEqual(truth.slice(0, entries.length));
        if (entries.length < truth.length) {
          expect(name, what).toBe(lastSegment());
          cut++;
        }
      }
    }
    expect(refused).toBeGreaterThan(8_000);
    expect(cut).toBeGreaterThan(700);
  });

  test('a bad record before a good one is refused with file and offset', async () => {
    const name = lastSegment();
    const bytes = bytesOf(name);
    const [bad] = recordOffsets(bytes).slice(-3) as [number];
    bytes[bad + 50]! ^= 4;
    await expectRefused(new Map([[name, bytes]]), new RegExp(`${name} is damaged at byte ${bad}: .*checksum`));
  });

  test('a bad record in a segment that has a successor is refused, also when it is its last one', async () => {
    const name = segments[1]!;
    const bytes = bytesOf(name);
    const [bad, end] = recordOffsets(bytes).slice(-2) as [number, number];
    bytes.fill(0, bad, end);
    await expectRefused(new Map([[name, bytes]]), /the entries from \d+ to \d+ are missing/);
    bytes[end + 1] = 1;
    await expectRefused(new Map([[name, bytes]]), new RegExp(`${name} is damaged at byte ${bad}`));
  });

  test('bytes after the records of a segment that has a successor are refused', async () => {
    const name = segments[0]!;
    const bytes = bytesOf(name);
    bytes[bytes.length - 1] = 1;
    await expectRefused(new Map([[name, bytes]]), /is damaged at byte \d+: bytes where only zeros can be/);
  });

  test('a missing segment is refused, and the message says which entries are missing', async () => {
    await expectRefused(new Map([[segments[1]!, null]]), /the entries from \d+ to \d+ are missing before it/);
    await expectRefused(
      new Map([[segments[0]!, null]]),
      /the entries from 12 to \d+ are missing, and snapshot 11 does not/,
    );
    await expectRefused(new Map(segments.map((name) => [name, null])), /the entries from 12 on are missing/);
    await expectRefused(
      new Map([...segments.slice(1), ...snapshots].map((name) => [name, null])),
      /the entries from 1 /,
    );
  });

  test('a log that ends before its snapshot is refused', async () => {
    await expectRefused(
      new Map(segments.slice(1).map((name) => [name, null])),
      /the log ends at entry \d+, before its/,
    );
  });

  test('a segment of another log is refused', async () => {
    const { log, disk, term } = await openLog(new MemoryDisk(), { ...OPTIONS, salt: () => 99 });
    await appendAll(log, term, 1, 40);
    await log.close();
    const other = disk.files();
    const name = [...other.keys()].find((candidate) => candidate === segments[1]);
    expect(name).toBeDefined();
    const foreign = other.get(name!)!;
    await expectRefused(new Map([[name!, foreign]]), /does not continue|is damaged/);
  });

  test('a segment under a wrong name is refused', async () => {
    const changed = new Map<string, Uint8Array | null>([
      [segments[2]!, null],
      [segments[2]!.replace('.log', '').replace(/\d$/, '9') + '.log', bytesOf(segments[2]!)],
    ]);
    await expectRefused(changed, /it says that it begins at entry/);
  });

  test('a later format is refused, and the message says what to start', async () => {
    for (const name of [segments[0]!, snapshots[1]!]) {
      const bytes = bytesOf(name);
      bytes[8] = 2;
      await expectRefused(new Map([[name, bytes]]), /a later format than 1.*Start the version that wrote it/);
    }
  });

  test('a damaged newest snapshot is refused, and without it the log starts from the one before', async () => {
    const [older, newest] = snapshots as [string, string];
    const bytes = bytesOf(newest);
    bytes[60]! ^= 1;
    await expectRefused(new Map([[newest, bytes]]), /is damaged at byte 32: a chunk whose checksum.*move it out/);
    const started = await start(new Map([[newest, null]]));
    expect(started).toMatchObject({ snapshot: { index: 11, rows: [...rowsAt(11)] } });
    expect((started as Started).entries.at(-1)).toStrictEqual(entryAt(LAST, 1));
    expect(older).toContain('11');
  });

  test('a snapshot that is cut off anywhere is refused', async () => {
    const newest = snapshots[1]!;
    const bytes = bytesOf(newest);
    for (let length = 0; length < bytes.length; length++) {
      await expectRefused(new Map([[newest, bytes.slice(0, length)]]), /is damaged at byte/);
    }
    await expectRefused(new Map([[newest, Buffer.concat([bytes, Buffer.alloc(1)])]]), /bytes after the end/);
  });

  test('a record inside a payload is not taken for one: its checksum would need the salt of the segment', async () => {
    // A torn record whose payload has the image of a good later record in it, as a client could send it that knew everything but the salt.
    const name = lastSegment();
    const bytes = bytesOf(name);
    const offsets = recordOffsets(bytes);
    const other = await openLog(new MemoryDisk(), { ...OPTIONS, salt: () => 4_242 });
    await appendAll(other.log, other.term, 1, 3);
    const donor = other.disk.bytesOf('wal-0000000000000001.log');
    const donorOffsets = recordOffsets(donor);
    const planted = donor.slice(donorOffsets[2], donorOffsets[3]);
    const bad = offsets.at(-2)!;
    bytes.fill(0, bad);
    bytes.fill(3, bad, bad + 40);
    bytes.set(planted.subarray(0, bytes.length - bad - 40), bad + 40);
    const started = await start(new Map([[name, bytes]]));
    expect((started as Started).entries.at(-1)?.index).toBe(LAST - 1);
  });
});

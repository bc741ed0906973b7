import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Entry } from '@holdfast/core';
import { encodeBody } from '../../src/log/codec/entries.js';
import { getUint64, setUint64 } from '../../src/log/file/integers.js';
import { decodeSegment, entriesOf, startOf, walk } from '../../src/log/file/scan.js';
import {
  RECORD_HEADER_BYTES,
  SYNCED_BEFORE,
  decodeSegmentHeader,
  encodeSegmentHeader,
  findSyncedRecord,
  readRecord,
  sealRecord,
} from '../../src/log/file/segment.js';
import { decodeSnapshotHeader, encodeSnapshotHeader } from '../../src/log/file/snapshot-format.js';
import { entryAt } from './support/file-logs.js';

const SALT = 77;
const header = { salt: SALT, firstIndex: 1, previous: 0 };

function recordOf(
  entries: readonly Entry[],
  firstIndex: number,
  previous: number,
  term = 1,
  flags = SYNCED_BEFORE,
): Buffer {
  const payload = Buffer.concat(entries.map(encodeBody));
  const bytes = Buffer.concat([Buffer.alloc(RECORD_HEADER_BYTES), payload]);
  sealRecord(bytes, SALT, { previous, flags, count: entries.length, firstIndex, term });
  return bytes;
}

function crcOf(record: Buffer): number {
  return record.readUInt32LE(0);
}

/** A record that begins the term, two with entries, zeros. */
function segment(): { bytes: Buffer; offsets: number[] } {
  const first = recordOf([], 1, 0);
  const second = recordOf([entryAt(1, 1), entryAt(2, 1)], 1, crcOf(first));
  const third = recordOf([entryAt(3, 1)], 3, crcOf(second));
  const parts = [Buffer.from(encodeSegmentHeader(header)), first, second, third, Buffer.alloc(200)];
  const offsets = [32, 64, 64 + second.length, 64 + second.length + third.length];
  return { bytes: Buffer.concat(parts), offsets };
}

describe('the bytes of a segment', () => {
  test('the example in docs/wal-format.md is what is written', () => {
    const doc = readFileSync(new URL('../../../../docs/wal-format.md', import.meta.url), 'utf8');
    const example = /with the salt 1\):\n\n```\n([^`]*)```/.exec(doc)?.[1] ?? '';
    const hex = example.split('\n').map((line) => /^(?:[0-9a-f]{2,} ?)+/.exec(line)?.[0] ?? '');
    const written = encodeBody({
      index: 5,
      term: 2,
      nowMs: 1_000,
      commands: [
        {
          type: 'acquire',
          session: 's1',
          request: 7,
          acked: 3,
          key: 'orders/42',
          mode: 'exclusive',
          waitMs: null,
          leaseMs: null,
          wantsPlace: false,
          meta: null,
        },
      ],
    });
    const record = Buffer.concat([Buffer.alloc(RECORD_HEADER_BYTES), written]);
    sealRecord(record, 1, { previous: 0x11223344, flags: SYNCED_BEFORE, count: 1, firstIndex: 5, term: 2 });
    expect(record.toString('hex')).toBe(hex.join('').replaceAll(' ', ''));
  });

  test('a header is read as it was written, and lies where the format says', () => {
    const bytes = encodeSegmentHeader({ salt: 0xfedcba98, firstIndex: 2 ** 40 + 3, previous: 0x01020304 });
    expect(decodeSegmentHeader(bytes)).toEqual({ salt: 0xfedcba98, firstIndex: 2 ** 40 + 3, previous: 0x01020304 });
    const start = '686f6c6466617374 01000000 98badcfe 0300000000010000 04030201'.replaceAll(' ', '');
    expect(Buffer.from(bytes).toString('hex', 0, 28)).toBe(start);
    expect(Buffer.from(bytes).readUInt32LE(28)).toBe(crc32(Buffer.from(start, 'hex')));
  });

  test('a header of a snapshot is read as it was written, and lies where the format says', () => {
    const { bytes, crc } = encodeSnapshotHeader(9, 3);
    expect(decodeSnapshotHeader(bytes)).toEqual({ index: 9, term: 3, crc });
    const start = '686f6c64736e6170 01000000 0900000000000000 0300000000000000'.replaceAll(' ', '');
    expect(Buffer.from(bytes).toString('hex', 0, 28)).toBe(start);
    expect(crc).toBe(crc32(Buffer.from(start, 'hex')));
  });

  test('integers of 64 bits are exact up to 2^53 - 1, and nothing beyond it is an index', () => {
    const bytes = new Uint8Array(8);
    for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 12_345, Number.MAX_SAFE_INTEGER]) {
      setUint64(bytes, 0, value);
      expect(getUint64(bytes, 0)).toBe(value);
      expect(Buffer.from(bytes).readBigUInt64LE()).toBe(BigInt(value));
    }
    bytes.fill(0xff);
    expect(getUint64(bytes, 0)).toBe(Infinity);
  });
});

describe('a walk over records', () => {
  test('finds every record and ends at the zeros', () => {
    const { bytes, offsets } = segment();
    const found: number[] = [];
    const indices: number[] = [];
    const end = walk(bytes, SALT, startOf(header, 0), (record) => {
      found.push(record.offset);
      indices.push(...entriesOf(bytes, record).map(({ index }) => index));
    });
    expect(found).toEqual(offsets.slice(0, 3));
    expect(indices).toEqual([1, 2, 3]);
    expect(end).toMatchObject({ problem: null, place: { offset: offsets[3], nextIndex: 4, term: 1 } });
  });

  test.each([
    ['another checksum before it', 3, 99, 2],
    ['an index too high', 4, null, 2],
    ['an index that was there already', 2, null, 2],
    ['a lower term', 3, null, 1],
  ])('does not take a record with %s', (_what, firstIndex, previous, term) => {
    const first = recordOf([entryAt(1, 2), entryAt(2, 2)], 1, 0, 2);
    const second = recordOf([entryAt(firstIndex, term)], firstIndex, previous ?? crcOf(first), term);
    const bytes = Buffer.concat([Buffer.from(encodeSegmentHeader(header)), first, second]);
    const end = walk(bytes, SALT, startOf(header, 0), () => undefined);
    expect(end.problem).toBe('a record that does not follow the one before it');
    expect(end.place.offset).toBe(32 + first.length);
  });

  test('tells bytes after the end from a bad record', () => {
    const { bytes, offsets } = segment();
    const end = offsets[3]!;
    bytes[end + 40] = 1;
    expect(walk(bytes, SALT, startOf(header, 0), () => undefined).problem).toBe('bytes where only zeros can be');
    bytes[end + 31] = 1;
    expect(walk(bytes, SALT, startOf(header, 0), () => undefined).problem).toBe('no record with a matching checksum');
  });

  test('a record is none when its fields contradict each other, whatever its checksum', () => {
    const cases = [
      recordOf([entryAt(1, 1)], 0, 0),
      recordOf([entryAt(1, 1)], 1, 0, 0),
      recordOf([entryAt(1, 1)], 1, 0, 1, 2),
    ];
    for (const record of cases) expect(readRecord(record, 0, SALT)).toBeNull();
    const record = recordOf([entryAt(1, 1)], 1, 0);
    sealRecord(record, SALT, { previous: 0, flags: 0, count: 0, firstIndex: 1, term: 1 });
    expect(readRecord(record, 0, SALT)).toBeNull();
  });
});

describe('looking for later records', () => {
  test('finds one at any offset, if it says that what was before it was durable', () => {
    const record = recordOf([entryAt(5, 1)], 5, 12);
    for (let offset = 0; offset < 40; offset++) {
      const bytes = Buffer.concat([Buffer.alloc(offset, 0xab), record, Buffer.alloc(9)]);
      expect(findSyncedRecord(bytes, 0, SALT, 1)).toBe(offset);
    }
    const unsynced = recordOf([entryAt(5, 1)], 5, 12, 1, 0);
    expect(findSyncedRecord(unsynced, 0, SALT, 1)).toBe(-1);
  });

  test('does not find one of another segment or of an earlier term', () => {
    const record = recordOf([entryAt(5, 3)], 5, 12, 3);
    expect(findSyncedRecord(record, 0, SALT, 3)).toBe(0);
    expect(findSyncedRecord(record, 0, SALT + 1, 3)).toBe(-1);
    expect(findSyncedRecord(record, 0, SALT, 4)).toBe(-1);
  });
});

describe('decoding what was synced', () => {
  test('gives the entries from an offset on, and the offset to go on from', () => {
    const { bytes, offsets } = segment();
    const early = decodeSegment(bytes.subarray(0, offsets[2]! + 5));
    expect(early.entries).toStrictEqual([entryAt(1, 1), entryAt(2, 1)]);
    expect(early.end).toBe(offsets[2]);
    expect(decodeSegment(bytes, early.end)).toStrictEqual({ entries: [entryAt(3, 1)], end: offsets[3] });
    expect(decodeSegment(bytes, offsets[3])).toStrictEqual({ entries: [], end: offsets[3] });
  });

  test('finds nothing in a file without a header', () => {
    expect(decodeSegment(new Uint8Array(100))).toEqual({ entries: [], end: 0 });
    expect(decodeSegment(new Uint8Array(0))).toEqual({ entries: [], end: 0 });
  });
});

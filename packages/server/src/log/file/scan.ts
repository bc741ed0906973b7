/** Walks the records of a segment's bytes, from the first to the end or to the first one that is bad. */
import type { Entry } from '@holdfast/core';
import { decodeBodies } from '../codec/entries.js';
import { firstNonZero } from './integers.js';
import {
  RECORD_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  type RecordHeader,
  type SegmentHeader,
  decodeSegmentHeader,
  readRecord,
} from './segment.js';

/** Where a walk is: what the next record has to follow. */
export interface Place {
  /** Offset of the next record. */
  readonly offset: number;
  /** Index of the next entry. */
  readonly nextIndex: number;
  /** Term of the last record; 0: there is none. */
  readonly term: number;
  /** Checksum of the last record. */
  readonly previous: number;
}

export interface FoundRecord extends RecordHeader {
  readonly offset: number;
}

/** Why the bytes at a place are no record that can follow. */
export type RecordProblem =
  | 'no record with a matching checksum'
  | 'a record that does not follow the one before it'
  | 'bytes where only zeros can be';

/** A walk's end. `problem` null: nothing but zeros follows. */
export interface WalkEnd {
  readonly place: Place;
  readonly problem: RecordProblem | null;
}

export function startOf(header: SegmentHeader, term: number): Place {
  return { offset: SEGMENT_HEADER_BYTES, nextIndex: header.firstIndex, term, previous: header.previous };
}

/** Calls `found` for every good record from `start` on. */
export function walk(bytes: Uint8Array, salt: number, start: Place, found: (record: FoundRecord) => void): WalkEnd {
  let place = start;
  for (;;) {
    const { offset } = place;
    const record = readRecord(bytes, offset, salt);
    if (record === null) {
      const nonZero = firstNonZero(bytes, offset);
      if (nonZero === bytes.length) return { place, problem: null };
      const isHeader = nonZero < offset + RECORD_HEADER_BYTES;
      return { place, problem: isHeader ? 'no record with a matching checksum' : 'bytes where only zeros can be' };
    }
    const { previous, firstIndex, term, count, length, crc } = record;
    if (previous !== place.previous || firstIndex !== place.nextIndex || term < place.term) {
      return { place, problem: 'a record that does not follow the one before it' };
    }
    found({ ...record, offset });
    place = { offset: offset + RECORD_HEADER_BYTES + length, nextIndex: firstIndex + count, term, previous: crc };
  }
}

/** The entries of a record that readRecord() found good. Throws BadMessage when its payload is not what its header says. */
export function entriesOf(bytes: Uint8Array, record: FoundRecord): Entry[] {
  const start = record.offset + RECORD_HEADER_BYTES;
  return decodeBodies(bytes.subarray(start, start + record.length), record.count, record.firstIndex, record.term);
}

/**
 * The entries in the good records of a segment's file, for whoever looks at synced bytes from outside. `from`: 0, or the `end` of an earlier call for the
 * same file. Stops before the first record that is bad or not there yet.
 */
export function decodeSegment(bytes: Uint8Array, from = 0): { readonly entries: Entry[]; readonly end: number } {
  const entries: Entry[] = [];
  const header = decodeSegmentHeader(bytes);
  if (typeof header === 'string') return { entries, end: 0 };
  let end = Math.max(from, SEGMENT_HEADER_BYTES);
  for (
    let record = readRecord(bytes, end, header.salt);
    record !== null;
    record = readRecord(bytes, end, header.salt)
  ) {
    for (const entry of entriesOf(bytes, { ...record, offset: end })) entries.push(entry);
    end += RECORD_HEADER_BYTES + record.length;
  }
  return { entries, end };
}

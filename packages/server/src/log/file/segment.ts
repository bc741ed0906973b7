/**
 * The bytes of a segment: a header, records, zeros to the end of the file. Pure: bytes in, facts out. docs/wal-format.md describes the same
 * for people.
 *
 * A record's checksum begins with the segment's salt, which clients do not learn. So nobody can send a key that looks, inside the payload of
 * a record, like a record.
 */
import { crc32 } from 'node:zlib';
import { getUint16, getUint32, getUint64, setUint16, setUint32, setUint64 } from './integers.js';

export const SEGMENT_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 32;
export const RECORD_HEADER_BYTES = 32;
/** The count of entries has 16 bits. */
export const RECORD_ENTRIES_MAX = 65_535;

/** Everything that was written before this record was durable when this record was written. */
export const SYNCED_BEFORE = 1;

const MAGIC: Uint8Array = Buffer.from('holdfast', 'latin1');

export interface SegmentHeader {
  /** Where the checksums of its records begin. */
  readonly salt: number;
  /** Index of its first entry, also when it has none yet. */
  readonly firstIndex: number;
  /** The checksum of the last record of the segment before it; 0: it is the first of its log. */
  readonly previous: number;
}

export interface RecordHeader {
  /** The checksum, over everything after it: the rest of the header and the payload. */
  readonly crc: number;
  /** Bytes of the payload. */
  readonly length: number;
  /** The checksum of the record before it, across segments; 0: there is none. */
  readonly previous: number;
  readonly flags: number;
  /** Entries in the payload. 0: a record that begins a term. */
  readonly count: number;
  /** Index of its first entry; without entries that of the entry after it. */
  readonly firstIndex: number;
  readonly term: number;
}

/** What the first bytes of a file are instead of a header. `newer`: written by a program of a later format. */
export type HeaderProblem = 'cut-off' | 'no-magic' | 'newer' | 'checksum';

export function encodeSegmentHeader({ salt, firstIndex, previous }: SegmentHeader): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  bytes.set(MAGIC);
  setUint32(bytes, 8, SEGMENT_VERSION);
  setUint32(bytes, 12, salt);
  setUint64(bytes, 16, firstIndex);
  setUint32(bytes, 24, previous);
  setUint32(bytes, 28, crc32(bytes.subarray(0, 28)));
  return bytes;
}

export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | HeaderProblem {
  if (bytes.length < SEGMENT_HEADER_BYTES) return 'cut-off';
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) return 'no-magic';
  // A later format may have its checksum elsewhere: the version is looked at before it. A flipped bit of it is refused either way.
  const version = getUint32(bytes, 8);
  if (version > SEGMENT_VERSION) return 'newer';
  const firstIndex = getUint64(bytes, 16);
  const checked = getUint32(bytes, 28) === crc32(bytes.subarray(0, 28));
  if (!checked || version !== SEGMENT_VERSION || firstIndex < 1 || firstIndex === Infinity) return 'checksum';
  return { salt: getUint32(bytes, 12), firstIndex, previous: getUint32(bytes, 24) };
}

/** Fills in the header of a record whose payload lies in `bytes` after the room for it. Returns the checksum. */
export function sealRecord(bytes: Uint8Array, salt: number, header: Omit<RecordHeader, 'crc' | 'length'>): number {
  setUint32(bytes, 4, bytes.length - RECORD_HEADER_BYTES);
  setUint32(bytes, 8, header.previous);
  setUint16(bytes, 12, header.flags);
  setUint16(bytes, 14, header.count);
  setUint64(bytes, 16, header.firstIndex);
  setUint64(bytes, 24, header.term);
  const crc = crc32(bytes.subarray(4), salt);
  setUint32(bytes, 0, crc);
  return crc;
}

/** The record at `at`, or null when its bytes are none: it is cut off, its fields contradict each other, or its checksum does not fit. */
export function readRecord(bytes: Uint8Array, at: number, salt: number): RecordHeader | null {
  const end = at + RECORD_HEADER_BYTES + getUint32(bytes, at + 4);
  if (at + RECORD_HEADER_BYTES > bytes.length || end > bytes.length) return null;
  const header = {
    crc: getUint32(bytes, at),
    length: getUint32(bytes, at + 4),
    previous: getUint32(bytes, at + 8),
    flags: getUint16(bytes, at + 12),
    count: getUint16(bytes, at + 14),
    firstIndex: getUint64(bytes, at + 16),
    term: getUint64(bytes, at + 24),
  };
  const { length, flags, count, firstIndex, term } = header;
  if (flags > SYNCED_BEFORE || (count === 0) !== (length === 0) || count > length) return null;
  if (firstIndex < 1 || firstIndex === Infinity || term < 1 || term === Infinity) return null;
  return crc32(bytes.subarray(at + 4, end), salt) === header.crc ? header : null;
}

/**
 * The offset of a record at or after `start` that says SYNCED_BEFORE, of the term `termMin` or a later one, or -1. Looks at every byte: after
 * damage nobody knows where records begin.
 */
export function findSyncedRecord(bytes: Uint8Array, start: number, salt: number, termMin: number): number {
  const last = bytes.length - RECORD_HEADER_BYTES;
  for (let at = start; at <= last; at++) {
    // The flags are looked at first, because this one comparison passes over zeros and nearly all payloads.
    if (bytes[at + 12] !== SYNCED_BEFORE || bytes[at + 13] !== 0) continue;
    if (getUint64(bytes, at + 24) < termMin) continue;
    if (readRecord(bytes, at, salt) !== null) return at;
  }
  return -1;
}

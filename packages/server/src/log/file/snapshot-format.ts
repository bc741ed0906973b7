/**
 * The bytes of a snapshot: a header, chunks of rows, an end. Each has a checksum and names the one before it, so that none can be
 * missing, doubled or of another snapshot. Pure: bytes in, facts out. docs/wal-format.md describes the same for people.
 */
import { crc32 } from 'node:zlib';
import { getUint32, getUint64, setUint32, setUint64 } from './integers.js';
import type { HeaderProblem } from './segment.js';

const SNAPSHOT_VERSION = 1;
export const SNAPSHOT_HEADER_BYTES = 32;
export const CHUNK_HEADER_BYTES = 16;
/** Payload of the end: how many rows and how many chunks there are. */
export const END_PAYLOAD_BYTES = 12;

const MAGIC: Uint8Array = Buffer.from('holdsnap', 'latin1');

export interface SnapshotHeader {
  readonly index: number;
  readonly term: number;
  /** Its checksum, which the first chunk names. */
  readonly crc: number;
}

export interface ChunkHeader {
  readonly crc: number;
  /** Bytes of the payload. */
  readonly length: number;
  /** Checksum of the chunk before it, or of the header. */
  readonly previous: number;
  /** 0: this is the end. */
  readonly rows: number;
}

export function encodeSnapshotHeader(
  index: number,
  term: number,
): { readonly bytes: Uint8Array; readonly crc: number } {
  const bytes = new Uint8Array(SNAPSHOT_HEADER_BYTES);
  bytes.set(MAGIC);
  setUint32(bytes, 8, SNAPSHOT_VERSION);
  setUint64(bytes, 12, index);
  setUint64(bytes, 20, term);
  const crc = crc32(bytes.subarray(0, 28));
  setUint32(bytes, 28, crc);
  return { bytes, crc };
}

export function decodeSnapshotHeader(bytes: Uint8Array): SnapshotHeader | HeaderProblem {
  if (bytes.length < SNAPSHOT_HEADER_BYTES) return 'cut-off';
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) return 'no-magic';
  const version = getUint32(bytes, 8);
  if (version > SNAPSHOT_VERSION) return 'newer';
  const crc = getUint32(bytes, 28);
  const index = getUint64(bytes, 12);
  const term = getUint64(bytes, 20);
  const isGood = crc === crc32(bytes.subarray(0, 28)) && version === SNAPSHOT_VERSION;
  return isGood && index < Infinity && term < Infinity ? { index, term, crc } : 'checksum';
}

/** Fills in the header of a chunk whose payload lies in `bytes` after the room for it. Returns the checksum. */
export function sealChunk(bytes: Uint8Array, previous: number, rows: number): number {
  setUint32(bytes, 4, bytes.length - CHUNK_HEADER_BYTES);
  setUint32(bytes, 8, previous);
  setUint32(bytes, 12, rows);
  const crc = crc32(bytes.subarray(4));
  setUint32(bytes, 0, crc);
  return crc;
}

/** The chunk after the one with the checksum `previous`. */
export function encodeEnd(previous: number, rows: number, chunks: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(CHUNK_HEADER_BYTES + END_PAYLOAD_BYTES);
  setUint64(bytes, CHUNK_HEADER_BYTES, rows);
  setUint32(bytes, CHUNK_HEADER_BYTES + 8, chunks);
  sealChunk(bytes, previous, 0);
  return bytes;
}

/** `bytes` begin with a chunk's header; its checksum is not looked at. */
export function readChunkHeader(bytes: Uint8Array): ChunkHeader {
  const [crc, length, previous, rows] = [
    getUint32(bytes, 0),
    getUint32(bytes, 4),
    getUint32(bytes, 8),
    getUint32(bytes, 12),
  ];
  return { crc, length, previous, rows };
}

/** `bytes` are exactly a chunk: its checksum fits. */
export function isChunkGood(bytes: Uint8Array): boolean {
  return crc32(bytes.subarray(4)) === getUint32(bytes, 0);
}

export function readEnd(bytes: Uint8Array): { readonly rows: number; readonly chunks: number } {
  return { rows: getUint64(bytes, CHUNK_HEADER_BYTES), chunks: getUint32(bytes, CHUNK_HEADER_BYTES + 8) };
}

/** Reads a snapshot's file, chunk by chunk. Nothing is given out that was not checked. */
import type { SnapshotRow } from '@holdfast/core';
import { decodeRows } from '../codec/rows.js';
import type { DiskFile } from './disk.js';
import {
  CHUNK_HEADER_BYTES,
  END_PAYLOAD_BYTES,
  SNAPSHOT_HEADER_BYTES,
  type SnapshotHeader,
  decodeSnapshotHeader,
  isChunkGood,
  readChunkHeader,
  readEnd,
} from './snapshot-format.js';
import type { HeaderProblem } from './segment.js';

/** Read at once; nearly every chunk is smaller. */
const READ_BYTES = 96 * 1024;

/** What reading needs of a file. */
export type ReadableFile = Pick<DiskFile, 'size' | 'read'>;

/** The bytes from `offset` on are not what was written. */
export class SnapshotDamaged extends Error {
  override readonly name = 'SnapshotDamaged';
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

export async function readSnapshotHeader(file: ReadableFile): Promise<SnapshotHeader | HeaderProblem> {
  return decodeSnapshotHeader(await file.read(0, SNAPSHOT_HEADER_BYTES));
}

/** The rows after `header`. Throws SnapshotDamaged before it would yield a row that was not saved, and at the end when one is missing. */
export async function* readSnapshotRows(
  file: ReadableFile,
  header: SnapshotHeader,
): AsyncGenerator<readonly SnapshotRow[]> {
  let offset = SNAPSHOT_HEADER_BYTES;
  let previous = header.crc;
  let rows = 0;
  for (let chunks = 0; ; chunks++) {
    const bytes = await readChunk(file, offset);
    const chunk = readChunkHeader(bytes);
    if (chunk.previous !== previous)
      throw new SnapshotDamaged(offset, 'a chunk that does not follow the one before it');
    if (chunk.rows === 0) {
      checkEnd(file, offset, bytes, rows, chunks);
      return;
    }
    const page = rowsOf(bytes, chunk.rows, offset);
    previous = chunk.crc;
    rows += page.length;
    offset += bytes.length;
    yield page;
  }
}

async function readChunk(file: ReadableFile, offset: number): Promise<Uint8Array> {
  let bytes = await file.read(offset, READ_BYTES);
  if (bytes.length < CHUNK_HEADER_BYTES) throw new SnapshotDamaged(offset, 'the snapshot is cut off');
  const length = CHUNK_HEADER_BYTES + readChunkHeader(bytes).length;
  if (offset + length > file.size) throw new SnapshotDamaged(offset, 'a chunk that is cut off');
  bytes = length <= bytes.length ? bytes.subarray(0, length) : await file.read(offset, length);
  if (!isChunkGood(bytes)) throw new SnapshotDamaged(offset, 'a chunk whose checksum does not match');
  return bytes;
}

function rowsOf(bytes: Uint8Array, count: number, offset: number): SnapshotRow[] {
  try {
    return decodeRows(bytes.subarray(CHUNK_HEADER_BYTES), count);
  } catch (error) {
    throw new SnapshotDamaged(offset, `a chunk that cannot be read: ${(error as Error).message}`);
  }
}

function checkEnd(file: ReadableFile, offset: number, bytes: Uint8Array, rows: number, chunks: number): void {
  if (bytes.length !== CHUNK_HEADER_BYTES + END_PAYLOAD_BYTES)
    throw new SnapshotDamaged(offset, 'an end of a wrong length');
  const end = readEnd(bytes);
  if (end.rows !== rows || end.chunks !== chunks) {
    throw new SnapshotDamaged(
      offset,
      `${rows} rows in ${chunks} chunks were found, ${end.rows} in ${end.chunks} were saved`,
    );
  }
  if (offset + bytes.length !== file.size) throw new SnapshotDamaged(offset + bytes.length, 'bytes after the end');
}

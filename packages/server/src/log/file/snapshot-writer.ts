/** Writes a snapshot into a file while the service goes on: a little at a time, with turns of the event loop in between. */
import type { Clock } from '../../clock.js';
import { encodeRow } from '../codec/rows.js';
import type { LogSnapshot } from '../port.js';
import type { DiskFile } from './disk.js';
import { CHUNK_HEADER_BYTES, encodeEnd, encodeSnapshotHeader, sealChunk } from './snapshot-format.js';
import { type Broken, syncOrBreak, turn, writeOrBreak } from './trouble.js';

/** A chunk is written when it has come to this. */
const CHUNK_BYTES = 64 * 1024;
/** The event loop turns after this long, or after this many bytes. */
const SLICE_MS = 2;
const SLICE_BYTES = 64 * 1024;
/** The clock is looked at once in so many rows. */
const ROWS_PER_LOOK = 16;
/** Written between two syncs, so that a sync of the log waits behind little. */
const UNSYNCED_BYTES_MAX = 1024 * 1024;

export interface SnapshotWriterParts {
  readonly clock: Clock;
  readonly broken: Broken;
  /** Throws when the snapshot is to be given up; asked between two slices. */
  readonly check: () => void;
}

/** Resolves when all of `snapshot` is durable in `file`, with its number of rows. Rejects with what the rows, the disk or `check` threw. */
export async function writeSnapshot(
  file: DiskFile,
  snapshot: LogSnapshot,
  parts: SnapshotWriterParts,
): Promise<number> {
  const { clock, broken, check } = parts;
  const { rows } = snapshot;
  const chunks = new ChunkWriter(file, snapshot, broken);
  for (;;) {
    const startMs = clock.nowMs();
    const startBytes = chunks.bytes;
    for (let looked = 1; chunks.bytes - startBytes < SLICE_BYTES; looked++) {
      const next = rows.next();
      if (next.done === true) {
        chunks.finish();
        await syncOrBreak(file, broken);
        return chunks.rows;
      }
      chunks.add(encodeRow(next.value));
      if (looked % ROWS_PER_LOOK === 0 && clock.nowMs() - startMs >= SLICE_MS) break;
    }
    if (chunks.unsynced >= UNSYNCED_BYTES_MAX) {
      await syncOrBreak(file, broken);
      chunks.unsynced = 0;
    }
    await turn(clock);
    check();
  }
}

class ChunkWriter {
  rows = 0;
  /** Bytes of rows so far. */
  bytes = 0;
  /** Bytes written since they were set to 0. */
  unsynced = 0;
  readonly #file: DiskFile;
  readonly #broken: Broken;
  #chunk = new Uint8Array(CHUNK_HEADER_BYTES + 2 * CHUNK_BYTES);
  #length = CHUNK_HEADER_BYTES;
  #rowsInChunk = 0;
  #count = 0;
  #position = 0;
  #previous: number;

  constructor(file: DiskFile, { index, term }: LogSnapshot, broken: Broken) {
    this.#file = file;
    this.#broken = broken;
    const { bytes, crc } = encodeSnapshotHeader(index, term);
    this.#write(bytes);
    this.#previous = crc;
  }

  add(row: Uint8Array): void {
    const end = this.#length + row.length;
    if (end > this.#chunk.length) {
      const grown = new Uint8Array(end);
      grown.set(this.#chunk.subarray(0, this.#length));
      this.#chunk = grown;
    }
    this.#chunk.set(row, this.#length);
    this.#length = end;
    this.#rowsInChunk++;
    this.bytes += row.length;
    if (end >= CHUNK_BYTES) this.#flush();
  }

  finish(): void {
    if (this.#rowsInChunk > 0) this.#flush();
    this.#write(encodeEnd(this.#previous, this.rows, this.#count));
  }

  #flush(): void {
    const bytes = this.#chunk.subarray(0, this.#length);
    this.#previous = sealChunk(bytes, this.#previous, this.#rowsInChunk);
    this.#write(bytes);
    this.rows += this.#rowsInChunk;
    this.#count++;
    this.#rowsInChunk = 0;
    this.#length = CHUNK_HEADER_BYTES;
  }

  #write(bytes: Uint8Array): void {
    writeOrBreak(this.#file, bytes, this.#position, this.#broken);
    this.#position += bytes.length;
    this.unsynced += bytes.length;
  }
}

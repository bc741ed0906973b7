/**
 * The next segment, prepared before it is needed: a file of zeros on the disk, so that a record written into it changes no metadata, and so
 * that a full disk shows itself while there is still room in the present one.
 */
import type { Clock } from '../../clock.js';
import { LogFailure } from '../port.js';
import type { Disk, DiskFile } from './disk.js';
import { NEXT_SEGMENT_NAME } from './names.js';
import { type Broken, type Note, discard, isDiskFull, syncOrBreak, textOf, turn, writeOrBreak } from './trouble.js';

/** Zeros written in one turn of the event loop: some tens of microseconds. */
const SLICE_BYTES = 256 * 1024;
/** Zeros written between two syncs, so that a sync of the log waits behind little. */
const UNSYNCED_BYTES_MAX = 1024 * 1024;
/** A disk that was full is asked again after this. */
const RETRY_MS = 1_000;

const ZEROS = new Uint8Array(SLICE_BYTES);

export interface PreparedSegment {
  readonly file: DiskFile;
  /** Present name of the file. */
  readonly name: string;
}

export interface SupplyParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly note: Note;
  readonly broken: Broken;
  readonly segmentBytes: number;
}

export class SegmentSupply {
  readonly #parts: SupplyParts;
  #ready: DiskFile | null = null;
  #working: Promise<void> | null = null;
  /** Why the last attempt failed; null: it did not. */
  #failure: LogFailure | null = null;
  #failedMs = 0;
  /** A file of an earlier attempt could not be removed. */
  #leftover = false;
  #stopped = false;

  constructor(parts: SupplyParts) {
    this.#parts = parts;
  }

  /** The next segment will be needed soon. Cheap to call often. */
  want(): void {
    if (this.#ready === null && this.#working === null) this.#try(this.#parts.segmentBytes);
  }

  /** The prepared segment, of `bytesMin` or more. Rejects with LogFailure `not-landed` when there is no room for it. */
  async take(bytesMin: number): Promise<PreparedSegment> {
    if (this.#working !== null) await this.#working;
    if (this.#ready === null || this.#ready.size < bytesMin) {
      this.#try(Math.max(bytesMin, this.#parts.segmentBytes));
      if (this.#working !== null) await this.#working;
    }
    const file = this.#ready;
    if (file === null || file.size < bytesMin) throw this.#failure ?? new LogFailure('not-landed', 'the log is closed');
    this.#ready = null;
    return { file, name: NEXT_SEGMENT_NAME };
  }

  /** Prepares nothing more, and removes what is prepared. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#working !== null) await this.#working;
    if (this.#ready !== null) await discard(this.#parts.disk, this.#ready, NEXT_SEGMENT_NAME);
    this.#ready = null;
  }

  #try(bytes: number): void {
    if (this.#stopped) return;
    if (this.#failure !== null && this.#parts.clock.nowMs() - this.#failedMs < RETRY_MS) return;
    this.#working = this.#prepare(bytes);
  }

  async #prepare(bytes: number): Promise<void> {
    const { disk, note } = this.#parts;
    let file = this.#ready;
    this.#ready = null;
    try {
      if (this.#leftover) {
        await disk.remove(NEXT_SEGMENT_NAME);
        this.#leftover = false;
      }
      file ??= await disk.open(NEXT_SEGMENT_NAME, 'create');
      await this.#fill(file, bytes);
      this.#ready = file;
      if (this.#failure !== null) note('there is room for the log again', { directory: disk.path });
      this.#failure = null;
    } catch (error) {
      this.#leftover = file !== null && !(await discard(disk, file, NEXT_SEGMENT_NAME));
      this.#fail(error);
    } finally {
      this.#working = null;
    }
  }

  async #fill(file: DiskFile, bytes: number): Promise<void> {
    const { clock, broken } = this.#parts;
    let unsynced = 0;
    for (let position = file.size; position < bytes; position += SLICE_BYTES) {
      if (this.#stopped) throw new LogFailure('not-landed', 'the log is closed');
      const slice = ZEROS.subarray(0, Math.min(SLICE_BYTES, bytes - position));
      writeOrBreak(file, slice, position, broken);
      unsynced += slice.length;
      if (unsynced >= UNSYNCED_BYTES_MAX) {
        await syncOrBreak(file, broken);
        unsynced = 0;
      }
      await turn(clock);
    }
    await syncOrBreak(file, broken);
  }

  #fail(error: unknown): void {
    const { disk, clock, note } = this.#parts;
    const isFirst = this.#failure === null;
    this.#failedMs = clock.nowMs();
    if (error instanceof LogFailure) {
      this.#failure = error;
      return;
    }
    const why = isDiskFull(error) ? 'no space left' : 'the next segment cannot be made';
    this.#failure = new LogFailure('not-landed', `${why} in ${disk.path}: ${textOf(error)}`, { cause: error });
    if (isFirst) note(`${why}: when the present segment is full, the log takes nothing more`, { directory: disk.path });
  }
}

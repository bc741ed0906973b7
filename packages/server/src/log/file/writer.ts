/**
 * Appends, in groups. One record is under way at a time; whatever is appended meanwhile gathers and goes into the next one, so many appends
 * share one sync and a crash can damage the last record only.
 */
import type { Entry } from '@holdfast/core';
import type { Clock, Timer } from '../../clock.js';
import { encodeBody } from '../codec/entries.js';
import { LogFailure } from '../port.js';
import { Batch, type Settler } from './batch.js';
import type { Disk } from './disk.js';
import { segmentName } from './names.js';
import type { OpenSegment, SegmentFacts } from './recovery.js';
import { SEGMENT_HEADER_BYTES, encodeSegmentHeader } from './segment.js';
import type { SegmentSupply } from './supply.js';
import {
  type Broken,
  type Note,
  discard,
  isDiskFull,
  publishOrBreak,
  syncOrBreak,
  textOf,
  writeOrBreak,
} from './trouble.js';

/** When an append is durable: after a sync of its own group; once written, with a sync a second; once written, with no sync before the end. */
export type FsyncPolicy = 'always' | 'interval' | 'never';

const SYNC_EVERY_MS = 1_000;

export interface WriterParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly fsync: FsyncPolicy;
  readonly supply: SegmentSupply;
  readonly salt: () => number;
  readonly note: Note;
  readonly broken: Broken;
  /** The log so far, oldest first. The writer adds the segments that it begins. */
  readonly segments: SegmentFacts[];
  /** null: the log has no segment yet. */
  readonly segment: OpenSegment | null;
  /** Index of the last entry, 0: there is none; checksum of the last record. Both are durable. */
  readonly lastIndex: number;
  readonly previous: number;
}

export class LogWriter {
  readonly #parts: WriterParts;
  readonly #always: boolean;
  #segment: OpenSegment | null;
  #previous: number;
  #term = 0;
  /** Index of the last entry whose append has resolved. */
  #lastIndex: number;
  /** Index that the next append must have. */
  #nextIndex: number;
  /** The first one is under way while #busy; the last one takes further entries. */
  readonly #queue: Batch[] = [];
  /** For use again. */
  #spare: Batch | null = null;
  /** The next record begins after this poll of the event loop. */
  #scheduled = false;
  /** A record is being written or synced, or a segment begun. */
  #busy = false;
  /** The checksum of the record that is being synced. */
  #crc = 0;
  /** Records written, and how many of them are known to be durable. */
  #written = 0;
  #synced = 0;
  #syncing: Promise<void> | null = null;
  #timer: Timer | null = null;
  #failure: LogFailure | null = null;
  #onIdle: (() => void)[] = [];

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#always = parts.fsync === 'always';
    this.#segment = parts.segment;
    this.#previous = parts.previous;
    this.#lastIndex = parts.lastIndex;
    this.#nextIndex = parts.lastIndex + 1;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** From now on only entries of `term` are taken. Resolves when a record that says so is durable, whatever the policy. */
  async beginTerm(term: number): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    this.#term = term;
    await new Promise<void>((resolve, reject) => {
      this.#newBatch().settlers.push({ resolve, reject });
      this.#schedule();
    });
    await this.sync();
  }

  append(entry: Entry): Promise<void> {
    const { index, term } = entry;
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (term !== this.#term) {
      return Promise.reject(new LogFailure('refused', `term ${term} is over, the log is at ${this.#term}`));
    }
    if (index !== this.#nextIndex) {
      return Promise.reject(
        new LogFailure('not-landed', `entry ${index} does not follow entry ${this.#nextIndex - 1}`),
      );
    }
    let body: Uint8Array;
    try {
      body = encodeBody(entry);
    } catch (error) {
      const text = `entry ${index} cannot be written: ${textOf(error)}`;
      return Promise.reject(new LogFailure('not-landed', text, { cause: error }));
    }
    return new Promise((resolve, reject) => {
      const batch = this.#batchFor(body.length);
      batch.add(body);
      batch.settlers.push({ resolve, reject });
      this.#nextIndex = index + 1;
      this.#schedule();
    });
  }

  /** Resolves when everything that is written now is durable. */
  async sync(): Promise<void> {
    // With `always` a record that is not durable yet has its sync under way, and nobody was told of it.
    const upTo = this.#always ? 0 : this.#written;
    while (this.#synced < upTo) {
      if (this.#failure !== null) throw this.#failure;
      this.#syncing ??= this.#syncOnce();
      await this.#syncing;
    }
  }

  /** Nothing is trusted any more: everything under way and everything after it is refused. */
  breakWith(error: unknown): LogFailure {
    if (this.#failure !== null) return this.#failure;
    const text = `${this.#parts.disk.path}: ${textOf(error)}: what is on the disk is not known any more, this process has to end`;
    this.#failure = new LogFailure('refused', text, { cause: error });
    this.#parts.note('the log is broken', { reason: text });
    this.#clearTimer();
    this.#rejectAll(this.#failure);
    this.#busy = false;
    this.#idle();
    return this.#failure;
  }

  /** Waits for what is under way, syncs it, and lets go of the file. */
  async close(): Promise<void> {
    if (this.#busy || this.#scheduled) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    this.#clearTimer();
    try {
      if (this.#failure === null) await this.sync();
    } finally {
      await this.#segment?.file.close();
      this.#segment = null;
    }
  }

  // ---- gathering ------------------------------------------------------------------------------------------------------------

  #batchFor(bytes: number): Batch {
    const last = this.#queue.at(-1);
    // The first one is under way: its bytes are with the disk.
    const isOpen = last !== undefined && (!this.#busy || this.#queue.length > 1);
    const fits = isOpen && last.count > 0 && last.term === this.#term && last.hasRoom(bytes);
    return fits ? last : this.#newBatch();
  }

  #newBatch(): Batch {
    const batch = this.#spare ?? new Batch();
    this.#spare = null;
    batch.begin(this.#term, this.#nextIndex);
    this.#queue.push(batch);
    return batch;
  }

  // ---- one record after the other -------------------------------------------------------------------------------------------

  /**
   * Begins the next record when what waits in the sockets has been read: then it holds what all of them asked for in this turn of the event
   * loop, and not only the first. Without it, many clients share many small syncs instead of a few large ones.
   */
  #schedule(): void {
    if (this.#busy || this.#scheduled) return;
    this.#scheduled = true;
    this.#parts.clock.afterPoll(this.#begin);
  }

  readonly #begin = (): void => {
    this.#scheduled = false;
    if (this.#failure === null) this.#next();
    else this.#idle();
  };

  #next(): void {
    for (let batch = this.#queue[0]; batch !== undefined; batch = this.#queue[0]) {
      this.#busy = true;
      const segment = this.#segment;
      if (segment === null || segment.facts.end + batch.length > segment.file.size) {
        void this.#beginSegment(batch);
        return;
      }
      const syncedBefore = this.#always || this.#synced === this.#written;
      const { bytes, crc } = batch.seal(segment.facts.salt, this.#previous, syncedBefore);
      try {
        segment.file.write(bytes, segment.facts.end);
      } catch (error) {
        if (isDiskFull(error)) void this.#takeBack(segment, error);
        else this.breakWith(error);
        return;
      }
      this.#crc = crc;
      this.#written++;
      if (this.#always) {
        segment.file.sync().then(this.#onSynced, this.#onFailed);
        return;
      }
      this.#landed(batch, segment);
      this.#watchInterval();
    }
    this.#busy = false;
    this.#idle();
  }

  readonly #onSynced = (): void => {
    const batch = this.#queue[0];
    const segment = this.#segment;
    if (this.#failure !== null || batch === undefined || segment === null) return;
    this.#synced = this.#written;
    this.#landed(batch, segment);
    this.#busy = false;
    if (this.#queue.length > 0) this.#schedule();
    else this.#idle();
  };

  readonly #onFailed = (error: unknown): void => {
    this.breakWith(error);
  };

  #landed(batch: Batch, { facts, file }: OpenSegment): void {
    this.#queue.shift();
    this.#previous = this.#crc;
    this.#lastIndex = batch.firstIndex + batch.count - 1;
    facts.end += batch.length;
    facts.lastIndex = this.#lastIndex;
    for (const { resolve } of batch.settlers) resolve();
    this.#spare = batch;
    if (facts.end * 2 > file.size) this.#parts.supply.want();
  }

  /** A write that found no room may have left a part of itself, and a part can be a whole record when what is missing is zeros. */
  async #takeBack({ facts, file }: OpenSegment, cause: unknown): Promise<void> {
    const { disk, broken } = this.#parts;
    try {
      await file.truncate(facts.end);
      await syncOrBreak(file, broken);
    } catch (error) {
      broken(error);
      return;
    }
    this.#giveUp(new LogFailure('not-landed', `no space left in ${disk.path}: ${textOf(cause)}`, { cause }));
  }

  /** Everything that waits did not land. The next append may have the index of the first of them. */
  #giveUp(failure: LogFailure): void {
    if (this.#failure !== null) return;
    this.#nextIndex = this.#lastIndex + 1;
    this.#rejectAll(failure);
    this.#busy = false;
    this.#idle();
  }

  #rejectAll(failure: LogFailure): void {
    const settlers: Settler[] = this.#queue.splice(0).flatMap((batch) => batch.settlers);
    for (const { reject } of settlers) reject(failure);
  }

  // ---- segments ---------------------------------------------------------------------------------------------------------------

  async #beginSegment(batch: Batch): Promise<void> {
    try {
      const segment = await this.#makeSegment(batch);
      const full = this.#segment;
      this.#segment = segment;
      this.#parts.segments.push(segment.facts);
      // All of it is durable, so nothing depends on how this ends.
      full?.file.close().catch(() => undefined);
      if (this.#failure === null) this.#next();
    } catch (error) {
      if (error instanceof LogFailure && error.kind === 'not-landed') this.#giveUp(error);
      else this.breakWith(error);
    }
  }

  async #makeSegment({ firstIndex, length }: Batch): Promise<OpenSegment> {
    const { disk, supply, broken } = this.#parts;
    // Whatever the policy: so that only the last segment can have been damaged by a crash.
    await this.sync();
    const salt = this.#parts.salt();
    const { file, name } = await supply.take(SEGMENT_HEADER_BYTES + length);
    try {
      writeOrBreak(file, encodeSegmentHeader({ salt, firstIndex, previous: this.#previous }), 0, broken);
    } catch (error) {
      await discard(disk, file, name);
      if (!isDiskFull(error)) throw error;
      throw new LogFailure('not-landed', `no space left in ${disk.path}: ${textOf(error)}`, { cause: error });
    }
    // A segment that has its name has its header: one without is damage, never a crash.
    await syncOrBreak(file, broken);
    await publishOrBreak(disk, name, segmentName(firstIndex), broken);
    const facts = { firstIndex, salt, lastIndex: firstIndex - 1, end: SEGMENT_HEADER_BYTES };
    return { facts, file };
  }

  // ---- syncs apart from appends -----------------------------------------------------------------------------------------------

  async #syncOnce(): Promise<void> {
    const upTo = this.#written;
    try {
      if (this.#segment !== null) await syncOrBreak(this.#segment.file, this.#parts.broken);
      this.#synced = upTo;
    } finally {
      this.#syncing = null;
    }
  }

  #watchInterval(): void {
    if (this.#parts.fsync !== 'interval' || this.#timer !== null) return;
    this.#timer = this.#parts.clock.setTimer(SYNC_EVERY_MS, () => {
      this.#timer = null;
      // A failure has broken the engine by then; the next append says so.
      this.sync().then(
        () => {
          if (this.#synced < this.#written) this.#watchInterval();
        },
        () => undefined,
      );
    });
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#parts.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #idle(): void {
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}

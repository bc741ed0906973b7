/**
 * The file engine: a log in one directory of one machine. What it promises is the log port; how its files look is docs/wal-format.md.
 *
 * Its parts: recovery.ts checks what is there, writer.ts appends, supply.ts prepares segments, snapshots.ts keeps the two newest snapshots,
 * log-reader.ts reads entries back.
 */
import { randomInt } from 'node:crypto';
import type { Entry } from '@holdfast/core';
import type { Clock } from '../../clock.js';
import { LogFailure, type LogPort, type LogSnapshot, type SavedSnapshot } from '../port.js';
import type { Disk } from './disk.js';
import { readEntries } from './log-reader.js';
import { type SegmentFacts, recover } from './recovery.js';
import { Snapshots } from './snapshots.js';
import { SegmentSupply } from './supply.js';
import type { Note } from './trouble.js';
import { type FsyncPolicy, LogWriter } from './writer.js';

/** Bytes of a segment, unless one record needs more. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
const TWO_32 = 4_294_967_296;

export interface FileLogOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly fsync: FsyncPolicy;
  /** Bytes of a segment. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** Told what an operator should know. */
  readonly note?: Note;
  /** For each new segment an integer from 0 to 2^32 - 1 that no client can foresee. Default: random. */
  readonly salt?: () => number;
}

interface Parts {
  readonly segments: readonly SegmentFacts[];
  readonly writer: LogWriter;
  readonly supply: SegmentSupply;
  readonly snapshots: Snapshots;
}

export class FileLog implements LogPort {
  readonly supports = { durability: 'disk' } as const;
  readonly #options: FileLogOptions;
  #term = 0;
  /** null: not open. */
  #parts: Parts | null = null;

  constructor(options: FileLogOptions) {
    this.#options = options;
  }

  get place(): string {
    return this.#options.disk.path;
  }

  async open(): Promise<number> {
    this.#parts ??= await this.#start();
    this.#term += 1;
    await this.#parts.writer.beginTerm(this.#term);
    return this.#term;
  }

  append(entry: Entry): Promise<void> {
    return this.#parts === null ? Promise.reject(notOpen()) : this.#parts.writer.append(entry);
  }

  async *read(index: number): AsyncGenerator<Entry> {
    const { segments, writer } = this.#opened();
    yield* readEntries(this.#options.disk, segments, index, writer.lastIndex);
  }

  async saveSnapshot(snapshot: LogSnapshot): Promise<void> {
    await this.#opened().snapshots.save(snapshot);
  }

  async loadSnapshot(): Promise<SavedSnapshot | null> {
    return this.#opened().snapshots.load();
  }

  async close(): Promise<void> {
    const parts = this.#parts;
    this.#parts = null;
    try {
      await parts?.snapshots.stop();
      await parts?.writer.close();
    } finally {
      await parts?.supply.stop();
      await this.#options.disk.close();
    }
  }

  async #start(): Promise<Parts> {
    const { disk, clock, fsync, segmentBytes = SEGMENT_BYTES } = this.#options;
    const { note = () => undefined, salt = () => randomInt(TWO_32) } = this.#options;
    await disk.lock();
    const { segments, snapshots: kept, segment, lastIndex, term, previous } = await recover(disk, note);
    this.#term = term;
    const broken = (error: unknown): LogFailure => writer.breakWith(error);
    const supply = new SegmentSupply({ disk, clock, note, broken, segmentBytes });
    const log = { disk, clock, note, broken, segments };
    const writer: LogWriter = new LogWriter({ ...log, fsync, supply, salt, segment, lastIndex, previous });
    const snapshots = new Snapshots({ ...log, writer, kept });
    return { segments, writer, supply, snapshots };
  }

  #opened(): Parts {
    if (this.#parts === null) throw notOpen();
    return this.#parts;
  }
}

function notOpen(): LogFailure {
  return new LogFailure('refused', 'the log is not open');
}

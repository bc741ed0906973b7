/** Places for the conformance suite: directories of the file system, and a disk in memory whose power can be cut. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogAccident, LogHarness, LogPlace } from '../../../testing/src/index.js';
import { FileLog, type FileLogOptions, SystemDisk } from '../../src/index.js';
import { systemClock } from '../../src/clock.js';
import { MemoryDisk } from '../log/support/memory-disk.js';

/** Small enough that most cases go over several of them. */
const SEGMENT_BYTES = 64 * 1024;

/** A real directory. A crash of the process is a copy of the directory at that moment: what was written outlives it, synced or not. */
class DirectoryPlace implements LogPlace {
  readonly #parent: string;
  readonly #fsync: FileLogOptions['fsync'];
  #life = 1;
  #given: FileLog[] = [];
  /** Those of processes that are gone. */
  readonly #gone: FileLog[] = [];

  constructor(parent: string, fsync: FileLogOptions['fsync']) {
    this.#parent = parent;
    this.#fsync = fsync;
  }

  log(): FileLog {
    const disk = new SystemDisk(this.#directory);
    const log = new FileLog({ disk, clock: systemClock, fsync: this.#fsync, segmentBytes: SEGMENT_BYTES });
    this.#given.push(log);
    return log;
  }

  async suffer(accident: LogAccident): Promise<void> {
    if (accident !== 'crash') throw new Error(`a directory knows no ${accident}`);
    const before = this.#directory;
    this.#life += 1;
    mkdirSync(this.#directory);
    // In one go: nothing of this process may run between two files.
    for (const name of readdirSync(before)) {
      if (name !== 'holdfast.pid') copyFileSync(join(before, name), join(this.#directory, name));
    }
    this.#gone.push(...this.#given.splice(0));
  }

  async dispose(): Promise<void> {
    for (const log of this.#gone) await log.close();
    await rm(this.#parent, { recursive: true });
  }

  get #directory(): string {
    return join(this.#parent, `life-${this.#life}`);
  }
}

export function directoryHarness(fsync: FileLogOptions['fsync']): LogHarness {
  return {
    abilities: ['restart', 'crash'],
    place: async () => new DirectoryPlace(await mkdtemp(join(tmpdir(), 'holdfast-log-')), fsync),
  };
}

/** A disk in memory. A power cut leaves some of what was not synced, other parts at every cut; always the same in every run. */
class DiskPlace implements LogPlace {
  #disk = new MemoryDisk();
  #given: FileLog[] = [];
  readonly #gone: FileLog[] = [];
  #cuts = 0;

  log(): FileLog {
    const log = new FileLog({ disk: this.#disk, clock: systemClock, fsync: 'always', segmentBytes: SEGMENT_BYTES });
    this.#given.push(log);
    return log;
  }

  async suffer(accident: LogAccident): Promise<void> {
    if (accident === 'lost-answer') throw new Error('a disk loses no answers');
    this.#cuts += 1;
    const cuts = this.#cuts;
    // About half of it, in no pattern: the golden ratio's multiples are spread evenly (Weyl).
    const isKept = (unit: number): boolean => ((unit + cuts * 31) * 0.618_033_988_75) % 1 < 0.5;
    this.#disk = this.#disk.afterCrash(accident === 'crash' ? 'all' : isKept);
    this.#gone.push(...this.#given.splice(0));
  }

  async dispose(): Promise<void> {
    for (const log of this.#gone) await log.close();
  }
}

export const powerHarness: LogHarness = {
  abilities: ['restart', 'crash', 'power-cut'],
  place: async () => new DiskPlace(),
};

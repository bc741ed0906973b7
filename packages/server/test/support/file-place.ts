/** Real directories as places for the conformance suite. A crash of the process is a copy of the directory at that moment: what was written outlives it, synced or not. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogAccident, LogHarness, LogPlace } from '../../../testing/src/index.js';
import { FileLog, type FileLogOptions, SystemDisk } from '../../src/index.js';
import { systemClock } from '../../src/clock.js';

/** Small enough that most cases go over several of them. */
const SEGMENT_BYTES = 64 * 1024;

class FilePlace implements LogPlace {
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

export function fileHarness(fsync: FileLogOptions['fsync']): LogHarness {
  return {
    abilities: ['restart', 'crash'],
    place: async () => new FilePlace(await mkdtemp(join(tmpdir(), 'holdfast-log-')), fsync),
  };
}

/** Which entries of the log no crash can take any more, read from the bytes of the disk. */
import type { Entry } from '@holdfast/core';
import { decodeSegment } from '@holdfast/server/internal';
import type { SimulatedDisk } from './disk.js';
import type { FileImage } from './file-image.js';
import { Violation } from './trace.js';

const SEGMENT = /^wal-\d+\.log$/;

export class DurableEntries {
  /** How far each file was read. */
  #ends = new Map<FileImage, number>();
  /** Term of each entry so far, by index less one. */
  readonly #terms: number[] = [];

  get lastIndex(): number {
    return this.#terms.length;
  }

  /** Entries that became durable since the last look, in order. After a crash some may have that no sync was reported for. */
  look(disk: SimulatedDisk): readonly Entry[] {
    const found: Entry[] = [];
    const ends = new Map<FileImage, number>();
    for (const [name, file] of disk.durableFiles) {
      if (!SEGMENT.test(name)) continue;
      const { entries, end } = decodeSegment(file.durableBytes, this.#ends.get(file) ?? 0);
      ends.set(file, end);
      found.push(...entries);
    }
    this.#ends = ends;
    const added: Entry[] = [];
    for (const entry of found.toSorted((left, right) => left.index - right.index)) {
      const term = this.#terms[entry.index - 1];
      if (term === entry.term) continue;
      if (entry.index !== this.#terms.length + 1) {
        const known = term === undefined ? `the last is ${this.#terms.length}` : `it was durable with term ${term}`;
        throw new Violation('disk', `entry ${entry.index} of term ${entry.term} is durable now, but ${known}`);
      }
      this.#terms.push(entry.term);
      added.push(entry);
    }
    return added;
  }

  /** The machine lost its power: what files hold now may be less, or more, than what was read of them. */
  forgetFiles(): void {
    this.#ends.clear();
  }
}

/**
 * The bytes of one file as three see them: programs (the page cache), the platter (what no crash takes), and in between every version of
 * every 512-byte sector that was written since the last sync. After a crash any of these versions of each sector may be there.
 */
import type { Random } from './random.js';

export const SECTOR_BYTES = 512;

/** How many versions of each sector a sync under way will have made durable. */
type SyncMark = ReadonlyMap<number, number>;

export class FileImage {
  #cached = new Uint8Array(0);
  #size = 0;
  #durable = new Uint8Array(0);
  #durableSize = 0;
  /** By sector: its versions since it was last durable, oldest first. */
  readonly #versions = new Map<number, Uint8Array[]>();

  /** As programs see it. */
  get size(): number {
    return this.#size;
  }

  /** What no crash takes. Not to be changed by the caller. */
  get durableBytes(): Uint8Array {
    return this.#durable.subarray(0, this.#durableSize);
  }

  read(position: number, length: number): Uint8Array {
    return this.#cached.slice(position, Math.min(this.#size, position + length));
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    this.#cached = grown(this.#cached, end);
    this.#cached.set(bytes, position);
    this.#size = Math.max(this.#size, end);
    this.#touch(position, end);
  }

  truncate(length: number): void {
    const end = Math.max(this.#size, length);
    this.#cached = grown(this.#cached, end);
    this.#cached.fill(0, length, end);
    this.#size = length;
    this.#touch(length, Math.max(end, this.#durableSize));
  }

  /** A sync begins: it covers what was written before it. */
  beginSync(): { readonly size: number; readonly mark: SyncMark } {
    const mark = new Map<number, number>();
    for (const [sector, versions] of this.#versions) mark.set(sector, versions.length);
    return { size: this.#size, mark };
  }

  /** The sync that began with this mark is over. */
  endSync({ size, mark }: { readonly size: number; readonly mark: SyncMark }): void {
    for (const [sector, count] of mark) {
      const versions = this.#versions.get(sector);
      const newest = versions?.[count - 1];
      if (versions === undefined || newest === undefined) continue;
      this.#settle(sector, newest);
      if (versions.length === count) this.#versions.delete(sector);
      else versions.splice(0, count);
    }
    this.#durableSize = size;
    this.#durable = grown(this.#durable, size);
  }

  /**
   * The sync failed: of each sector nobody knows whether it is durable, and the operating system counts them all as written, so that no later
   * sync writes those that are not.
   */
  failSync(random: Random): void {
    for (const [sector, versions] of this.#versions) {
      const newest = versions.at(-1);
      if (newest !== undefined && random.chance(0.5)) this.#settle(sector, newest);
    }
    this.#versions.clear();
    this.#durableSize = Math.max(this.#durableSize, this.#size);
    this.#durable = grown(this.#durable, this.#durableSize);
  }

  /** The machine lost its power. Returns how many sectors were lost, and how many that were not synced were kept. */
  crash(random: Random): { readonly lost: number; readonly kept: number } {
    let lost = 0;
    let kept = 0;
    // Some crashes take all that was not synced, some nothing, some any part of it.
    const keepChance = random.pick([0, 0.5, 0.9, 1]);
    let keptEnd = this.#durableSize;
    for (const [sector, versions] of this.#versions) {
      if (!random.chance(keepChance)) {
        lost += 1;
        continue;
      }
      kept += 1;
      this.#settle(sector, random.pick(versions));
      keptEnd = Math.max(keptEnd, Math.min(this.#size, (sector + 1) * SECTOR_BYTES));
    }
    // The length of a file is written apart from its sectors.
    const sizes = [this.#durableSize, keptEnd, this.#size];
    this.#durableSize = random.pick(sizes);
    this.#durable = grown(this.#durable, this.#durableSize);
    this.#durable.fill(0, this.#durableSize);
    this.#versions.clear();
    this.#size = this.#durableSize;
    this.#cached = this.#durable.slice();
    return { lost, kept };
  }

  #touch(start: number, end: number): void {
    for (let sector = Math.floor(start / SECTOR_BYTES); sector * SECTOR_BYTES < end; sector++) {
      const from = sector * SECTOR_BYTES;
      const version = new Uint8Array(SECTOR_BYTES);
      version.set(this.#cached.subarray(from, from + SECTOR_BYTES));
      const versions = this.#versions.get(sector);
      if (versions === undefined) this.#versions.set(sector, [version]);
      else versions.push(version);
    }
  }

  #settle(sector: number, bytes: Uint8Array): void {
    const from = sector * SECTOR_BYTES;
    this.#durable = grown(this.#durable, from + SECTOR_BYTES);
    this.#durable.set(bytes, from);
  }
}

/** Room for at least `length` bytes; new ones are zero. */
function grown(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (bytes.length >= length) return bytes;
  const larger = new Uint8Array(Math.max(length, bytes.length * 2, 4 * SECTOR_BYTES));
  larger.set(bytes);
  return larger;
}

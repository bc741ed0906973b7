/**
 * A disk in memory for tests of the file engine: it can be full, fail, hold syncs back, stop at any step, and give the disk that a crash of the
 * machine leaves.
 */
import { type Disk, type DiskFile, DirectoryTaken, DiskFull } from '../../../src/log/file/disk.js';

export type StepKind = 'open' | 'write' | 'sync' | 'truncate' | 'rename' | 'remove' | 'sync-directory';

export interface Step {
  readonly kind: StepKind;
  readonly name: string;
}

/** What a crash keeps of what was not synced. */
export type Kept = 'all' | 'none' | ((unit: number) => boolean);

const SECTOR_BYTES = 512;

class Content {
  bytes = new Uint8Array(0);
  /** As it was at the last sync. */
  synced = new Uint8Array(0);
  /** Offsets of sectors that the next sync has to write. One that fails forgets them, as Linux does. */
  dirty = new Set<number>();
}

interface NameChange {
  apply(names: Map<string, Content>): void;
}

export class MemoryDisk implements Disk {
  readonly path = '/memory';
  /** Called before every step; what it throws the step throws. */
  onStep: (step: Step) => void = () => undefined;
  /** Bytes of all files together. */
  capacity = Infinity;
  /** Syncs that wait for releaseSync(), while it is not null. */
  heldSyncs: (() => void)[] | null = null;
  locked = false;
  readonly #names: Map<string, Content>;
  #durableNames: Map<string, Content>;
  #nameChanges: NameChange[] = [];

  constructor(names = new Map<string, Uint8Array>()) {
    this.#names = new Map([...names].map(([name, bytes]) => [name, contentOf(bytes)]));
    this.#durableNames = new Map(this.#names);
  }

  // ---- the port ---------------------------------------------------------------------------------------------------------------

  async lock(): Promise<void> {
    if (this.locked) throw new DirectoryTaken(this.path);
    this.locked = true;
  }

  async list(): Promise<readonly string[]> {
    return [...this.#names.keys()].toSorted();
  }

  async open(name: string, mode: 'existing' | 'create'): Promise<DiskFile> {
    let content = this.#names.get(name);
    if (mode === 'create') {
      this.onStep({ kind: 'open', name });
      if (content !== undefined) throw new Error(`EEXIST: ${name}`);
      const created = new Content();
      content = created;
      this.#change({ apply: (names) => names.set(name, created) });
    }
    if (content === undefined) throw new Error(`ENOENT: ${name}`);
    return new MemoryFile(this, name, content);
  }

  async rename(from: string, to: string): Promise<void> {
    this.onStep({ kind: 'rename', name: `${from} ${to}` });
    const content = this.#names.get(from);
    if (content === undefined) throw new Error(`ENOENT: ${from}`);
    this.#change({
      apply: (names) => {
        names.delete(from);
        names.set(to, content);
      },
    });
  }

  async remove(name: string): Promise<void> {
    this.onStep({ kind: 'remove', name });
    if (!this.#names.has(name)) throw new Error(`ENOENT: ${name}`);
    this.#change({ apply: (names) => names.delete(name) });
  }

  async syncDirectory(): Promise<void> {
    this.onStep({ kind: 'sync-directory', name: '' });
    this.#durableNames = new Map(this.#names);
    this.#nameChanges = [];
  }

  async close(): Promise<void> {
    this.locked = false;
  }

  // ---- what tests do with it ----------------------------------------------------------------------------------------------------

  get bytesUsed(): number {
    let bytes = 0;
    for (const content of this.#names.values()) bytes += content.bytes.length;
    return bytes;
  }

  /** The oldest sync that is held back takes place. */
  releaseSync(): void {
    const release = this.heldSyncs?.shift();
    if (release === undefined) throw new Error('no sync is held back');
    release();
  }

  /** The process ends, however it does: the next one may have the directory. */
  endProcess(): void {
    this.locked = false;
    this.onStep = () => undefined;
  }

  /** Copies of all files as a process sees them. */
  files(): Map<string, Uint8Array> {
    return new Map([...this.#names].map(([name, { bytes }]) => [name, bytes.slice()]));
  }

  bytesOf(name: string): Uint8Array {
    const content = this.#names.get(name);
    if (content === undefined) throw new Error(`ENOENT: ${name}`);
    return content.bytes;
  }

  /** The disk after a crash of the machine. `kept` is asked for every sector and every change of a name that was not synced. */
  afterCrash(kept: Kept): MemoryDisk {
    let unit = 0;
    const keeps = (): boolean => kept === 'all' || (kept !== 'none' && kept(unit++));
    const names = new Map(this.#durableNames);
    for (const change of this.#nameChanges) if (keeps()) change.apply(names);
    return new MemoryDisk(new Map([...names].map(([name, content]) => [name, torn(content, keeps)])));
  }

  #change(change: NameChange): void {
    change.apply(this.#names);
    this.#nameChanges.push(change);
  }
}

class MemoryFile implements DiskFile {
  readonly #disk: MemoryDisk;
  readonly #name: string;
  readonly #content: Content;

  constructor(disk: MemoryDisk, name: string, content: Content) {
    this.#disk = disk;
    this.#name = name;
    this.#content = content;
  }

  get size(): number {
    return this.#content.bytes.length;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    return this.#content.bytes.slice(position, position + length);
  }

  write(bytes: Uint8Array, position: number): void {
    this.#disk.onStep({ kind: 'write', name: this.#name });
    const end = position + bytes.length;
    const grown = Math.max(0, end - this.size);
    if (this.#disk.bytesUsed + grown > this.#disk.capacity) throw new DiskFull('ENOSPC: no space left on device');
    if (grown > 0) this.#content.bytes = withLength(this.#content.bytes, end);
    this.#content.bytes.set(bytes, position);
    for (let at = position - (position % SECTOR_BYTES); at < end; at += SECTOR_BYTES) this.#content.dirty.add(at);
  }

  async sync(): Promise<void> {
    const content = this.#content;
    const held = this.#disk.heldSyncs;
    // What is written while the sync is under way may reach the disk or not: here it does not.
    const bytes = content.bytes.slice();
    const { dirty } = content;
    content.dirty = new Set();
    if (held !== null) await new Promise<void>((resolve) => held.push(resolve));
    this.#disk.onStep({ kind: 'sync', name: this.#name });
    content.synced = withLength(content.synced.subarray(0, bytes.length), bytes.length);
    for (const at of dirty) content.synced.set(bytes.subarray(at, at + SECTOR_BYTES), at);
  }

  async truncate(length: number): Promise<void> {
    this.#disk.onStep({ kind: 'truncate', name: this.#name });
    this.#content.bytes = withLength(this.#content.bytes.subarray(0, length), length);
    for (const at of this.#content.dirty) if (at >= length) this.#content.dirty.delete(at);
  }

  async close(): Promise<void> {
    // Nothing is kept for an open file.
  }
}

function contentOf(bytes: Uint8Array): Content {
  const content = new Content();
  content.bytes = bytes.slice();
  content.synced = bytes.slice();
  return content;
}

function withLength(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(length);
  result.set(bytes);
  return result;
}

/** Every sector as it was synced, or as it was written last. */
function torn({ bytes, synced }: Content, keeps: () => boolean): Uint8Array {
  const keepsLength = bytes.length === synced.length || keeps();
  const result = withLength(
    synced.subarray(0, keepsLength ? bytes.length : synced.length),
    keepsLength ? bytes.length : synced.length,
  );
  for (let at = 0; at < result.length; at += SECTOR_BYTES) {
    const end = Math.min(at + SECTOR_BYTES, result.length);
    if (!Buffer.from(bytes.subarray(at, end)).equals(result.subarray(at, end)) && keeps()) {
      result.set(bytes.subarray(at, end), at);
    }
  }
  return result;
}

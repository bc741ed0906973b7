/** The real disk: one directory of the file system. The one file of the engine that touches files. */
import { close, existsSync, fdatasync, fsync, fstat, ftruncate, open, read, writeSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type DirectoryLock, lockDirectory } from './directory-lock.js';
import { type Disk, type DiskFile, DiskFull } from './disk.js';

const openFile: (path: string, flags: string, mode: number) => Promise<number> = promisify(open);
const closeFile: (descriptor: number) => Promise<void> = promisify(close);
const syncFile: (descriptor: number) => Promise<void> = promisify(fsync);
const truncateFile: (descriptor: number, length: number) => Promise<void> = promisify(ftruncate);
const statFile = promisify(fstat);

/** Readable and writable by their owner only: the log has hashes of secrets in it. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

export class SystemDisk implements Disk {
  readonly path: string;
  #lock: DirectoryLock | null = null;

  /** `path` may be relative, to where the process is now. */
  constructor(path: string) {
    this.path = resolve(path);
  }

  async lock(): Promise<void> {
    if (this.#lock !== null) return;
    const created = await makeDirectory(this.path);
    if (created !== undefined) await syncParents(this.path, created);
    this.#lock = await lockDirectory(this.path);
  }

  async list(): Promise<readonly string[]> {
    const names = await readdir(this.path);
    return names.toSorted();
  }

  open(name: string, mode: 'existing' | 'create'): Promise<DiskFile> {
    return openSystemFile(join(this.path, name), mode === 'create' ? 'wx+' : 'r+');
  }

  async rename(from: string, to: string): Promise<void> {
    await rename(join(this.path, from), join(this.path, to)).catch(throwDiskFull);
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.path, name));
  }

  syncDirectory(): Promise<void> {
    return syncDirectory(this.path);
  }

  async close(): Promise<void> {
    await this.#lock?.release();
    this.#lock = null;
  }
}

/** For reading only: `r`. */
export async function openSystemFile(path: string, flags: 'r' | 'r+' | 'wx+'): Promise<DiskFile> {
  const descriptor = await openFile(path, flags, FILE_MODE).catch(throwDiskFull);
  const { size } = await statFile(descriptor);
  return new SystemFile(descriptor, size);
}

class SystemFile implements DiskFile {
  readonly #descriptor: number;
  #size: number;

  constructor(descriptor: number, size: number) {
    this.#descriptor = descriptor;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.#size - position)));
    let done = 0;
    while (done < bytes.length) {
      const count = await this.#readSome(bytes, done, position + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }

  write(bytes: Uint8Array, position: number): void {
    try {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.#descriptor, bytes, done, bytes.length - done, position + done);
      }
    } catch (error) {
      throwDiskFull(error);
    }
    this.#size = Math.max(this.#size, position + bytes.length);
  }

  /** Written out by hand: this is the path of every append, and promisify() costs microseconds. */
  sync(): Promise<void> {
    return new Promise((done, fail) => {
      fdatasync(this.#descriptor, (error) => {
        if (error === null) done();
        else fail(error);
      });
    });
  }

  async truncate(length: number): Promise<void> {
    await truncateFile(this.#descriptor, length);
    this.#size = length;
  }

  close(): Promise<void> {
    return closeFile(this.#descriptor);
  }

  #readSome(bytes: Uint8Array, offset: number, position: number): Promise<number> {
    return new Promise((done, fail) => {
      read(this.#descriptor, bytes, offset, bytes.length - offset, position, (error, count) => {
        if (error === null) done(count);
        else fail(error);
      });
    });
  }
}

/** The first directory that had to be made; undefined: none. */
async function makeDirectory(path: string): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
  } catch (error) {
    // On a read-only file system a recursive mkdir says ENOENT. The plain one, of the first directory that is missing, says why.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    let missing = path;
    while (dirname(missing) !== missing && !existsSync(dirname(missing))) missing = dirname(missing);
    await mkdir(missing, { mode: DIRECTORY_MODE });
    throw error;
  }
}

/** Directories that were made, from `first` down to `last`, are durable when those that name them are. */
async function syncParents(last: string, first: string): Promise<void> {
  for (let path = last; path.length >= first.length; path = dirname(path)) await syncDirectory(dirname(path));
}

async function syncDirectory(path: string): Promise<void> {
  // Windows keeps names by itself, and refuses to open a directory.
  if (process.platform === 'win32') return;
  const descriptor = await openFile(path, 'r', FILE_MODE);
  try {
    await syncFile(descriptor);
  } finally {
    await closeFile(descriptor);
  }
}

function throwDiskFull(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
  throw new DiskFull((error as Error).message, { cause: error });
}

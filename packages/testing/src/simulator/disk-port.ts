/** A process's way to the simulated disk: the server's disk port. When the process dies nothing of it happens any more, and no promise of it ever settles. */
import { DirectoryTaken, type Disk, type DiskFile, DiskFull } from '@holdfast/server/internal';
import type { SimulatedDisk } from './disk.js';
import type { FileImage } from './file-image.js';
import type { SimulatedProcess } from './process.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

const OPERATION_MS_MIN = 0.02;
const OPERATION_MS_MAX = 0.3;
const SYNC_MS_MIN = 0.1;
const SLOW_SYNC_MS = 500;

export interface DiskPortParts {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly disk: SimulatedDisk;
  readonly process: SimulatedProcess;
  /** How long a sync takes, at most, on a disk that is not slower than usual. */
  readonly syncMsMax: number;
  /** Called before anything changes on the disk: the process may be killed by it, and then the change does not happen. */
  readonly step: (what: string) => void;
}

export class DiskPort implements Disk {
  readonly path = '/simulated';
  readonly #parts: DiskPortParts;

  constructor(parts: DiskPortParts) {
    this.#parts = parts;
  }

  lock(): Promise<void> {
    return this.later('lock', () => {
      const { disk, process } = this.#parts;
      if (disk.owner !== null) throw new DirectoryTaken(this.path);
      disk.owner = process;
    });
  }

  list(): Promise<readonly string[]> {
    return this.later('list', () => [...this.#parts.disk.files.keys()].toSorted());
  }

  open(name: string, mode: 'existing' | 'create'): Promise<DiskFile> {
    return this.later(`${mode === 'create' ? 'create' : 'open'} ${name}`, () => {
      const { disk } = this.#parts;
      const existing = disk.files.get(name);
      if (mode === 'create' && existing !== undefined) throw new Error(`EEXIST: ${name}`);
      if (mode === 'existing' && existing === undefined) throw new Error(`ENOENT: ${name}`);
      return new OpenFile(this, this.#parts, name, existing ?? disk.create(name));
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.later(`rename ${from} ${to}`, () => this.#parts.disk.rename(from, to));
  }

  remove(name: string): Promise<void> {
    return this.later(`remove ${name}`, () => this.#parts.disk.remove(name));
  }

  syncDirectory(): Promise<void> {
    return this.sync(
      'sync directory',
      () => this.#parts.disk.beginDirectorySync(),
      () => undefined,
    );
  }

  close(): Promise<void> {
    return this.later('close', () => {
      const { disk, process } = this.#parts;
      if (disk.owner === process) disk.owner = null;
    });
  }

  /** Runs `effect` after a short while, unless the process is dead by then; the process is told when it looks. */
  later<T>(what: string, effect: () => T): Promise<T> {
    const { scheduler, random, process, step } = this.#parts;
    return new Promise((resolve, reject) => {
      scheduler.after(random.between(OPERATION_MS_MIN, OPERATION_MS_MAX), () => {
        if (!process.isDead) step(what);
        if (process.isDead) return;
        try {
          const value = effect();
          process.deliver(() => resolve(value));
        } catch (error) {
          process.deliver(() => reject(error));
        }
      });
    });
  }

  /** A sync covers what was done before it began: `begin` returns what ends it. */
  sync(what: string, begin: () => () => void, fail: () => void): Promise<void> {
    const { scheduler, random, disk, process, syncMsMax, step } = this.#parts;
    const end = begin();
    const delayMs = random.chance(disk.slowChance) ? SLOW_SYNC_MS : random.between(SYNC_MS_MIN, syncMsMax);
    const fails = random.chance(disk.failChance);
    return new Promise((resolve, reject) => {
      scheduler.after(delayMs, () => {
        if (!process.isDead) step(what);
        if (process.isDead) return;
        if (fails) {
          fail();
          process.deliver(() => reject(new Error('EIO: i/o error, fdatasync')));
        } else {
          end();
          process.deliver(resolve);
        }
      });
    });
  }
}

class OpenFile implements DiskFile {
  readonly #port: DiskPort;
  readonly #parts: DiskPortParts;
  readonly #name: string;
  readonly #file: FileImage;

  constructor(port: DiskPort, parts: DiskPortParts, name: string, file: FileImage) {
    this.#port = port;
    this.#parts = parts;
    this.#name = name;
    this.#file = file;
  }

  get size(): number {
    return this.#file.size;
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.#port.later(`read ${this.#name}`, () => this.#file.read(position, length));
  }

  write(bytes: Uint8Array, position: number): void {
    const { process, disk, step } = this.#parts;
    if (!process.isDead) step(`write ${this.#name}`);
    if (process.isDead) return;
    if (disk.isFull && position + bytes.length > this.#file.size)
      throw new DiskFull('ENOSPC: no space left on device, write');
    this.#file.write(bytes, position);
  }

  sync(): Promise<void> {
    const { disk, random } = this.#parts;
    return this.#port.sync(
      `sync ${this.#name}`,
      () => {
        const begun = this.#file.beginSync();
        return () => disk.endFileSync(this.#file, begun);
      },
      () => this.#file.failSync(random),
    );
  }

  truncate(length: number): Promise<void> {
    return this.#port.later(`truncate ${this.#name}`, () => this.#file.truncate(length));
  }

  close(): Promise<void> {
    return this.#port.later(`close ${this.#name}`, () => undefined);
  }
}

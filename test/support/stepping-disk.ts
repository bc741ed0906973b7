/** The real disk, with every operation that changes something counted, and somebody told between every two of them. */
import type { Disk, DiskFile } from '@holdfast/server/internal';

export class SteppingDisk implements Disk {
  steps = 0;
  readonly #disk: Disk;
  readonly #onStep: (step: number) => void;

  /** `onStep`: called with 0 before the first operation, and with n when the n-th has been done and nobody knows it yet. */
  constructor(disk: Disk, onStep: (step: number) => void) {
    this.#disk = disk;
    this.#onStep = onStep;
    onStep(0);
  }

  get path(): string {
    return this.#disk.path;
  }

  lock(): Promise<void> {
    return this.#counted(this.#disk.lock());
  }

  list(): Promise<readonly string[]> {
    return this.#disk.list();
  }

  async open(name: string, mode: 'existing' | 'create'): Promise<DiskFile> {
    const file = await this.#disk.open(name, mode);
    if (mode === 'create') this.#step();
    return this.#file(file);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#counted(this.#disk.rename(from, to));
  }

  remove(name: string): Promise<void> {
    return this.#counted(this.#disk.remove(name));
  }

  syncDirectory(): Promise<void> {
    return this.#counted(this.#disk.syncDirectory());
  }

  close(): Promise<void> {
    return this.#disk.close();
  }

  #file(file: DiskFile): DiskFile {
    return {
      get size() {
        return file.size;
      },
      read: (position, length) => file.read(position, length),
      write: (bytes, position) => {
        file.write(bytes, position);
        this.#step();
      },
      sync: () => this.#counted(file.sync()),
      truncate: (length) => this.#counted(file.truncate(length)),
      close: () => file.close(),
    };
  }

  async #counted(operation: Promise<void>): Promise<void> {
    await operation;
    this.#step();
  }

  #step(): void {
    this.steps += 1;
    this.#onStep(this.steps);
  }
}

/**
 * The simulated disk of the server's machine, one directory of it. Processes come and go, each with a port of its own (disk-port.ts); what was
 * written stays as long as the machine runs, and what was synced stays.
 */
import { FileImage } from './file-image.js';
import type { Random } from './random.js';

type DirectoryChange =
  | { readonly type: 'create'; readonly name: string; readonly file: FileImage }
  | { readonly type: 'rename'; readonly from: string; readonly to: string; readonly file: FileImage }
  | { readonly type: 'remove'; readonly name: string };

export interface DiskEvents {
  /** Something became durable: a file's content or the directory. */
  durable(): void;
  /** Programs see this file under this name now. */
  renamed(to: string): void;
}

export class SimulatedDisk {
  readonly #random: Random;
  readonly #events: DiskEvents;
  /** As programs see it. */
  readonly files = new Map<string, FileImage>();
  /** As it is after a crash. */
  #durable = new Map<string, FileImage>();
  /** Since the last directory sync. */
  #changes: DirectoryChange[] = [];
  /** No file gets longer while this is true. */
  isFull = false;
  /** Probability with which a sync fails. */
  failChance = 0;
  /** Probability with which a sync takes SLOW_MS. */
  slowChance = 0;
  /** Who has the directory; anything that can be compared. */
  owner: object | null = null;

  constructor(random: Random, events: DiskEvents) {
    this.#random = random;
    this.#events = events;
  }

  /** What a crash at this moment would leave for certain, by name. */
  get durableFiles(): ReadonlyMap<string, FileImage> {
    return this.#durable;
  }

  create(name: string): FileImage {
    const file = new FileImage();
    this.#change({ type: 'create', name, file });
    return file;
  }

  rename(from: string, to: string): void {
    const file = this.files.get(from);
    if (file === undefined) throw new Error(`ENOENT: ${from}`);
    this.#change({ type: 'rename', from, to, file });
    this.#events.renamed(to);
  }

  remove(name: string): void {
    if (!this.files.has(name)) throw new Error(`ENOENT: ${name}`);
    this.#change({ type: 'remove', name });
  }

  /** Begins to sync the directory. What is returned ends it, after which all changes before are durable. */
  beginDirectorySync(): () => void {
    const count = this.#changes.length;
    const covered = new Set(this.#changes.slice(0, count));
    return () => {
      const kept: DirectoryChange[] = [];
      for (const change of this.#changes) {
        if (covered.has(change)) apply(this.#durable, change);
        else kept.push(change);
      }
      this.#changes = kept;
      this.#events.durable();
    };
  }

  endFileSync(file: FileImage, begun: ReturnType<FileImage['beginSync']>): void {
    file.endSync(begun);
    this.#events.durable();
  }

  /** The machine lost its power: of every change since the last sync it is open whether it happened. Returns the number of sectors that were lost and kept. */
  crash(): { readonly lost: number; readonly kept: number } {
    const random = this.#random;
    const keepChance = random.pick([0, 0.5, 0.9, 1]);
    for (const change of this.#changes) {
      if (random.chance(keepChance)) apply(this.#durable, change);
    }
    this.#changes = [];
    let lost = 0;
    let kept = 0;
    for (const file of new Set(this.#durable.values())) {
      const counts = file.crash(random);
      lost += counts.lost;
      kept += counts.kept;
    }
    this.files.clear();
    for (const [name, file] of this.#durable) this.files.set(name, file);
    this.owner = null;
    this.#events.durable();
    return { lost, kept };
  }

  #change(change: DirectoryChange): void {
    apply(this.files, change);
    this.#changes.push(change);
  }
}

/** With a change before it lost, a change does what is left to do: a file whose creation was lost comes into being by its renaming. */
function apply(files: Map<string, FileImage>, change: DirectoryChange): void {
  switch (change.type) {
    case 'create':
      files.set(change.name, change.file);
      return;
    case 'rename':
      if (files.get(change.from) === change.file) files.delete(change.from);
      files.set(change.to, change.file);
      return;
    case 'remove':
      files.delete(change.name);
  }
}

/** A file system of a few megabytes, which can be full. Mounting one takes root. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, truncateSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SLICE_BYTES = 1024 * 1024;

export class Tmpfs {
  readonly path: string;
  readonly #filler: string;

  /** null when this user or this machine cannot have one. */
  static mount(mebibytes: number): Tmpfs | null {
    const path = mkdtempSync(join(tmpdir(), 'holdfast-tmpfs-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'holdfast-test', path], { stdio: 'ignore' });
      return new Tmpfs(path);
    } catch {
      rmdirSync(path);
      return null;
    }
  }

  constructor(path: string) {
    this.path = path;
    this.#filler = join(path, 'filler');
  }

  /** Takes what is left but `leaveBytes`. */
  async fill(leaveBytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.path);
    let left = bavail * bsize - leaveBytes;
    for (; left > 0; left -= SLICE_BYTES) {
      writeFileSync(this.#filler, new Uint8Array(Math.min(SLICE_BYTES, left)), { flag: 'a' });
    }
  }

  /** There is room again. */
  free(): void {
    truncateSync(this.#filler);
  }

  makeReadOnly(): void {
    execFileSync('mount', ['-o', 'remount,ro', this.path]);
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['-l', this.path]);
    rmdirSync(this.path);
  }
}

function isPossible(): boolean {
  const tried = Tmpfs.mount(1);
  tried?.[Symbol.dispose]();
  return tried !== null;
}

export const isTmpfsMissing: boolean = !isPossible();

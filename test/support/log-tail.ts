/** Reads what a server's directory holds, from outside and while it is written to. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeSegment } from '@holdfast/server/internal';

export type LogEntry = ReturnType<typeof decodeSegment>['entries'][number];

export class LogTail {
  readonly #directory: string;
  #segment = '';
  #offset = 0;
  #lastIndex = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The entries that came since the last call. Throws when the first of them is not the next one. */
  async read(): Promise<readonly LogEntry[]> {
    const names = (await readdir(this.#directory)).filter((name) => name.startsWith('wal-') && name.endsWith('.log'));
    const entries: LogEntry[] = [];
    for (const name of names.toSorted()) {
      if (name < this.#segment) continue;
      const from = name === this.#segment ? this.#offset : 0;
      const found = decodeSegment(await readFile(join(this.#directory, name)), from);
      this.#segment = name;
      this.#offset = found.end;
      for (const entry of found.entries) {
        if (entry.index !== this.#lastIndex + 1)
          throw new Error(`${entry.index} follows ${this.#lastIndex} in ${name}`);
        this.#lastIndex = entry.index;
        entries.push(entry);
      }
    }
    return entries;
  }
}

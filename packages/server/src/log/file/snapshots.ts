/** The snapshots of a log: writes a new one, gives the newest one, and lets go of what none of the two newest needs. */
import type { SnapshotRow } from '@holdfast/core';
import type { Clock } from '../../clock.js';
import { LogFailure, type LogSnapshot, type SavedSnapshot } from '../port.js';
import type { Disk, DiskFile } from './disk.js';
import { segmentName, snapshotName, temporarySnapshotName } from './names.js';
import { SNAPSHOTS_KEPT, type SegmentFacts, damaged, snapshotHint } from './recovery.js';
import type { SnapshotHeader } from './snapshot-format.js';
import { readSnapshotHeader, readSnapshotRows, SnapshotDamaged } from './snapshot-reader.js';
import { writeSnapshot } from './snapshot-writer.js';
import { type Broken, type Note, discard, isDiskFull, publishOrBreak, textOf } from './trouble.js';
import type { LogWriter } from './writer.js';

export interface SnapshotsParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly note: Note;
  readonly broken: Broken;
  readonly writer: LogWriter;
  /** The log's own list: segments that nothing needs are taken off it. */
  readonly segments: SegmentFacts[];
  /** Indices of the snapshots that are there, oldest first. */
  readonly kept: number[];
}

export class Snapshots {
  readonly #parts: SnapshotsParts;
  #saving: Promise<void> | null = null;
  #stopped = false;

  constructor(parts: SnapshotsParts) {
    this.#parts = parts;
  }

  /** As the log port says. Rejects with LogFailure `not-landed` when there is no room for it, or the log closes. */
  async save(snapshot: LogSnapshot): Promise<void> {
    const { kept, writer } = this.#parts;
    const { index } = snapshot;
    if (this.#saving !== null) throw new Error('a snapshot is being saved already');
    if (index <= (kept.at(-1) ?? 0) || index > writer.lastIndex) {
      throw new Error(
        `a snapshot of entry ${index} cannot follow that of ${kept.at(-1) ?? 0} in a log up to ${writer.lastIndex}`,
      );
    }
    const saving = this.#save(snapshot);
    this.#saving = saving;
    try {
      await saving;
    } finally {
      this.#saving = null;
    }
  }

  async load(): Promise<SavedSnapshot | null> {
    const { disk, kept } = this.#parts;
    const index = kept.at(-1);
    if (index === undefined) return null;
    const name = snapshotName(index);
    const file = await disk.open(name, 'existing');
    const header = await readSnapshotHeader(file);
    if (typeof header === 'string') {
      await file.close();
      throw damaged(disk, name, 0, 'its header has changed', snapshotHint(name));
    }
    return { index, term: header.term, rows: this.#rows(file, name, header) };
  }

  /** Gives up what is under way, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    // Its caller hears how it ended.
    await this.#saving?.then(undefined, () => undefined);
  }

  async *#rows(file: DiskFile, name: string, header: SnapshotHeader): AsyncGenerator<readonly SnapshotRow[]> {
    try {
      yield* readSnapshotRows(file, header);
    } catch (error) {
      if (!(error instanceof SnapshotDamaged)) throw error;
      throw damaged(this.#parts.disk, name, error.offset, error.message, snapshotHint(name));
    } finally {
      await file.close();
    }
  }

  async #save(snapshot: LogSnapshot): Promise<void> {
    const { disk, writer, broken, kept } = this.#parts;
    const { index, rows } = snapshot;
    const temporary = temporarySnapshotName(index);
    let file: DiskFile | null = null;
    try {
      file = await disk.open(temporary, 'create');
      await writeSnapshot(file, snapshot, { clock: this.#parts.clock, broken, check: this.#check });
      // The log must reach at least as far as its snapshots, also when its own syncs come later than appends resolve.
      await writer.sync();
      await file.close();
    } catch (error) {
      rows.return?.();
      await discard(disk, file, temporary);
      if (!isDiskFull(error)) throw error;
      const text = `no space left in ${disk.path} for the snapshot of entry ${index}: ${textOf(error)}`;
      throw new LogFailure('not-landed', text, { cause: error });
    }
    await publishOrBreak(disk, temporary, snapshotName(index), broken);
    kept.push(index);
    await this.#prune();
  }

  readonly #check = (): void => {
    if (this.#stopped) throw new LogFailure('not-landed', 'the log closes: its snapshot is given up');
  };

  /** Removes, oldest first, what the two newest snapshots do not need. What cannot be removed now goes at the next start. */
  async #prune(): Promise<void> {
    const { disk, kept, segments, note } = this.#parts;
    if (kept.length < SNAPSHOTS_KEPT) return;
    const oldest = kept.at(-SNAPSHOTS_KEPT) ?? 0;
    const names: string[] = kept.splice(0, kept.length - SNAPSHOTS_KEPT).map(snapshotName);
    // The last segment stays, whatever it has: it is written to.
    while (segments.length > 1 && (segments[0]?.lastIndex ?? Infinity) <= oldest) {
      const [gone] = segments.splice(0, 1);
      if (gone !== undefined) names.push(segmentName(gone.firstIndex));
    }
    for (const name of names) {
      try {
        await disk.remove(name);
      } catch (error) {
        note('a file that is not needed any more cannot be removed', {
          file: `${disk.path}/${name}`,
          reason: textOf(error),
        });
      }
    }
  }
}

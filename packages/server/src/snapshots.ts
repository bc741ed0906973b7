/**
 * When the log's past is replaced by a snapshot: when as much was said since the last one as a new one would hold. So a log is never longer
 * than about twice the state, a start never replays more, and the work stays in proportion to what is said.
 */
import type { Entry, Machine } from '@holdfast/core';
import { limits } from './limits.js';
import type { LogPort } from './log/port.js';

export interface SnapshotsParts {
  readonly log: LogPort;
  readonly machine: Machine;
  /** Commands between two snapshots, at least. Default limits.snapshotCommandsMin. */
  readonly commandsMin?: number;
  /** A snapshot could not be saved; the log goes on without it, and another one is tried later. */
  readonly failed: (error: unknown) => void;
}

export class Snapshots {
  readonly #log: LogPort;
  readonly #machine: Machine;
  readonly #commandsMin: number;
  readonly #failed: (error: unknown) => void;
  /** Invariant: commands of entries that the newest snapshot does not hold; an entry without any counts as one. */
  #commands = 0;
  #saving = false;
  #stopped = false;

  constructor({ log, machine, commandsMin, failed }: SnapshotsParts) {
    this.#log = log;
    this.#machine = machine;
    this.#commandsMin = commandsMin ?? limits.snapshotCommandsMin;
    this.#failed = failed;
    // What does not outlive the process is not read again by anybody.
    this.#stopped = log.supports.durability === 'process';
  }

  /** The machine has taken `entry` in from the log, at the start. */
  replayed(entry: Entry): void {
    this.#commands += Math.max(1, entry.commands.length);
  }

  /** The machine stands after `entry` now. Begins a snapshot when it is time. */
  applied(entry: Entry): void {
    this.replayed(entry);
    if (this.#commands < this.#commandsMin || this.#saving || this.#stopped) return;
    const { sessionCount, heldCount, waitingCount } = this.#machine;
    if (this.#commands >= sessionCount + heldCount + waitingCount) void this.#save();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #save(): Promise<void> {
    const { index, term } = this.#machine;
    const rows = this.#machine.snapshot();
    this.#saving = true;
    this.#commands = 0;
    try {
      await this.#log.saveSnapshot({ index, term, rows });
    } catch (error) {
      // The machine need not keep its rows any more.
      rows.return?.();
      if (!this.#stopped) this.#failed(error);
    } finally {
      this.#saving = false;
    }
  }
}

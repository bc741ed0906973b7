/** One place during one case: its logs, and the ways from one opener to the next. */
import type { LogPort } from '@holdfast/server/internal';
import type { LogAccident, LogHarness, LogPlace } from './harness.js';
import { WatchedLog } from './watched.js';

const PATIENCE_MS = 30_000;

/** A log that was opened, and its term. */
export interface Opened {
  readonly log: LogPort;
  readonly term: number;
}

export class Stage {
  readonly #harness: LogHarness;
  readonly #place: LogPlace;
  /** What the place gave, and what the case was given for it. Invariant: those that were not closed and that no accident took. */
  readonly #open = new Map<LogPort, LogPort>();

  static async set(harness: LogHarness): Promise<Stage> {
    if (!harness.abilities.includes('rivals') && !harness.abilities.includes('restart')) {
      throw new Error('an engine without rivals and without restart has no second opener, which most cases need');
    }
    return new Stage(harness, await harness.place());
  }

  constructor(harness: LogHarness, place: LogPlace) {
    this.#harness = harness;
    this.#place = place;
  }

  /** Opens the place beside whoever has it open. */
  async open(): Promise<Opened> {
    const given = this.#place.log();
    const log = new WatchedLog(given, this.#harness.patienceMs ?? PATIENCE_MS);
    this.#open.set(given, log);
    return { log, term: await log.open() };
  }

  /** The next opener: after the end of those before it where the place outlives them, beside them where it does not. */
  async reopen(): Promise<Opened> {
    if (this.#harness.abilities.includes('restart')) await this.close();
    return this.open();
  }

  /** Closes every open log. */
  async close(): Promise<void> {
    const logs = [...this.#open.values()];
    this.#open.clear();
    for (const log of logs) await log.close();
  }

  /** The accident, and the next opener where nobody is left open. */
  async suffer(accident: LogAccident): Promise<void> {
    if (accident !== 'lost-answer') this.#open.clear();
    await this.#place.suffer(accident);
  }

  /** The case closes this one itself. */
  release({ log }: Opened): void {
    for (const [given, watched] of this.#open) if (watched === log) this.#open.delete(given);
  }

  async dispose(): Promise<void> {
    try {
      await this.close();
    } finally {
      await this.#place.dispose();
    }
  }
}

/**
 * A log in memory whose place survives closes, crashes and power cuts, and whose promises can be broken one at a time: what the
 * conformance suite has to find. Appends are durable a turn of the event loop after they were called, as if a disk were behind it.
 */
import type { Entry, SnapshotRow } from '@holdfast/core';
import {
  LogFailure,
  type LogFailureKind,
  type LogPort,
  type LogSnapshot,
  type SavedSnapshot,
} from '@holdfast/server/internal';
import type { LogAccident, LogHarness, LogPlace } from '../../src/index.js';

export type Flaw =
  | 'terms start again'
  | 'a term is forgotten in a crash'
  | 'a stale entry is taken'
  | 'a rival goes on'
  | 'a gap is taken'
  | 'an index is taken twice'
  | 'a failed append blocks the next'
  | 'the newest append resolves first'
  | 'a value is lost'
  | 'the entry is changed'
  | 'an append hangs'
  | 'a reader misses the last entry'
  | 'a reader begins one late'
  | 'the log is cut at the newest snapshot'
  | 'a cut is not said'
  | 'rows are lost'
  | 'rows change places'
  | 'a second snapshot changes the first'
  | 'half a snapshot is kept'
  | 'rows are taken in one turn'
  | 'close leaves appends behind'
  | 'close leaves a snapshot behind'
  | 'acknowledged before durable'
  | 'a crash leaves a hole'
  | 'a snapshot is kept before it is whole'
  | 'a lost answer is said to be none'
  | 'a lost answer lands twice';

interface Kept {
  readonly index: number;
  readonly term: number;
  readonly rows: SnapshotRow[];
}

/** What outlives logs. */
class Medium {
  term = 0;
  entries: Entry[] = [];
  firstIndex = 1;
  snapshots: Kept[] = [];
  loseAnswer = false;
  readonly openers = new Set<FlawedLog>();

  get lastIndex(): number {
    return this.firstIndex + this.entries.length - 1;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class FlawedLog implements LogPort {
  readonly supports = { durability: 'disk' } as const;
  readonly #medium: Medium;
  readonly #flaw: Flaw | null;
  #term = 0;
  #nextIndex = 1;
  /** Appends that are not durable yet, in order, and what waits for them. */
  #underWay: Entry[] = [];
  #committing: Promise<void> | null = null;
  #saving: Promise<void> | null = null;
  #dead = false;

  constructor(medium: Medium, flaw: Flaw | null) {
    this.#medium = medium;
    this.#flaw = flaw;
  }

  async open(): Promise<number> {
    const medium = this.#medium;
    medium.term += 1;
    this.#term = this.#flaw === 'terms start again' ? 1 : medium.term;
    this.#nextIndex = medium.lastIndex + 1;
    medium.openers.add(this);
    return this.#term;
  }

  append(entry: Entry): Promise<void> {
    if (this.#flaw === 'an append hangs' && entry.index === 7) return new Promise(() => {});
    if (this.#isStale(entry)) return this.#fails('refused');
    const follows = entry.index === this.#nextIndex;
    const again = entry.index < this.#nextIndex && this.#flaw === 'an index is taken twice';
    const ahead = entry.index > this.#nextIndex && this.#flaw === 'a gap is taken';
    if (!follows && !again && !ahead) {
      if (this.#flaw === 'a failed append blocks the next') this.#nextIndex = -1;
      return this.#fails('not-landed');
    }
    this.#nextIndex = entry.index + 1;
    if (this.#flaw === 'the entry is changed') Object.assign(entry, { nowMs: 0 });
    this.#underWay.push(entry);
    this.#committing ??= this.#commit();
    const durable = this.#flaw === 'acknowledged before durable' ? Promise.resolve() : this.#committing;
    return this.#answer(entry, durable);
  }

  async *read(index: number): AsyncGenerator<Entry> {
    const { entries, firstIndex } = this.#medium;
    if (index < firstIndex && this.#flaw !== 'a cut is not said') throw new LogFailure('truncated', 'cut');
    const late = this.#flaw === 'a reader begins one late' && index > 1 ? 1 : 0;
    const found = entries.slice(Math.max(0, index - firstIndex + late));
    const missing = this.#flaw === 'a reader misses the last entry' && this.#underWay.length > 0 ? 1 : 0;
    for (const entry of found.slice(0, found.length - missing)) yield entry;
  }

  saveSnapshot(snapshot: LogSnapshot): Promise<void> {
    this.#saving = this.#save(snapshot);
    return this.#saving;
  }

  async loadSnapshot(): Promise<SavedSnapshot | null> {
    const kept = this.#medium.snapshots.at(-1);
    if (kept === undefined) return null;
    return { index: kept.index, term: kept.term, rows: inPages(kept.rows) };
  }

  async close(): Promise<void> {
    if (this.#flaw !== 'close leaves appends behind') await this.#committing;
    if (this.#flaw !== 'close leaves a snapshot behind') this.kill();
    await this.#saving?.catch(() => {});
    this.kill();
  }

  /** Nothing more of it reaches the medium. */
  kill(): void {
    this.#dead = true;
    this.#medium.openers.delete(this);
  }

  /** What a crash may leave of the appends under way. */
  leave(): void {
    const left = this.#underWay.slice(0, Math.ceil(this.#underWay.length / 2));
    if (this.#flaw === 'a crash leaves a hole') left.splice(1, 1);
    if (this.#flaw !== 'acknowledged before durable') this.#medium.entries.push(...left);
  }

  #isStale({ term }: Entry): boolean {
    if (term !== this.#term) return this.#flaw !== 'a stale entry is taken';
    return this.#term !== this.#medium.term && this.#flaw !== 'a rival goes on' && this.#flaw !== 'terms start again';
  }

  #fails(kind: LogFailureKind): Promise<never> {
    return Promise.reject(new LogFailure(kind, `it is ${kind}`));
  }

  async #commit(): Promise<void> {
    await turn();
    this.#committing = null;
    if (this.#dead) return;
    const medium = this.#medium;
    if (this.#term !== medium.term && this.#flaw !== 'a rival goes on' && this.#flaw !== 'terms start again') {
      this.#underWay = [];
      throw new LogFailure('refused', 'a newer term exists');
    }
    medium.entries.push(...this.#underWay.splice(0).map((entry) => this.#stored(entry)));
  }

  #stored(entry: Entry): Entry {
    if (this.#flaw !== 'a value is lost') return entry;
    // What a decoder does that assigns properties one by one: a name that is no property of its own is gone.
    return {
      ...entry,
      commands: entry.commands.map((command) => ('meta' in command ? { ...command, meta: null } : command)),
    };
  }

  async #answer(entry: Entry, durable: Promise<void>): Promise<void> {
    const medium = this.#medium;
    const lost = medium.loseAnswer;
    medium.loseAnswer = false;
    if (this.#flaw === 'the newest append resolves first' && entry.index % 2 === 1) await turn().then(turn);
    await durable;
    if (!lost) return;
    if (this.#flaw === 'a lost answer lands twice') medium.entries.push(entry);
    throw new LogFailure(this.#flaw === 'a lost answer is said to be none' ? 'not-landed' : 'unknown', 'lost');
  }

  async #save({ index, term, rows }: LogSnapshot): Promise<void> {
    const kept: Kept = { index, term, rows: [] };
    const medium = this.#medium;
    if (this.#flaw === 'a snapshot is kept before it is whole') medium.snapshots.push(kept);
    try {
      let next = rows.next();
      for (; next.done !== true; next = rows.next()) {
        if (this.#dead) throw new Error('closed');
        kept.rows.push(next.value);
        if (kept.rows.length % 500 === 0 && this.#flaw !== 'rows are taken in one turn') await turn();
      }
    } catch (error) {
      if (this.#flaw !== 'half a snapshot is kept') throw error;
    }
    if (this.#flaw === 'rows are lost') kept.rows.pop();
    if (this.#flaw === 'rows change places') kept.rows.reverse();
    if (this.#flaw === 'a second snapshot changes the first') medium.snapshots.at(-1)?.rows.splice(100);
    if (this.#flaw !== 'a snapshot is kept before it is whole') medium.snapshots.push(kept);
    const older = this.#flaw === 'the log is cut at the newest snapshot' ? kept : medium.snapshots.at(-2);
    medium.entries.splice(0, Math.max(0, (older?.index ?? 0) - medium.firstIndex + 1));
    medium.firstIndex = Math.max(medium.firstIndex, (older?.index ?? 0) + 1);
    medium.snapshots.splice(0, Math.max(0, medium.snapshots.length - 2));
  }
}

async function* inPages(rows: readonly SnapshotRow[]): AsyncGenerator<readonly SnapshotRow[]> {
  for (let at = 0; at < rows.length; at += 100) {
    await turn();
    yield rows.slice(at, at + 100);
  }
}

class FlawedPlace implements LogPlace {
  readonly #medium = new Medium();
  readonly #flaw: Flaw | null;

  constructor(flaw: Flaw | null) {
    this.#flaw = flaw;
  }

  log(): LogPort {
    return new FlawedLog(this.#medium, this.#flaw);
  }

  async suffer(accident: LogAccident): Promise<void> {
    if (accident === 'lost-answer') {
      this.#medium.loseAnswer = true;
      return;
    }
    for (const opener of this.#medium.openers) {
      opener.kill();
      opener.leave();
    }
    if (this.#flaw === 'a term is forgotten in a crash') this.#medium.term -= 1;
  }

  async dispose(): Promise<void> {
    for (const opener of this.#medium.openers) opener.kill();
  }
}

/** A harness that can do everything, over logs with this flaw. */
export function flawedHarness(flaw: Flaw | null): LogHarness {
  return {
    abilities: ['rivals', 'restart', 'crash', 'power-cut', 'lost-answer'],
    // Nobody waits long for what is known to hang.
    patienceMs: flaw === null ? 30_000 : 500,
    place: async () => new FlawedPlace(flaw),
  };
}

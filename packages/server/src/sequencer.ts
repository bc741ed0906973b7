/**
 * The sequencer: gathers the commands of one turn of the event loop into an entry, appends it, and applies it once it is
 * durable. The only caller of Machine.apply and the only owner of log time.
 *
 * Commit, then apply: nothing here says or shows anything of an entry before its append has resolved.
 */
import type { Command, Effect, Entry, Machine, MachineLimits } from '@holdfast/core';
import type { Clock, Timer } from './clock.js';
import { limits } from './limits.js';
import { LogFailure, type LogPort } from './log/port.js';

/** Where the sequencer's results go. Delivery implements it. */
export interface SequencerSink {
  /** The log's snapshot, if there is one, is in the machine; the entries after it follow. */
  restored(): void;
  /** `entry` was in the log when the term began, and is applied. Its effects were said by others, or by nobody. */
  replayed(entry: Entry, effects: readonly Effect[]): void;
  /** `entry` is durable and applied; `effects` are what it did, in order. The list is used again after the call returns. */
  applied(entry: Entry, effects: readonly Effect[]): void;
  /** These commands did not reach the log and never will. */
  failed(commands: readonly Command[]): void;
  /**
   * A newer term exists, or the log cannot say what it holds: nothing more may be said by this node. Whether the commands under way are in the
   * log is for others to find out, so they come back neither as applied nor as failed.
   */
  fenced(reason: Error): void;
}

/** From when the floor of tokens counts: 2025-01-01T00:00:00Z. With 2^22 tokens a second they stay below 2^53 until 2093. */
const TOKEN_EPOCH_MS = 1_735_689_600_000;
const TOKENS_PER_SECOND = 2 ** 22;

/** To the millisecond: an engine that forgets everything may be started again within the second. */
export function tokenFloor(wallMs: number): number {
  return Math.floor((Math.max(0, wallMs - TOKEN_EPOCH_MS) / 1_000) * TOKENS_PER_SECOND);
}

/** Its reactions are microtasks without the bookkeeping that Node adds to queueMicrotask, which showed in profiles. */
const SETTLED = Promise.resolve();

export interface SequencerParts {
  readonly log: LogPort;
  readonly machine: Machine;
  readonly clock: Clock;
  readonly sink: SequencerSink;
  readonly limits: MachineLimits;
}

export class Sequencer {
  readonly #log: LogPort;
  readonly #machine: Machine;
  readonly #clock: Clock;
  readonly #sink: SequencerSink;
  readonly #limits: MachineLimits;

  #term = 0;
  /** `idle` until the entry that begins the term is applied. */
  #state: 'idle' | 'running' | 'stopped' = 'idle';
  /** The answer to an append was lost, and the log was not read back yet. Nothing may be appended. */
  #inDoubt = false;
  /** Log time at the start of the term, and the monotonic clock then. */
  #baseMs = 0;
  #startedMs = 0;

  /** Commands of this turn. Invariant: not empty only while a flush is scheduled, the term begins, or an append is in doubt. */
  #gathered: Command[] = [];
  #scheduled = false;
  /** Entries that are neither applied nor known to be lost, in order. */
  readonly #appending: Entry[] = [];
  /** Appends that have neither resolved nor rejected. */
  #underWay = 0;
  /** Called when the last of them has. */
  #onSettled: (() => void) | null = null;
  #nextIndex = 1;
  #effects: Effect[] = [];

  #timer: Timer | null = null;
  /** Log time for which #timer is set; Infinity without one. */
  #timerDueMs = Infinity;

  readonly #flush = (): void => {
    this.#scheduled = false;
    this.#appendGathered();
  };

  constructor(parts: SequencerParts) {
    this.#log = parts.log;
    this.#machine = parts.machine;
    this.#clock = parts.clock;
    this.#sink = parts.sink;
    this.#limits = parts.limits;
  }

  /** Nothing more is appended. */
  get stopped(): boolean {
    return this.#state === 'stopped';
  }

  get term(): number {
    return this.#term;
  }

  /**
   * Opens the log for a new term, takes its snapshot and the entries after it into the machine, which must be empty, and appends the entry
   * that begins the term. Resolves when that entry is applied; rejects when it could not be: then nothing can be served.
   */
  async start(): Promise<void> {
    try {
      this.#term = await this.#log.open();
      await this.#restore();
      await this.#replay();
      this.#nextIndex = this.#machine.index + 1;
      this.#baseMs = this.#machine.nowMs;
      this.#startedMs = this.#clock.nowMs();
      const floor = tokenFloor(this.#clock.wallMs());
      await this.#append([{ type: 'begin-term', tokenFloor: floor, limits: this.#limits }]);
    } catch (error) {
      this.stop();
      throw error;
    }
    if (this.#state !== 'idle') return;
    this.#state = 'running';
    this.#appendGathered();
    this.#watchDeadlines();
  }

  /** Puts `command` into the entry of this turn. Its effects come through the sink, or it comes back through `failed`. */
  propose(command: Command): void {
    if (this.#state === 'stopped') {
      this.#sink.failed([command]);
      return;
    }
    this.#gathered.push(command);
    if (!this.#scheduled && this.#state === 'running') {
      this.#scheduled = true;
      void SETTLED.then(this.#flush);
    }
  }

  /** Log time now. Never behind the last entry, never faster than the monotonic clock. */
  nowMs(): number {
    return this.#baseMs + Math.floor(this.#clock.nowMs() - this.#startedMs);
  }

  /** Appends nothing more. Appends under way still come through the sink. */
  stop(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    const commands = this.#gathered;
    this.#gathered = [];
    if (commands.length > 0) this.#sink.failed(commands);
  }

  async #restore(): Promise<void> {
    const snapshot = await this.#log.loadSnapshot();
    if (snapshot !== null) {
      const reader = this.#machine.load();
      for await (const rows of snapshot.rows) for (const row of rows) reader.add(row);
      reader.finish();
    }
    this.#sink.restored();
  }

  async #replay(): Promise<void> {
    const effects: Effect[] = [];
    for await (const entry of this.#log.read(this.#machine.index + 1)) {
      this.#machine.apply(entry, effects);
      this.#sink.replayed(entry, effects);
      effects.length = 0;
    }
  }

  #appendGathered(): void {
    if (this.#gathered.length === 0 || this.#state !== 'running' || this.#inDoubt) return;
    const commands = this.#gathered;
    this.#gathered = [];
    void this.#append(commands);
  }

  /** One entry; without commands it only moves log time. Resolves when it is applied or its failure is dealt with. */
  #append(commands: readonly Command[]): Promise<void> {
    const entry: Entry = { index: this.#nextIndex, term: this.#term, nowMs: this.nowMs(), commands };
    this.#nextIndex += 1;
    this.#appending.push(entry);
    this.#underWay += 1;
    return this.#log.append(entry).then(this.#landed, (reason: unknown) => this.#notLanded(entry, reason));
  }

  /** The oldest append under way is durable. While an earlier one is in doubt the log itself will say so. */
  readonly #landed = (): void => {
    this.#settled();
    if (!this.#inDoubt) this.#apply();
  };

  #settled(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#onSettled?.();
  }

  #apply(): void {
    const entry = this.#appending.shift();
    if (entry === undefined) throw new Error('an append resolved that was not under way');
    const effects = this.#effects;
    this.#machine.apply(entry, effects);
    this.#sink.applied(entry, effects);
    if (effects.length > 4_096) this.#effects = [];
    else effects.length = 0;
    this.#watchDeadlines();
  }

  async #notLanded(entry: Entry, reason: unknown): Promise<void> {
    this.#settled();
    const failure = reason instanceof Error ? reason : new Error(String(reason));
    if (this.#state === 'idle') throw failure;
    // Appends after a failed one fail with it: they are handled together with the first.
    if (this.#appending[0] !== entry || this.#inDoubt) return;
    const kind = failure instanceof LogFailure ? failure.kind : 'unknown';
    if (kind === 'not-landed') this.#giveUp();
    else if (kind !== 'unknown' || !(await this.#resolveDoubt())) this.#fence(failure);
  }

  /** Silence: nothing is said of what was under way, because nobody here knows what became of it. */
  #fence(reason: Error): void {
    const wasStopped = this.#state === 'stopped';
    this.#appending.length = 0;
    this.#gathered = [];
    this.stop();
    if (!wasStopped) this.#sink.fenced(reason);
  }

  /** Nothing of what is under way is in the log: say so, and go on at the same index. */
  #giveUp(): void {
    const lost = this.#appending.splice(0);
    this.#nextIndex = this.#machine.index + 1;
    for (const { commands } of lost) if (commands.length > 0) this.#sink.failed(commands);
    // A log that is full may stay so for long: a deadline that is over is not tried again in every turn.
    this.#watchDeadlines(limits.deadlineRetryMs);
  }

  /** Reads the log back: what is there is applied, the rest was not taken. False when the log cannot be read or is not ours any more. */
  async #resolveDoubt(): Promise<boolean> {
    this.#inDoubt = true;
    // What is still under way could land behind the reader's back.
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#onSettled = resolve;
      });
      this.#onSettled = null;
    }
    let found = 0;
    try {
      for await (const { index, term } of this.#log.read(this.#machine.index + 1)) {
        const mine = this.#appending[found];
        if (mine === undefined || index !== mine.index || term !== mine.term) return false;
        found += 1;
      }
    } catch {
      return false;
    }
    this.#inDoubt = false;
    for (; found > 0; found--) this.#apply();
    this.#giveUp();
    this.#appendGathered();
    return true;
  }

  /** Sets the timer for the machine's next deadline. A timer that is early is harmless, so only an earlier deadline moves it. */
  #watchDeadlines(delayMinMs = 0): void {
    const dueMs = this.#machine.nextDueMs;
    if (dueMs >= this.#timerDueMs || this.#state !== 'running' || this.#inDoubt) return;
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.setTimer(Math.max(delayMinMs, dueMs - this.nowMs()), this.#onDeadline);
  }

  readonly #onDeadline = (): void => {
    this.#timer = null;
    // A release or an extend that waits in a socket goes before the deadline that it is about: read first, then let time pass.
    this.#clock.afterPoll(() => {
      this.#timerDueMs = Infinity;
      if (this.#state !== 'running' || this.#inDoubt) return;
      const dueMs = this.#machine.nextDueMs;
      if (dueMs > this.nowMs()) {
        this.#watchDeadlines();
        return;
      }
      // An entry that is gathered or under way, and late enough, lets the deadline fire when it is applied.
      const newest = this.#appending.at(-1);
      if (this.#gathered.length === 0 && (newest === undefined || newest.nowMs < dueMs)) void this.#append([]);
    });
  };
}

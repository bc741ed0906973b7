/**
 * The sequencer: gathers the commands of one turn of the event loop into an entry, appends it, and applies it once it is
 * durable. The only caller of Machine.apply and the only owner of log time.
 *
 * Commit, then apply: nothing here says or shows anything of an entry before its append has resolved.
 */
import type { Command, Effect, Entry, Machine, MachineLimits } from '@holdfast/core';
import type { Clock, Timer } from './clock.js';
import { LogFailure, type LogPort } from './log/port.js';

/** Where the sequencer's results go. Delivery implements it. */
export interface SequencerSink {
  /** `entry` is durable and applied; `effects` are what it did, in order. The list is used again after the call returns. */
  applied(entry: Entry, effects: readonly Effect[]): void;
  /** These commands did not reach the log and never will. */
  failed(commands: readonly Command[]): void;
  /** A newer term exists, or the log cannot say what it holds: nothing more may be said by this node. */
  fenced(reason: Error): void;
}

/** Seconds from which the floor of tokens counts: 2025-01-01T00:00:00Z. With 2^22 tokens a second they stay below 2^53 until 2093. */
const TOKEN_EPOCH_SECONDS = 1_735_689_600;
const TOKENS_PER_SECOND = 2 ** 22;

export function tokenFloor(wallMs: number): number {
  return Math.max(0, Math.floor(wallMs / 1_000) - TOKEN_EPOCH_SECONDS) * TOKENS_PER_SECOND;
}

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
  #state: 'idle' | 'running' | 'resolving' | 'stopped' = 'idle';
  /** Log time at the start of the term, and the monotonic clock then. */
  #baseMs = 0;
  #startedMs = 0;

  /** Commands of this turn. Invariant: not empty only while a flush is scheduled or an unknown append is being resolved. */
  #gathered: Command[] = [];
  #scheduled = false;
  /** Entries whose append is under way, in order. */
  readonly #appending: Entry[] = [];
  #nextIndex = 1;
  #effects: Effect[] = [];

  #timer: Timer | null = null;
  /** Log time for which #timer is set; Infinity without one. */
  #timerDueMs = Infinity;

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#gathered.length > 0) void this.#append();
  };

  constructor(parts: SequencerParts) {
    this.#log = parts.log;
    this.#machine = parts.machine;
    this.#clock = parts.clock;
    this.#sink = parts.sink;
    this.#limits = parts.limits;
  }

  get term(): number {
    return this.#term;
  }

  /**
   * Opens the log for a new term, replays what the machine does not have yet, and appends the entry that begins the term.
   * Resolves when that entry is applied. The machine must stand at the log's snapshot or later.
   */
  async start(): Promise<void> {
    this.#term = await this.#log.open();
    await this.#replay();
    this.#nextIndex = this.#machine.index + 1;
    this.#baseMs = this.#machine.nowMs;
    this.#startedMs = this.#clock.nowMs();
    this.#state = 'running';
    this.#gathered.push({
      type: 'begin-term',
      tokenFloor: tokenFloor(this.#clock.wallMs()),
      limits: this.#limits,
    });
    await this.#append();
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
      queueMicrotask(this.#flush);
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

  async #replay(): Promise<void> {
    const effects: Effect[] = [];
    for await (const entry of this.#log.read(this.#machine.index + 1)) {
      this.#machine.apply(entry, effects);
      effects.length = 0;
    }
  }

  /** One entry out of what was gathered; with nothing gathered it only moves log time. Resolves when it is applied or has failed. */
  #append(): Promise<void> {
    const entry: Entry = {
      index: this.#nextIndex,
      term: this.#term,
      nowMs: this.nowMs(),
      commands: this.#gathered,
    };
    this.#gathered = [];
    this.#nextIndex += 1;
    this.#appending.push(entry);
    return this.#log.append(entry).then(this.#apply, (reason: unknown) => this.#recover(entry, reason));
  }

  /** The oldest append under way is durable. */
  readonly #apply = (): void => {
    const entry = this.#appending.shift();
    if (entry === undefined) throw new Error('an append resolved that was not under way');
    const effects = this.#effects;
    this.#machine.apply(entry, effects);
    this.#sink.applied(entry, effects);
    if (effects.length > 4_096) this.#effects = [];
    else effects.length = 0;
    this.#watchDeadlines();
  };

  async #recover(entry: Entry, reason: unknown): Promise<void> {
    // Appends after a failed one fail with it: they are handled together with the first.
    if (this.#appending[0] !== entry) return;
    const kind = reason instanceof LogFailure ? reason.kind : 'unknown';
    if (kind === 'not-landed') {
      this.#giveUp();
      return;
    }
    if (kind === 'unknown') {
      const landed = await this.#resolveUnknown();
      if (landed) return;
    }
    const failure = reason instanceof Error ? reason : new Error(String(reason));
    this.stop();
    this.#giveUp();
    this.#sink.fenced(failure);
  }

  /** Nothing of what is under way is in the log: say so, and go on at the same index. */
  #giveUp(): void {
    const lost = this.#appending.splice(0);
    this.#nextIndex = this.#machine.index + 1;
    for (const { commands } of lost) if (commands.length > 0) this.#sink.failed(commands);
    this.#watchDeadlines();
  }

  /** Reads the log back: what is there is applied, the rest was not taken. False when the log cannot be read. */
  async #resolveUnknown(): Promise<boolean> {
    this.#state = 'resolving';
    try {
      for await (const found of this.#log.read(this.#machine.index + 1)) {
        const mine = this.#appending[0];
        if (mine === undefined || found.term !== mine.term || found.index !== mine.index) return false;
        this.#apply();
      }
    } catch {
      return false;
    }
    this.#state = 'running';
    this.#giveUp();
    if (this.#gathered.length > 0) void this.#append();
    return true;
  }

  /** Sets the timer for the machine's next deadline. A timer that is early is harmless, so only an earlier deadline moves it. */
  #watchDeadlines(): void {
    const dueMs = this.#machine.nextDueMs;
    if (dueMs >= this.#timerDueMs || this.#state !== 'running') return;
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.setTimer(Math.max(0, dueMs - this.nowMs()), this.#onDeadline);
  }

  readonly #onDeadline = (): void => {
    this.#timer = null;
    // A release or an extend that waits in a socket goes before the deadline that it is about: read first, then let time pass.
    this.#clock.afterPoll(() => {
      this.#timerDueMs = Infinity;
      if (this.#state !== 'running') return;
      if (this.#machine.nextDueMs <= this.nowMs() && this.#gathered.length === 0) void this.#append();
      else this.#watchDeadlines();
    });
  };
}

/** Ends a process group before its lock can be somebody else's. */
import type { Clock } from './clock.js';
import { type Grace, nextStep } from './deadline.js';
import type { Report } from './report.js';

export type LockState = 'held' | 'jeopardy' | 'lost' | 'released';

/** Why a lock was lost: a stable code and a sentence for people. */
export interface Loss {
  readonly code: string;
  readonly text: string;
}

/** What the guard needs to know of a lock: a part of the client's Lock. */
export interface GuardedLock {
  readonly key: string;
  readonly token: number;
  readonly state: LockState;
  /** Milliseconds for which the lock is certainly still held, by the client's own clock; 0 when it is not. */
  validForMs(): number;
  /** Why it was lost; null unless it is. */
  loss(): Loss | null;
  /** Calls back at every change of state; the result ends that. */
  onState(call: (state: LockState) => void): () => void;
  release(): Promise<void>;
}

export interface GuardOptions {
  readonly lock: GuardedLock;
  readonly group: { terminate(): void; kill(): void };
  readonly grace: Grace;
  readonly clock: Clock;
  readonly report: Report;
  /** `ignore`: say what happens and let the command go on. */
  readonly onLost: 'term' | 'ignore';
  /** The hold was asked for with a lease. */
  readonly leased: boolean;
}

/**
 * The deadline is looked at this often at least, although timers are set for the moment it matters: after a suspended machine wakes up,
 * a long timer would fire late by the whole time it slept.
 */
const LOOK_EVERY_MS = 1_000;

export class Guard {
  readonly #options: GuardOptions;
  readonly #stopListening: () => void;
  #cancelTimer: () => void = () => undefined;
  #deadlineMs: number;
  #termAtMs: number | null = null;
  #killed = false;
  #lossSeen = false;
  #endedForLock = false;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#deadlineMs = options.clock.nowMs() + options.lock.validForMs();
    this.#stopListening = options.lock.onState((state) => {
      this.#stateChanged(state);
    });
    this.#look();
  }

  /** The group was ended because the lock could not be kept. */
  get endedForLock(): boolean {
    return this.#endedForLock;
  }

  /** Ends the group for another reason than the lock: TERM now, KILL after the grace or before the deadline. */
  end(): void {
    this.#terminate();
    this.#look();
  }

  stop(): void {
    this.#cancelTimer();
    this.#stopListening();
  }

  #stateChanged(state: LockState): void {
    const { lock, report } = this.#options;
    if (state === 'jeopardy') report({ event: 'jeopardy', key: lock.key, validForMs: lock.validForMs() });
    if (state === 'held') report({ event: 'safe', key: lock.key });
    this.#look();
  }

  #look(): void {
    const { clock, grace, lock, onLost } = this.#options;
    const nowMs = clock.nowMs();
    // Both questions look at the clock and may find the lock lost, which calls back into here: hence nothing below relies on being first.
    const validForMs = lock.validForMs();
    const lost = lock.state === 'lost';
    // A sudden loss (revoked, session over) leaves the last known deadline standing, so the grace is never longer than it was a moment ago.
    if (!lost) this.#deadlineMs = nowMs + validForMs;
    if (lost) this.#sayLost();
    // With `ignore` the lock has no say in when the command ends; end() still works for what it leaves behind.
    const heeded = onLost === 'term';
    const step = nextStep(
      {
        nowMs,
        deadlineMs: heeded ? this.#deadlineMs : Number.POSITIVE_INFINITY,
        lost: heeded && lost,
        termAtMs: this.#termAtMs,
      },
      grace,
    );
    if (step.act === 'wait') {
      this.#lookIn(step.delayMs);
    } else if (step.act === 'term') {
      this.#endedForLock = true;
      if (!lost) this.#sayEnding();
      this.#terminate();
      this.#look();
    } else if (!this.#killed) {
      this.#killed = true;
      this.#options.report({ event: 'killed', key: lock.key });
      this.#options.group.kill();
    }
  }

  #lookIn(delayMs: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(Math.min(Math.ceil(delayMs), LOOK_EVERY_MS), () => {
      this.#look();
    });
  }

  #terminate(): void {
    if (this.#termAtMs !== null) return;
    this.#termAtMs = this.#options.clock.nowMs();
    this.#options.group.terminate();
  }

  #sayLost(): void {
    if (this.#lossSeen) return;
    this.#lossSeen = true;
    const { lock, onLost, report } = this.#options;
    const loss = lock.loss();
    if (loss !== null) report({ event: 'lost', key: lock.key, ...loss, ignored: onLost === 'ignore' });
  }

  #sayEnding(): void {
    const { leased, lock, report } = this.#options;
    const why = leased && lock.state === 'held' ? 'lease' : 'connection';
    report({ event: 'ending', key: lock.key, why, validForMs: lock.validForMs() });
  }
}

/** A trace told by hand: a server, a log and clients, as short as a test wants them. Every event goes to the ledger first, then to the checker under test. */
import type { Acquire, Command, Entry, Mode } from '@holdfast/core';
import type { ServerMessage, WelcomeFacts } from '@holdfast/protocol';
import { Ledger } from '../../../src/simulator/checkers/ledger.js';
import type { Asked, Checker, LockInHand, TraceEvent, World } from '../../../src/simulator/trace.js';

/** An event without its time. */
type Untimed<Event> = Event extends unknown ? Omit<Event, 'atMs'> : never;

/** A lock in the hands of user code; a test says what its client believes. */
export interface Held extends LockInHand {
  believes: boolean;
}

interface Given {
  readonly key: string;
  readonly mode: Mode;
  readonly session: string;
}

export const TIMEOUT_MS = 1_000;
export const FLOOR = 100;
const LIMITS = { sessionsMax: 10, requestsPerSessionMax: 10, queueLengthMax: 3 };

export class Story {
  readonly world: World;
  readonly inHand: Held[] = [];
  readonly pending: Asked[] = [];
  nowMs = 0;
  #life = 0;
  #index = 0;
  #baseMs = 0;
  #beganMs = 0;
  #logMs = 0;
  readonly #checkers: readonly Checker[];

  /** `make`: the checker under test; without it, the ledger is. */
  constructor(make?: (ledger: Ledger) => Checker) {
    const ledger = new Ledger();
    this.#checkers = make === undefined ? [ledger] : [ledger, make(ledger)];
    const now = (): number => this.nowMs;
    this.world = {
      get nowMs() {
        return now();
      },
      timeoutMs: TIMEOUT_MS,
      locksInHand: (key) => this.inHand.filter((lock) => lock.key === key),
      pendingAsks: () => this.pending,
    };
  }

  see(event: Untimed<TraceEvent>): void {
    const timed: TraceEvent = { ...event, atMs: this.nowMs };
    for (const checker of this.#checkers) checker.see(timed, this.world);
  }

  finish(): void {
    for (const checker of this.#checkers) checker.finish(this.world);
  }

  after(passedMs: number): void {
    this.nowMs += passedMs;
  }

  /** A server begins its term and serves. `logJumpMs`: how far log time goes on, which it must not. */
  start({ floor = FLOOR, logJumpMs = 0 } = {}): void {
    this.#life += 1;
    this.#baseMs = this.#logMs + logJumpMs;
    this.#beganMs = this.nowMs;
    this.log({ type: 'begin-term', tokenFloor: floor, limits: LIMITS });
    this.see({ type: 'server-started', life: this.#life });
  }

  stop(): void {
    this.see({ type: 'server-stopped', life: this.#life });
  }

  /** Appends an entry, which is durable at once. */
  log(...commands: readonly Command[]): void {
    this.durable(this.append(...commands));
  }

  append(...commands: readonly Command[]): Entry {
    this.#index += 1;
    this.#logMs = this.#baseMs + Math.floor(this.nowMs - this.#beganMs);
    const entry = { index: this.#index, term: this.#life, nowMs: this.#logMs, commands };
    this.see({ type: 'appending', life: this.#life, entry });
    return entry;
  }

  durable(...entries: readonly Entry[]): void {
    this.see({ type: 'durable', entries });
  }

  /** Opens sessions, each on a connection of its own, and says their welcomes. */
  open(...sessions: readonly string[]): void {
    for (const session of sessions) {
      this.log(openSession(session));
      this.welcome(session);
    }
  }

  welcome(session: string, facts: Partial<WelcomeFacts> = {}, connection = connectionOf(session)): void {
    const welcome = {
      session,
      resumed: false,
      timeoutMs: TIMEOUT_MS,
      pingMs: TIMEOUT_MS / 3,
      serverMs: this.#logMs,
      acked: 0,
      lastRequest: 0,
      node: 'node',
      term: this.#life,
      features: [],
      limits: { requests: 1, watches: 1, keyBytes: 1, frameBytes: 1 },
      ...facts,
    };
    this.see({ type: 'said', life: this.#life, connection, session: null, messages: [[64, welcome]] });
  }

  say(session: string, ...messages: readonly ServerMessage[]): void {
    this.see({ type: 'said', life: this.#life, connection: connectionOf(session), session, messages });
  }

  /** Something of the session's client reaches the host of the server. */
  hear(session: string, connection = connectionOf(session)): void {
    this.see({ type: 'arrived', life: this.#life, connection, session });
  }

  ask(client: number, ask: number, key = 'a', mode: Mode = 'exclusive'): void {
    this.see({ type: 'asked', client, ask, key, mode, waitMs: null, leaseMs: null });
  }

  /** User code is given a lock, and believes in it. */
  give(
    client: number,
    ask: number,
    token: number,
    { key = 'a', mode = 'exclusive', session = `s${client}` }: Partial<Given> = {},
  ): Held {
    const lock: Held = { client, ask, key, mode, token, session, believes: true, isHeld: () => lock.believes };
    this.inHand.push(lock);
    this.see({ type: 'got', client, ask, key, token, session });
    return lock;
  }

  write(client: number, token: number, key = 'a'): void {
    this.see({ type: 'wrote', client, key, token });
  }
}

/** Session `s3` is on connection 3. */
function connectionOf(session: string): number {
  return Number(session.slice(1));
}

export function openSession(session: string, isResumable = true, client = session): Command {
  return { type: 'open-session', session, client, timeoutMs: TIMEOUT_MS, secretHash: isResumable ? 'first' : null };
}

export function endSession(session: string, reason: 'closed' | 'dropped' | 'silent' | 'killed'): Command {
  return { type: 'end-session', session, reason };
}

export function acquire(session: string, request: number, options: Partial<Acquire> = {}): Command {
  const plain = {
    acked: 0,
    key: 'a',
    mode: 'exclusive',
    waitMs: null,
    leaseMs: null,
    wantsPlace: false,
    meta: null,
  } as const;
  return { ...plain, ...options, type: 'acquire', session, request };
}

export function release(session: string, request: number): Command {
  return { type: 'release', session, request };
}

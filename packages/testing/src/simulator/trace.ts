/**
 * What can be seen in a simulated run, in the order in which it happened: the only thing that checkers look at. Times are milliseconds of
 * the simulation's own clock, which no process sees.
 */
import type { LossReason } from '@holdfast/client';
import type { Entry, Mode } from '@holdfast/core';
import type { ServerMessage } from '@holdfast/protocol';

/** A server process began to serve, or died. Its `life` is 1, 2, 3, … */
export interface ServerLife {
  readonly type: 'server-started' | 'server-stopped';
  readonly atMs: number;
  readonly life: number;
}

/** The server handed an entry to its log: what the entry decides is decided now, and nothing that arrives from here on can change it. */
export interface Appending {
  readonly type: 'appending';
  readonly atMs: number;
  readonly life: number;
  readonly entry: Entry;
}

/** These entries are on the disk now: no crash can take them any more. Read from the bytes that were synced, not from what the server says. */
export interface Durable {
  readonly type: 'durable';
  readonly atMs: number;
  readonly entries: readonly Entry[];
}

/** The server handed a frame to a socket. */
export interface Said {
  readonly type: 'said';
  readonly atMs: number;
  readonly life: number;
  /** Number of the connection, unique in the run. */
  readonly connection: number;
  /** The session that the connection has, once a welcome was said to it; null before. */
  readonly session: string | null;
  readonly messages: readonly ServerMessage[];
}

/** A frame or a pong of a client reached the host of the server, whether or not its process has read it. A close is no sign of life. */
export interface Arrived {
  readonly type: 'arrived';
  readonly atMs: number;
  readonly life: number;
  readonly connection: number;
  readonly session: string | null;
}

/** One call of `acquire` or `tryAcquire` by user code. `ask` is unique in the run. */
export interface Asked {
  readonly type: 'asked';
  readonly atMs: number;
  readonly client: number;
  readonly ask: number;
  readonly key: string;
  readonly mode: Mode;
  /** null: without limit; 0: a try. */
  readonly waitMs: number | null;
  readonly leaseMs: number | null;
}

/** The call gave a lock to user code. */
export interface Got {
  readonly type: 'got';
  readonly atMs: number;
  readonly client: number;
  readonly ask: number;
  readonly key: string;
  readonly token: number;
  readonly session: string;
}

/** The call ended without a lock: the code of its error, or `null` for a try that found the key taken. */
export interface Missed {
  readonly type: 'missed';
  readonly atMs: number;
  readonly client: number;
  readonly ask: number;
  readonly code: string | null;
}

/** User code called `release` of a lock that had just said that it stays held for `validForMs` of the client's clock whatever happens. */
export interface Releasing {
  readonly type: 'releasing';
  readonly atMs: number;
  readonly client: number;
  readonly ask: number;
  readonly token: number;
  readonly validForMs: number;
}

/** The release resolved, while the client was not closing. */
export interface Released {
  readonly type: 'released';
  readonly atMs: number;
  readonly client: number;
  readonly ask: number;
  readonly token: number;
}

/** The lock told user code that it is in this state now. */
export interface LockState {
  readonly type: 'lock-state';
  readonly atMs: number;
  readonly client: number;
  readonly ask: number;
  readonly token: number;
  readonly state: 'held' | 'jeopardy' | 'lost' | 'released';
  /** With `lost`: the SDK's reason. Otherwise null. */
  readonly why: LossReason | null;
}

/** User code wrote to a resource that compares tokens, after `lock.isHeld()` said yes at the same moment. */
export interface Wrote {
  readonly type: 'wrote';
  readonly atMs: number;
  readonly client: number;
  readonly key: string;
  readonly token: number;
}

/** A client process began, or died without a word. */
export interface ClientLife {
  readonly type: 'client-started' | 'client-stopped';
  readonly atMs: number;
  readonly client: number;
}

/** User code made a new client of the SDK: the session of the one before is no concern of it. */
export interface Renewed {
  readonly type: 'client-renewed';
  readonly atMs: number;
  readonly client: number;
}

/** The wall clock of a client's machine was set: of the time before, its SDK takes nothing for certain any more. */
export interface ClockSet {
  readonly type: 'clock-set';
  readonly atMs: number;
  readonly client: number;
}

/** A fault was placed. `what` says which, for people. */
export interface Fault {
  readonly type: 'fault';
  readonly atMs: number;
  readonly what: string;
}

/** From here on nothing is disturbed any more, and everything must converge. */
export interface Calm {
  readonly type: 'calm';
  readonly atMs: number;
}

export type TraceEvent =
  | ServerLife
  | Appending
  | Durable
  | Said
  | Arrived
  | Asked
  | Got
  | Missed
  | Releasing
  | Released
  | LockState
  | Wrote
  | ClientLife
  | Renewed
  | ClockSet
  | Fault
  | Calm;

/** A lock that user code has in its hands, asked directly. */
export interface LockInHand {
  readonly client: number;
  readonly ask: number;
  readonly key: string;
  readonly mode: Mode;
  readonly token: number;
  readonly session: string;
  /** What the SDK says at this moment, on the client's own clock. */
  isHeld(): boolean;
}

/** What checkers may ask besides the events. */
export interface World {
  readonly nowMs: number;
  /** Session time-out of all clients of this run. */
  readonly timeoutMs: number;
  /** Locks that were given to user code and are not known to have ended, of clients that live. */
  locksInHand(key: string): Iterable<LockInHand>;
  /** Calls of `acquire` that have neither given a lock nor failed, of clients that live. */
  pendingAsks(): Iterable<Asked>;
}

export class Violation extends Error {
  override readonly name = 'Violation';
  readonly checker: string;

  constructor(checker: string, message: string) {
    super(`${checker}: ${message}`);
    this.checker = checker;
  }
}

/** One rule. `see` is given every event when it happens, `finish` is called after convergence. Both throw a Violation when the rule is broken. */
export interface Checker {
  readonly name: string;
  see(event: TraceEvent, world: World): void;
  finish(world: World): void;
}

/**
 * The state that entries fold into. Plain data with the iterators that the views promise; what happens to it is written in
 * locks.ts, sessions.ts and requests.ts.
 *
 * There may be millions of requests and keys and very many idle sessions, so the shapes are lean: every field is set in the
 * constructor, in one order, and what only some need is allocated when it is needed.
 */
import type { MachineLimits, Meta, Mode } from './commands.js';
import type { EndCode } from './effects.js';
import { type Deadline, DeadlineHeap } from './deadlines.js';
import type { HoleTree } from './places.js';
import type { SnapshotWalk } from './snapshot-walk.js';
import { KeyTable } from './key-table.js';
import { Records } from './records.js';
import type { KeyView, RequestView, SessionView } from './views.js';

/** A deadline that never comes. A small integer: millions of requests without a deadline would each carry a boxed Infinity. */
export const NEVER = -1;

/** What a request asked for beyond a key and a mode. Most ask for nothing, and have none. */
export interface Terms {
  readonly wantsPlace: boolean;
  readonly leaseMs: number | null;
  readonly meta: Meta | null;
}

export function termsOf({ wantsPlace, leaseMs, meta }: Terms): Terms | null {
  return wantsPlace || leaseMs !== null || meta !== null ? { wantsPlace, leaseMs, meta } : null;
}

/** A live request: it waits, or it holds. Its one deadline is that of its wait, then that of its lease. */
export class Request implements RequestView, Deadline {
  readonly number: number;
  readonly mode: Mode;
  readonly terms: Terms | null;
  readonly keyState: KeyState;
  readonly sessionState: SessionState;
  /** Order of arrival over all requests of the machine. */
  readonly ticket: number;
  /** Invariant: 0 while it waits, then greater than the token of every earlier grant. */
  token: number;
  sinceMs: number;
  dueMs: number;
  /** Invariant: -1 exactly when dueMs is NEVER. */
  heapIndex: number;
  /** Invariant: grows along the queue while it waits (see places.ts); -1 when it does not wait. */
  queueTicket: number;
  previous: Request | null;
  next: Request | null;

  constructor(
    number: number,
    mode: Mode,
    terms: Terms | null,
    keyState: KeyState,
    sessionState: SessionState,
    ticket: number,
    sinceMs: number,
  ) {
    this.number = number;
    this.mode = mode;
    this.terms = terms;
    this.keyState = keyState;
    this.sessionState = sessionState;
    this.ticket = ticket;
    this.token = 0;
    this.sinceMs = sinceMs;
    this.dueMs = NEVER;
    this.heapIndex = -1;
    this.queueTicket = -1;
    this.previous = null;
    this.next = null;
  }

  get held(): boolean {
    return this.token !== 0;
  }

  get wantsPlace(): boolean {
    return this.terms !== null && this.terms.wantsPlace;
  }

  get meta(): Meta | null {
    return this.terms === null ? null : this.terms.meta;
  }

  /** Length of the lease that starts at the grant; null: none. */
  get leaseMs(): number | null {
    return this.terms === null ? null : this.terms.leaseMs;
  }
}

/** The endings that are remembered: the others leave nobody, or nothing, to be told again. */
export type RememberedCode = Exclude<EndCode, 'QUEUE_FULL' | 'REQUEST_LIMIT' | 'SESSION_OVER'>;

/** How a request ended, kept until the client has acknowledged it, so that a command sent again gets the same answer. */
export class Ending {
  readonly number: number;
  readonly key: string;
  readonly end: number;
  readonly code: RememberedCode;
  readonly token: number | null;
  readonly detail: Meta | null;
  /** The next ending of the same session. */
  next: Ending | null;

  constructor(
    number: number,
    key: string,
    end: number,
    code: RememberedCode,
    token: number | null,
    detail: Meta | null,
  ) {
    this.number = number;
    this.key = key;
    this.end = end;
    this.code = code;
    this.token = token;
    this.detail = detail;
    this.next = null;
  }
}

/**
 * A key that is held or waited for.
 *
 * Holders and queue are one list: grants are strictly first in, first out, so a grant moves the border between them and nothing else.
 */
export class KeyState implements KeyView {
  readonly name: string;
  first: Request | null = null;
  last: Request | null = null;
  /** The border: this request and those behind it wait, those before it hold. */
  firstWaiting: Request | null = null;
  heldCount = 0;
  waitingCount = 0;
  /** Invariant: null while nobody has left the middle of the queue (see places.ts). */
  holes: HoleTree | null = null;

  constructor(name: string) {
    this.name = name;
  }

  *holders(): IterableIterator<Request> {
    for (let request = this.first; request !== this.firstWaiting && request !== null; request = request.next) {
      yield request;
    }
  }

  *queue(): IterableIterator<Request> {
    for (let request = this.firstWaiting; request !== null; request = request.next) {
      yield request;
    }
  }
}

export class SessionState implements SessionView {
  readonly id: string;
  /** Order of opening, from the same numbers as the tickets of requests. */
  readonly ticket: number;
  readonly client: string;
  readonly timeoutMs: number;
  readonly sinceMs: number;
  /** Invariant: null from open to end, or never. */
  secretHash: string | null;
  /** Secrets that may still be the client's, oldest first; null: none. Invariant: not empty, and null while secretHash is. */
  olderHashes: readonly string[] | null = null;
  acked = 0;
  lastRequest = 0;
  /** Highest ending number given. */
  lastEnd = 0;
  heldCount = 0;
  waitingCount = 0;
  /**
   * Live requests, and endings that are not acknowledged, by request number: one look-up tells what to answer to a command sent again,
   * and the size is what the limit bounds. Invariant: live requests are in order of arrival. Null until the first request.
   */
  records: Records<Request | Ending> | null = null;
  /** The endings in order of their ending numbers. */
  oldestEnding: Ending | null = null;
  newestEnding: Ending | null = null;

  constructor(
    id: string,
    ticket: number,
    client: string,
    timeoutMs: number,
    sinceMs: number,
    secretHash: string | null,
  ) {
    this.id = id;
    this.ticket = ticket;
    this.client = client;
    this.timeoutMs = timeoutMs;
    this.sinceMs = sinceMs;
    this.secretHash = secretHash;
  }

  get resumable(): boolean {
    return this.secretHash !== null;
  }

  /** Notes an ending, in place of the live request if there was one. Its ending number is the highest so far. */
  record(ending: Ending): void {
    this.records ??= new Records();
    this.records.set(ending);
    if (this.newestEnding === null) {
      this.oldestEnding = ending;
    } else {
      this.newestEnding.next = ending;
    }
    this.newestEnding = ending;
  }

  *requests(): IterableIterator<Request> {
    if (this.records !== null) {
      for (const record of this.records.values()) {
        if (record instanceof Request) {
          yield record;
        }
      }
    }
  }
}

/** Everything that the machine knows. All of it but `walk` is in a snapshot. */
export class State {
  index = 0;
  term = 0;
  nowMs = 0;
  /** The token of the latest grant, or the floor of the term if that is higher. */
  token = 0;
  /** The ticket of the latest session or request that arrived. */
  ticket = 0;
  /** Nothing is accepted before a term has begun. */
  limits: MachineLimits = { sessionsMax: 0, requestsPerSessionMax: 0, queueLengthMax: 0 };
  heldCount = 0;
  waitingCount = 0;
  /** In order of opening. */
  readonly sessions = new Map<string, SessionState>();
  /** Invariant: no key without a request. */
  readonly keys = new KeyTable<KeyState>();
  /** The deadlines of all live requests that have one. */
  readonly deadlines = new DeadlineHeap<Request>();
  /** The snapshot that is being read, if there is one: it has to be told before anything of a session or a request changes. */
  walk: SnapshotWalk | null = null;
}

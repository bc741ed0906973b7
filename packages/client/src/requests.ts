/**
 * The pending requests of a session and its holds. Pure: no clock, no socket, no promise is made here; it knows what is
 * unanswered and in which order it is to be said again.
 */
import type { AcquireMessage, ClientMessage, ModeNumber } from '@holdfast/protocol';
import { FLAG_PLACE, MessageType } from '@holdfast/protocol';
import type { LockLostError } from './errors.js';
import type { AcquireSpec } from './options.js';

/**
 * `waiting` asked for and not granted · `held` granted and in use · `ending` a release or cancel is under way and
 * nobody uses it any more · `over` the number is spent.
 */
export type Phase = 'waiting' | 'held' | 'ending' | 'over';

export const NEVER = Number.NEGATIVE_INFINITY;

/** The two ends of a promise that somebody waits for. */
export interface Settle {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** An extend that has no answer yet. */
export interface PendingExtend extends Settle {
  readonly leaseMs: number | null;
  readonly sequence: number;
  /** When it was first sent; Infinity: not yet. */
  sentMs: number;
}

/** The callers' side of a hold; made when the request is granted. */
export interface Handle {
  lost(error: LockLostError): void;
  changed(): void;
}

/** Who waits for an acquire. Exactly one of these is called. */
export interface Caller<H extends Handle> {
  readonly resolve: (handle: H) => void;
  readonly reject: (reason: unknown) => void;
  /** A try found the key held or waited for; null: that is an error like others. */
  readonly refuse: (() => void) | null;
}

/** One acquire, from the call until its number is spent. `H` is what the caller is given for it. */
export class Request<H extends Handle> {
  readonly number: number;
  readonly key: string;
  readonly spec: AcquireSpec;
  /** When the caller asked. */
  readonly askedMs: number;
  readonly caller: Caller<H>;
  phase: Phase = 'waiting';
  /** Place of its acquire, later of its release or cancel, in the order of all that was said. */
  sequence: number;
  /** When its acquire was first sent in this session. A repeat proves nothing new: what answers it may answer the first one. */
  sentMs = NEVER;
  /** Its latest message went out on the present connection and was not refused there. */
  onServer = false;
  /** The restore or grant that listed it last: see `RequestTable.epoch`. */
  confirmed = 0;
  ending: typeof MessageType.release | typeof MessageType.cancel = MessageType.cancel;
  token = 0;
  /** In server time; null: no lease. */
  leaseEndMs: number | null = null;
  extends: PendingExtend[] | null = null;
  handle: H | null = null;
  /** What the caller's release gave it, so that a second one gives it the same. */
  release: Promise<void> | null = null;
  settle: Settle | null = null;
  /** Takes the listener on the caller's signal away. */
  unlisten: (() => void) | null = null;

  constructor(number: number, sequence: number, key: string, spec: AcquireSpec, askedMs: number, caller: Caller<H>) {
    this.number = number;
    this.sequence = sequence;
    this.key = key;
    this.spec = spec;
    this.askedMs = askedMs;
    this.caller = caller;
  }

  get mode(): ModeNumber {
    return this.spec.mode;
  }
}

interface Unanswered<H extends Handle> {
  readonly sequence: number;
  readonly request: Request<H>;
  readonly extend: PendingExtend | null;
}

export class RequestTable<H extends Handle> {
  readonly #requests = new Map<number, Request<H>>();
  #lastNumber = 0;
  #lastSequence = 0;
  #acked = 0;
  #heldCount = 0;
  /** Counts the connections of a session: a hold is known to the service when it was confirmed in the present epoch. */
  #epoch = 0;
  /** The acknowledgement that repeats carry: see `disconnect`. */
  #ackedBefore = 0;
  /** Releases that a caller waits for. */
  #releaseCount = 0;

  get size(): number {
    return this.#requests.size;
  }

  get heldCount(): number {
    return this.#heldCount;
  }

  get releaseCount(): number {
    return this.#releaseCount;
  }

  get(number: number): Request<H> | undefined {
    return this.#requests.get(number);
  }

  all(): IterableIterator<Request<H>> {
    return this.#requests.values();
  }

  add(key: string, spec: AcquireSpec, askedMs: number, caller: Caller<H>): Request<H> {
    const request = new Request<H>(++this.#lastNumber, ++this.#lastSequence, key, spec, askedMs, caller);
    this.#requests.set(request.number, request);
    return request;
  }

  /** `waiting` to `held`. */
  hold(request: Request<H>, token: number, leaseEndMs: number | null): void {
    request.phase = 'held';
    request.token = token;
    request.leaseEndMs = leaseEndMs;
    request.confirmed = this.#epoch;
    this.#heldCount++;
  }

  confirm(request: Request<H>): void {
    request.confirmed = this.#epoch;
  }

  /** `waiting` or `held` to `ending`: this release or cancel is to be said until it is answered. */
  beginEnding(request: Request<H>, ending: typeof MessageType.release | typeof MessageType.cancel): void {
    if (request.phase === 'held') this.#heldCount--;
    request.phase = 'ending';
    request.ending = ending;
    request.sequence = ++this.#lastSequence;
    request.onServer = false;
  }

  /** Spends the number. */
  drop(request: Request<H>): void {
    if (request.phase === 'held') this.#heldCount--;
    request.phase = 'over';
    this.#requests.delete(request.number);
  }

  /** A caller waits until the release of this request is answered. */
  addRelease(request: Request<H>, settle: Settle): void {
    request.settle = settle;
    this.#releaseCount++;
  }

  /** What settles the release that a caller waits for; null when nobody waits any more. Whoever takes it uses it. */
  takeRelease(request: Request<H>): Settle | null {
    const { settle } = request;
    if (settle === null) return null;
    request.settle = null;
    this.#releaseCount--;
    return settle;
  }

  addExtend(request: Request<H>, leaseMs: number | null, { resolve, reject }: Settle): PendingExtend {
    const extend = { leaseMs, sequence: ++this.#lastSequence, sentMs: Number.POSITIVE_INFINITY, resolve, reject };
    (request.extends ??= []).push(extend);
    return extend;
  }

  /** An ending was handled; 0 is not to be acknowledged. */
  acknowledge(end: number): void {
    if (end > this.#acked) this.#acked = end;
  }

  /** The acquire of a request as it is said at `nowMs`, with what is left of its wait. */
  acquireMessage(request: Request<H>, nowMs: number, acked: number = this.#acked): AcquireMessage {
    const { spec } = request;
    return [
      MessageType.acquire,
      request.number,
      acked,
      request.key,
      spec.mode,
      remainingWaitMs(spec.waitMs, request.askedMs, nowMs),
      spec.leaseMs,
      spec.onPlace === null ? 0 : FLAG_PLACE,
      spec.meta,
    ];
  }

  /**
   * The connection is gone; whatever has no answer is to be said again. Repeats will acknowledge no more than was
   * handled until now: an ending that comes before them may have a higher number than one that was lost with the
   * connection, and acknowledging it would make the service forget the lost one before it is asked for it again.
   */
  disconnect(): void {
    this.#ackedBefore = this.#acked;
    for (const request of this.#requests.values()) request.onServer = false;
  }

  /** The service resumed this session and is about to list what it has. */
  beginRestore(): void {
    this.#epoch++;
  }

  /** Holds that the service did not list since `beginRestore`. */
  unlisted(): Request<H>[] {
    return [...this.#requests.values()].filter(
      (request) => request.phase === 'held' && request.confirmed !== this.#epoch,
    );
  }

  /** The session is over; the requests that are left are asked in the next one, where no number was heard and no ending came. */
  forgetSession(): void {
    this.#epoch++;
    this.#acked = 0;
    this.#ackedBefore = 0;
    for (const request of this.#requests.values()) {
      request.sentMs = NEVER;
      request.onServer = false;
    }
  }

  /** All that wants an answer and is not with the service on this connection, in its old order, marked as sent. */
  takeUnanswered(nowMs: number): ClientMessage[] {
    const list: Unanswered<H>[] = [];
    for (const request of this.#requests.values()) {
      if (request.onServer) continue;
      request.onServer = true;
      if (request.phase !== 'held') list.push({ sequence: request.sequence, request, extend: null });
      for (const extend of request.extends ?? []) list.push({ sequence: extend.sequence, request, extend });
    }
    list.sort((a, b) => a.sequence - b.sequence);
    return list.map(({ request, extend }) => this.#say(request, extend, nowMs));
  }

  #say(request: Request<H>, extend: PendingExtend | null, nowMs: number): ClientMessage {
    if (extend !== null) {
      if (extend.sentMs === Number.POSITIVE_INFINITY) extend.sentMs = nowMs;
      return [MessageType.extend, request.number, extend.leaseMs];
    }
    if (request.phase === 'ending') return [request.ending, request.number];
    if (request.sentMs === NEVER) request.sentMs = nowMs;
    return this.acquireMessage(request, nowMs, this.#ackedBefore);
  }
}

/** A wait that has run out while the request could not be sent is said as the shortest one: 0 would mean a try. */
function remainingWaitMs(waitMs: number | null, askedMs: number, nowMs: number): number | null {
  if (waitMs === null || waitMs === 0) return waitMs;
  return Math.max(1, Math.ceil(waitMs - (nowMs - askedMs)));
}

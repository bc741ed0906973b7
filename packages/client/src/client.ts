/** What a user meets: a thin face of the session. */
import type { QueryOptions, QueryWhat } from '@holdfast/protocol';
import {
  MessageType,
  PATTERN_BYTES_MAX,
  QUERY_ROWS_DEFAULT,
  QUERY_ROWS_MAX,
  REASON_BYTES_MAX,
} from '@holdfast/protocol';
import type { Clock } from './clock.js';
import { ConnectionError, invalidArgument } from './errors.js';
import type { HeldLock, Lock } from './lock.js';
import type { AcquireOptions, AcquireSpec, Settings, TryAcquireOptions } from './options.js';
import { checkKey, checkText, parseAcquireOptions, parseTryOptions } from './options.js';
import type { Caller } from './requests.js';
import type { Session } from './session.js';
import type { KeyStatus, KeySummary, Row, ServerStatus, SessionSummary } from './status.js';
import { readEnded, readKeyStatus, readKeySummary, readServerStatus, readSessionSummary } from './status.js';
import type { WatchEvent } from './watch-events.js';

/**
 * `connected` · `reconnecting`: locks are in jeopardy, requests wait · `closed`: for good, by `close()` or because the
 * service refused this client or another one took its session.
 */
export type HoldfastState = 'connected' | 'reconnecting' | 'closed';

export interface WatchOptions {
  /** A position: events after it are delivered first. Not together with `state`. */
  readonly after?: number;
  /** Deliver the present state first: `state` events, then `synced`. */
  readonly state?: boolean;
  /** Ends the watch; its loop throws the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface ListOptions {
  /** At most this many, 1 to 1,000,000. Default 1,000. */
  readonly limit?: number;
}

export interface ForceReleaseOptions {
  /** Only the hold with this token; without it, all holds of the key. */
  readonly token?: number;
  /** Told to the holder. At most 256 bytes. */
  readonly reason?: string;
}

/**
 * A client of the service: one session, over as many connections as it takes.
 *
 * While it is `reconnecting`, acquires wait: for their `wait`, a try for one session time-out. When the session itself was
 * lost, holds are lost with it; requests that waited are asked again in the next session, at the end of the queue.
 */
export class Holdfast implements AsyncDisposable {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  get state(): HoldfastState {
    const { state } = this.#session;
    return state === 'connecting' ? 'reconnecting' : state;
  }

  /** The public id of the session. Changes when a lost session was replaced. */
  get session(): string {
    return this.#session.id;
  }

  /** The node of the service that this client is connected to, or was last. */
  get node(): string {
    return this.#session.node;
  }

  /**
   * `state`: told each new state. `session`: told the id of a session that replaced a lost one. Returns what takes the
   * listener away. A listener that throws does not disturb the client: its error is thrown in a turn of its own.
   */
  on(event: 'state', listener: (state: HoldfastState) => void): () => void;
  on(event: 'session', listener: (session: string) => void): () => void;
  on(
    ...[event, listener]: ['state', (state: HoldfastState) => void] | ['session', (session: string) => void]
  ): () => void {
    if (event === 'session') return this.#session.successors.add(listener);
    if (event === 'state') return this.#session.states.add(() => listener(this.state));
    throw invalidArgument("on: expected 'state' or 'session'");
  }

  /**
   * Waits in the key's queue and resolves when the lock is held.
   *
   * @throws AcquireError `HELD` (wait 0), `WAIT_TIMEOUT`, `QUEUE_FULL`, `REQUEST_LIMIT` or an error code of the service;
   *   ConnectionError `CLOSED` and others when the client is closed; LockLostError when it was lost before it was known to be
   *   held; the signal's reason; HoldfastError `INVALID_ARGUMENT`
   */
  acquire(key: string, options?: AcquireOptions): Promise<Lock> {
    return new Promise((resolve, reject) => {
      this.#acquire(key, parseAcquireOptions(options), { resolve, reject, refuse: null });
    });
  }

  /** Resolves with null when the key is held or waited for. Otherwise as `acquire`. */
  tryAcquire(key: string, options?: TryAcquireOptions): Promise<Lock | null> {
    return new Promise((resolve, reject) => {
      this.#acquire(key, parseTryOptions(options), { resolve, reject, refuse: () => resolve(null) });
    });
  }

  /**
   * Acquires, calls `fn`, releases, and resolves with what `fn` gave. An error of `fn` wins; otherwise a lock that was lost
   * meanwhile rejects with its LockLostError, because the work may have overlapped with that of another holder.
   */
  withLock<T>(key: string, fn: (lock: Lock) => T | PromiseLike<T>): Promise<T>;
  withLock<T>(key: string, options: AcquireOptions, fn: (lock: Lock) => T | PromiseLike<T>): Promise<T>;
  async withLock<T>(
    key: string,
    ...[first, second]: [(lock: Lock) => T | PromiseLike<T>] | [AcquireOptions, (lock: Lock) => T | PromiseLike<T>]
  ): Promise<T> {
    const fn = typeof first === 'function' ? first : second;
    if (typeof fn !== 'function') throw invalidArgument('withLock: expected a function');
    const lock = await this.acquire(key, typeof first === 'function' ? undefined : first);
    let result: T;
    try {
      result = await fn(lock);
    } catch (error) {
      // The caller's error says more than a failed release, and a lock that is not released ends with the session.
      await lock.release().catch(() => undefined);
      throw error;
    }
    await lock.release();
    if (lock.reason !== null) throw lock.reason;
    return result;
  }

  /**
   * The events of all keys that match, from now on. A pattern is a key with `*` for any run of characters except `/`, and
   * `**` for any run of characters. Survives reconnects without missing or repeating events; what could not be had any
   * more is a `gap`. It begins with this call: give it up by leaving the loop, `return()` or the signal.
   */
  watch(pattern: string, options: WatchOptions = {}): AsyncIterableIterator<WatchEvent, undefined> {
    checkText(pattern, 'pattern', 1, PATTERN_BYTES_MAX);
    const { after, state = false, signal } = options;
    if (after !== undefined && (!Number.isSafeInteger(after) || after < 0)) {
      throw invalidArgument('after: expected a position');
    }
    if (after !== undefined && state) throw invalidArgument('after: not together with state');
    this.#checkOpen();
    return this.#session.watches.open({ pattern, after: after ?? null, state, signal: signal ?? null });
  }

  /** Who holds a key and who waits for it. */
  async query(key: string): Promise<KeyStatus> {
    checkKey(key);
    return readKeyStatus(await this.#one('key', { key }));
  }

  /** The keys that are held or waited for. */
  async *list(pattern = '**', { limit }: ListOptions = {}): AsyncGenerator<KeySummary, void, undefined> {
    checkText(pattern, 'pattern', 1, PATTERN_BYTES_MAX);
    for await (const row of this.#ask('keys', { pattern, limit: checkLimit(limit) })) yield readKeySummary(row);
  }

  async *sessions({ limit }: ListOptions = {}): AsyncGenerator<SessionSummary, void, undefined> {
    for await (const row of this.#ask('sessions', { limit: checkLimit(limit) })) yield readSessionSummary(row);
  }

  async server(): Promise<ServerStatus> {
    return readServerStatus(await this.#one('server', {}));
  }

  /**
   * Ends the holds of a key at once, whoever has them, and resolves with how many there were. Its holder may still be
   * working: only the token protects what it writes to.
   *
   * @throws ConnectionError `DISCONNECTED` when the connection was lost before the answer came: it may have been done
   */
  async forceRelease(key: string, { token, reason = '' }: ForceReleaseOptions = {}): Promise<number> {
    checkKey(key);
    checkText(reason, 'reason', 0, REASON_BYTES_MAX);
    if (token !== undefined && (!Number.isSafeInteger(token) || token < 0))
      throw invalidArgument('token: expected a token');
    this.#checkOpen();
    const { calls } = this.#session;
    return readEnded(await calls.askOne((call) => [MessageType.force, call, key, token ?? null, reason], false));
  }

  /**
   * Ends the session: everything that is held is released, everything that waits rejects with `CLOSED`. Resolves when the
   * service has confirmed it, or cannot be reached; then the session ends by its time-out. May be called again.
   */
  close(): Promise<void> {
    return this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #acquire(key: string, spec: AcquireSpec, caller: Caller<HeldLock>): void {
    checkKey(key, this.#session.keyBytesMax);
    this.#checkOpen();
    this.#session.locks.acquire(key, spec, caller);
  }

  #ask(what: QueryWhat, options: QueryOptions): AsyncGenerator<Row, void, undefined> {
    this.#checkOpen();
    return this.#session.calls.ask((call) => [MessageType.query, call, what, options], true);
  }

  #one(what: QueryWhat, options: QueryOptions): Promise<Row> {
    this.#checkOpen();
    return this.#session.calls.askOne((call) => [MessageType.query, call, what, options], true);
  }

  #checkOpen(): void {
    const { error } = this.#session;
    if (error !== null) throw error;
  }
}

function checkLimit(limit: number = QUERY_ROWS_DEFAULT): number {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= QUERY_ROWS_MAX) return limit;
  throw invalidArgument(`limit: expected 1 to ${QUERY_ROWS_MAX}`);
}

/**
 * Connects the session and gives its client.
 *
 * @throws ConnectionError `CONNECT_FAILED`, its cause the latest error, when there was no welcome in time; the code with
 *   which the service refused this client, at once; the signal's reason
 */
export async function open(
  session: Session,
  { connectTimeoutMs }: Settings,
  clock: Clock,
  signal?: AbortSignal,
): Promise<Holdfast> {
  signal?.throwIfAborted();
  const fail = (): void => {
    const cause = session.latestError;
    session.fail(
      new ConnectionError('CONNECT_FAILED', `no connection within ${connectTimeoutMs} ms`, 'after-reconnect', {
        cause,
      }),
    );
  };
  const timer = clock.setTimer(connectTimeoutMs, fail, true);
  let onAbort = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      onAbort = () => {
        reject(signal?.reason);
        session.fail(new ConnectionError('CLOSED', 'the connect was given up'));
      };
      signal?.addEventListener('abort', onAbort);
      session.states.add((state) => {
        if (state === 'connected') resolve();
        else if (session.error !== null) reject(session.error);
      });
      session.start();
    });
  } finally {
    clock.clearTimer(timer);
    signal?.removeEventListener('abort', onAbort);
  }
  return new Holdfast(session);
}

/** The errors of the SDK. Codes are stable, texts are for people. */
import type { Meta, RetryClass } from '@holdfast/protocol';
import { ENDED_RETRY } from '@holdfast/protocol';

/**
 * Every error that this package makes.
 *
 * `retry` says how the caller may go on: `never` (the same would fail again), `after-reconnect` (the client connects
 * again by itself; then the call may be repeated), `same-request` (repeat the call later).
 */
export class HoldfastError extends Error {
  override readonly name: string = 'HoldfastError';
  readonly code: string;
  readonly retry: RetryClass;

  constructor(code: string, message: string, retry: RetryClass = 'never', options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retry = retry;
  }
}

/** An acquire that was not granted: `HELD`, `WAIT_TIMEOUT`, `QUEUE_FULL`, `REQUEST_LIMIT` or a code of the service's errors. */
export class AcquireError extends HoldfastError {
  override readonly name: string = 'AcquireError';
  readonly key: string;

  constructor(code: string, key: string, message: string, retry: RetryClass = 'never', options?: ErrorOptions) {
    super(code, message, retry, options);
    this.key = key;
  }
}

/** `CONNECT_FAILED`, `DISCONNECTED`, `CLOSED`, `SESSION_REPLACED`, or the code with which the service refused the connection. */
export class ConnectionError extends HoldfastError {
  override readonly name: string = 'ConnectionError';
}

/**
 * Why a hold was lost:
 * `LEASE_OVER` its lease ran out · `REVOKED` released by force · `DEADLINE` the service was not known to have heard
 * this client for the session time-out · `CLOCK_JUMP` the machine was suspended or its clock was set, so that nothing
 * is known about the time · `SESSION_OVER` the session ended · `SESSION_REPLACED` another process resumed the session ·
 * `RELEASED_BY_SERVER` the service does not list the hold any more and the reason did not reach this client.
 */
export type LossReason =
  | 'LEASE_OVER'
  | 'REVOKED'
  | 'DEADLINE'
  | 'CLOCK_JUMP'
  | 'SESSION_OVER'
  | 'SESSION_REPLACED'
  | 'RELEASED_BY_SERVER';

const LOSS_TEXTS: Readonly<Record<LossReason, string>> = {
  LEASE_OVER: 'its lease is over',
  REVOKED: 'it was released by force',
  DEADLINE: 'the service was not known to have heard this client for the session time-out',
  CLOCK_JUMP: 'the clock jumped: the machine was suspended, or its clock was set',
  SESSION_OVER: 'the session is over',
  SESSION_REPLACED: 'another process resumed the session',
  RELEASED_BY_SERVER: 'the service does not list it any more',
};

/** A lock that was held is lost. Code `LOCK_LOST`; acquire it again and start over. */
export class LockLostError extends HoldfastError {
  override readonly name: string = 'LockLostError';
  readonly key: string;
  readonly token: number;
  readonly why: LossReason;
  /** What the service said about it; for `REVOKED`: `by` and `reason`. */
  readonly detail: Meta | null;

  constructor(key: string, token: number, why: LossReason, detail: Meta | null = null) {
    super('LOCK_LOST', `the lock on ${JSON.stringify(key)} is lost: ${LOSS_TEXTS[why]}`);
    this.key = key;
    this.token = token;
    this.why = why;
    this.detail = detail;
  }
}

const REFUSAL_TEXTS: Readonly<Record<string, string>> = {
  HELD: 'it is held or waited for',
  WAIT_TIMEOUT: 'waited in vain',
  QUEUE_FULL: 'its queue is full',
  REQUEST_LIMIT: 'the session has too many requests',
};

/** What an acquire rejects with when the service ended it with this code. */
export function refusal(key: string, code: string, detail: Meta | null): HoldfastError {
  // It was granted, and the hold was over before this client came to know of it.
  if (code === 'LEASE_OVER' || code === 'REVOKED') return new LockLostError(key, 0, code, detail);
  const retry = Object.entries<RetryClass>(ENDED_RETRY).find(([known]) => known === code)?.[1] ?? 'never';
  return new AcquireError(code, key, `no lock on ${JSON.stringify(key)}: ${REFUSAL_TEXTS[code] ?? code}`, retry);
}

/** The reason as which an ending code of the service counts for a hold. */
export function lossReason(code: string): LossReason {
  return code === 'LEASE_OVER' || code === 'REVOKED' || code === 'SESSION_OVER' ? code : 'RELEASED_BY_SERVER';
}

export function invalidArgument(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message);
}

/** Codes of PROTOCOL.md: stable strings, their retry class, and the WebSocket close codes. */
import type { RetryClass } from './messages.js';

export const SUBPROTOCOL = 'holdfast.v1';

/** Error codes of `error` messages and the retry class of each. */
export const ERROR_RETRY = {
  BAD_MESSAGE: 'never',
  BAD_PATTERN: 'never',
  NOT_HELD: 'never',
  REQUEST_SPENT: 'never',
  SESSION_OVER: 'after-reconnect',
  SESSION_REPLACED: 'never',
  HELLO_TIMEOUT: 'after-reconnect',
  NOT_LEADER: 'after-reconnect',
  DRAINING: 'after-reconnect',
  UNAVAILABLE: 'same-request',
  OVERLOADED: 'after-reconnect',
  WATCH_LIMIT: 'never',
  CALL_LIMIT: 'never',
  SLOW_READER: 'after-reconnect',
  UNAUTHENTICATED: 'never',
  FORBIDDEN: 'never',
  INTERNAL: 'after-reconnect',
} as const satisfies Record<string, RetryClass>;
export type ErrorCode = keyof typeof ERROR_RETRY;

/** Codes of `ended` messages that are refusals or losses, and the retry class of each. */
export const ENDED_RETRY = {
  HELD: 'never',
  WAIT_TIMEOUT: 'never',
  LEASE_OVER: 'never',
  REVOKED: 'never',
  QUEUE_FULL: 'same-request',
  REQUEST_LIMIT: 'same-request',
} as const satisfies Record<string, RetryClass>;
export type EndedCode = keyof typeof ENDED_RETRY | 'RELEASED' | 'CANCELLED';

/** WebSocket close codes. */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  unsupportedData: 1003,
  noStatus: 1005,
  tooBig: 1009,
  restart: 1012,
  resuming: 4100,
  badMessage: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  helloTimeout: 4408,
  sessionReplaced: 4409,
  sessionOver: 4410,
  slowReader: 4413,
  notLeader: 4421,
  internal: 4500,
  overloaded: 4503,
} as const;

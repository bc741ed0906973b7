/** What the end of a connection means. Pure. */
import type { ErrorMessage, RetryClass } from '@holdfast/protocol';
import { CloseCode, ERROR_RETRY } from '@holdfast/protocol';
import type { ConnectionEnd } from './connection.js';
import { ConnectionError } from './errors.js';

/**
 * `resume`: connect again, the session may live · `renew`: connect again with a new session, this one is over ·
 * `stop`: connecting again would end the same way.
 */
export type Verdict = {
  readonly next: 'resume' | 'renew' | 'stop';
  readonly error: ConnectionError;
};

/** Close codes that stand for an error, for when the `error` message before the close was lost. */
const CODES: ReadonlyMap<number, keyof typeof ERROR_RETRY> = new Map([
  [CloseCode.badMessage, 'BAD_MESSAGE'],
  [CloseCode.unauthenticated, 'UNAUTHENTICATED'],
  [CloseCode.forbidden, 'FORBIDDEN'],
  [CloseCode.helloTimeout, 'HELLO_TIMEOUT'],
  [CloseCode.sessionReplaced, 'SESSION_REPLACED'],
  [CloseCode.sessionOver, 'SESSION_OVER'],
  [CloseCode.slowReader, 'SLOW_READER'],
  [CloseCode.notLeader, 'NOT_LEADER'],
  [CloseCode.internal, 'INTERNAL'],
  [CloseCode.overloaded, 'OVERLOADED'],
]);

/** @param said the last `error` about the connection as a whole, if there was one */
export function judge(said: ErrorMessage | null, end: ConnectionEnd): Verdict {
  const known = CODES.get(end.code);
  const code = said?.[3] ?? known ?? 'DISCONNECTED';
  const retry: RetryClass = said?.[4] ?? (known === undefined ? 'after-reconnect' : ERROR_RETRY[known]);
  const text = said?.[5] ?? (end.reason === '' ? `the connection was closed with ${end.code}` : end.reason);
  const error = new ConnectionError(code, text, retry, end.cause === undefined ? undefined : { cause: end.cause });
  if (code === 'SESSION_OVER') return { next: 'renew', error };
  return { next: retry === 'never' ? 'stop' : 'resume', error };
}

/** The client's Lock as the guard of a command sees it. */
import type { Lock } from '@holdfast/client';
import type { GuardedLock, Loss } from './guard.js';
import type { Report } from './report.js';

export function guardedLock(lock: Lock, report: Report): GuardedLock {
  return {
    key: lock.key,
    token: lock.token,
    get state() {
      return lock.state;
    },
    validForMs: () => lock.validForMs(),
    loss: () => lossOf(lock),
    onState: (call) => lock.on('state', call),
    async release() {
      try {
        await lock.release();
      } catch (error) {
        // The command's exit code is worth more than this: the lock goes with the session, which is closed next.
        report({ event: 'unreleased', key: lock.key, text: error instanceof Error ? error.message : String(error) });
      }
    },
  };
}

function lossOf({ reason }: Lock): Loss | null {
  if (reason === null) return null;
  const { by, reason: why } = reason.detail ?? {};
  const who = by === undefined || by === '' ? '' : ` by ${by}`;
  const because = why === undefined || why === '' ? '' : ` (${why})`;
  return { code: reason.why, text: `${reason.message}${who}${because}` };
}

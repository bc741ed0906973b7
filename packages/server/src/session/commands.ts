/** Client messages as commands of the machine. */
import type { Acquire, ForceRelease } from '@holdfast/core';
import { type AcquireMessage, FLAG_PLACE, type ForceMessage, MODE_SHARED } from '@holdfast/protocol';

export function acquireCommand(session: string, message: AcquireMessage): Acquire {
  return {
    type: 'acquire',
    session,
    request: message[1],
    acked: message[2],
    key: message[3],
    mode: message[4] === MODE_SHARED ? 'shared' : 'exclusive',
    waitMs: message[5],
    leaseMs: message[6],
    wantsPlace: (message[7] & FLAG_PLACE) !== 0,
    meta: message[8],
  };
}

export function forceReleaseCommand(session: string, message: ForceMessage): ForceRelease {
  const [, call, key, token, reason] = message;
  return { type: 'force-release', session, call, key, token, reason };
}

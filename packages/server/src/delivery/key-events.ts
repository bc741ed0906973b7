/** Effects that watchers are told, in the shape they travel in. */
import type { Effect } from '@holdfast/core';
import type { WatchEvent } from '@holdfast/protocol';
import { metaBytes, modeNumber, textBytes } from './rows.js';

export interface KeyEvent {
  readonly key: string;
  readonly event: WatchEvent;
}

/** null: nothing happened to a key (answers to repeated commands, sessions, refusals). */
export function toKeyEvent(effect: Effect): KeyEvent | null {
  switch (effect.type) {
    case 'queued':
      if (effect.again) return null;
      return {
        key: effect.key,
        event: [
          'queued',
          effect.key,
          effect.session,
          effect.request,
          modeNumber(effect.mode),
          effect.place,
          effect.meta,
        ],
      };
    case 'granted':
      if (effect.again) return null;
      return {
        key: effect.key,
        event: [
          'granted',
          effect.key,
          effect.session,
          effect.request,
          modeNumber(effect.mode),
          effect.token,
          effect.meta,
        ],
      };
    case 'ended':
      // A request that was refused on arrival was neither waiting nor holding: for the key nothing happened.
      if (effect.again || effect.code === 'HELD' || effect.code === 'QUEUE_FULL' || effect.code === 'REQUEST_LIMIT') {
        return null;
      }
      return {
        key: effect.key,
        event: ['ended', effect.key, effect.session, effect.request, effect.code, effect.token],
      };
    default:
      return null;
  }
}

/** Upper estimate of the event on the wire. */
export function eventBytes({ key, event }: KeyEvent): number {
  const meta = event[0] === 'queued' || event[0] === 'granted' ? event[6] : null;
  return 80 + textBytes(key) + metaBytes(meta);
}

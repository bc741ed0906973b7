/** The events of a watch as typed objects. */
import type { WatchEvent as WireEvent, Meta, ModeNumber, WatchedHold } from '@holdfast/protocol';
import { MODE_SHARED } from '@holdfast/protocol';
import type { LockMode } from './options.js';

/** A hold, as a `state` event shows it. */
export interface HoldView {
  readonly session: string;
  readonly request: number;
  readonly mode: LockMode;
  readonly token: number;
  readonly meta: Meta;
}

interface Positioned {
  /** Names the step of the service in which it happened; `watch` goes on after it when it is given as `after`. */
  readonly position: number;
}

interface OfRequest extends Positioned {
  readonly key: string;
  readonly session: string;
  readonly request: number;
}

/** A request waits. Place 1 is the next to be granted. */
export interface QueuedEvent extends OfRequest {
  readonly kind: 'queued';
  readonly mode: LockMode;
  readonly place: number;
  readonly meta: Meta;
}

/** A request holds. */
export interface GrantedEvent extends OfRequest {
  readonly kind: 'granted';
  readonly mode: LockMode;
  readonly token: number;
  readonly meta: Meta;
}

/** A hold is over, or (`token` null) a request that waited. */
export interface EndedEvent extends OfRequest {
  readonly kind: 'ended';
  readonly code: string;
  readonly token: number | null;
}

/** How a key stands. `holds` has up to 16 of `held`. */
export interface StateEvent extends Positioned {
  readonly kind: 'state';
  readonly key: string;
  readonly holds: readonly HoldView[];
  readonly held: number;
  readonly waiting: number;
}

/** The present state has been told in full: a key that was not among it is free. */
export interface SyncedEvent extends Positioned {
  readonly kind: 'synced';
}

/** Events after `after` up to `position` are lost. State events and `synced` follow. */
export interface GapEvent extends Positioned {
  readonly kind: 'gap';
  readonly after: number;
}

export type WatchEvent = QueuedEvent | GrantedEvent | EndedEvent | StateEvent | SyncedEvent | GapEvent;

const NO_META: Meta = {};

export function readEvent(event: WireEvent, position: number): WatchEvent {
  switch (event[0]) {
    case 'queued': {
      const [kind, key, session, request, mode, place, meta] = event;
      return { kind, position, key, session, request, mode: readMode(mode), place, meta: meta ?? NO_META };
    }
    case 'granted': {
      const [kind, key, session, request, mode, token, meta] = event;
      return { kind, position, key, session, request, mode: readMode(mode), token, meta: meta ?? NO_META };
    }
    case 'ended': {
      const [kind, key, session, request, code, token] = event;
      return { kind, position, key, session, request, code, token };
    }
    case 'state': {
      const [kind, key, holds, held, waiting] = event;
      return { kind, position, key, holds: holds.map(readHold), held, waiting };
    }
    case 'synced':
      return { kind: 'synced', position };
  }
}

function readHold([session, request, mode, token, meta]: WatchedHold): HoldView {
  return { session, request, mode: readMode(mode), token, meta: meta ?? NO_META };
}

function readMode(mode: ModeNumber): LockMode {
  return mode === MODE_SHARED ? 'shared' : 'exclusive';
}

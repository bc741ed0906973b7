/** What the server says about requests and sessions, whatever message it travels in, as one kind of statement each. */
import type { Mode } from '@holdfast/core';
import { MODE_SHARED, MessageType, type ModeNumber, type ServerMessage, type WatchEvent } from '@holdfast/protocol';
import type { Said } from '../trace.js';

/** null: this message does not say it. */
export type Told =
  | {
      readonly kind: 'held';
      readonly session: string;
      readonly request: number;
      readonly token: number;
      readonly key: string | null;
      readonly mode: Mode | null;
      /** undefined: this message does not say it; null: there is no lease. */
      readonly leaseEndMs: number | null | undefined;
    }
  | {
      readonly kind: 'waiting';
      readonly session: string;
      readonly request: number;
      readonly key: string | null;
      readonly place: number;
      readonly length: number | null;
    }
  | {
      readonly kind: 'ended';
      readonly session: string;
      readonly request: number;
      readonly key: string | null;
      /** undefined: this message does not say it. */
      readonly end: number | undefined;
      readonly code: string;
      /** undefined: this message does not say it; null: it never held. */
      readonly token: number | null | undefined;
    }
  | {
      readonly kind: 'extended';
      readonly session: string;
      readonly request: number;
      readonly leaseEndMs: number | null;
    }
  | {
      readonly kind: 'refused';
      readonly session: string;
      readonly request: number;
      readonly command: string;
      readonly code: string;
    }
  | { readonly kind: 'session'; readonly session: string };

/** What is said about a request that exists. */
export type ToldOfRequest = Exclude<Told, { kind: 'session' | 'refused' }>;

/** Refusals that the log decides, and the commands that they are about by the numbers of their messages. */
const REFUSALS: ReadonlySet<string> = new Set(['SESSION_OVER', 'REQUEST_SPENT', 'NOT_HELD']);
const COMMANDS: ReadonlyMap<number, string> = new Map([
  [MessageType.acquire, 'acquire'],
  [MessageType.release, 'release'],
  [MessageType.cancel, 'cancel'],
  [MessageType.extend, 'extend'],
]);

type Row = Readonly<Record<string, unknown>>;

export function statementsOf(event: Said): Told[] {
  const told: Told[] = [];
  let { session } = event;
  for (const message of event.messages) {
    if (message[0] === MessageType.welcome) {
      session = message[1].session;
    } else if (message[0] === MessageType.events) {
      for (const happening of message[3]) fromEvent(happening, told);
    } else if (message[0] === MessageType.result) {
      for (const row of message[2]) fromRow(row, told);
    } else if (session !== null) {
      toSession(session, message, told);
    }
  }
  return told;
}

function toSession(session: string, message: ServerMessage, told: Told[]): void {
  switch (message[0]) {
    case MessageType.granted: {
      const [, request, token, leaseEndMs = null] = message;
      told.push({ kind: 'held', session, request, token, key: null, mode: null, leaseEndMs });
      break;
    }
    case MessageType.queued: {
      const [, request, place, length] = message;
      told.push({ kind: 'waiting', session, request, key: null, place, length });
      break;
    }
    case MessageType.ended: {
      const [, request, end, code = 'RELEASED'] = message;
      told.push({ kind: 'ended', session, request, key: null, end, code, token: undefined });
      break;
    }
    case MessageType.extended: {
      const [, request, leaseEndMs = null] = message;
      told.push({ kind: 'extended', session, request, leaseEndMs });
      break;
    }
    case MessageType.error: {
      const [, about, request, code] = message;
      const command = COMMANDS.get(about);
      if (command === undefined || !REFUSALS.has(code)) break;
      told.push({ kind: 'refused', session, request, command, code });
      break;
    }
    case MessageType.restore:
      for (const [request, key, mode, token, leaseEndMs] of message[1]) {
        told.push({ kind: 'held', session, request, token, key, mode: modeOf(mode), leaseEndMs });
      }
      for (const [request, key, , place] of message[2]) {
        told.push({ kind: 'waiting', session, request, key, place, length: null });
      }
      break;
    default:
  }
}

function fromEvent(event: WatchEvent, told: Told[]): void {
  switch (event[0]) {
    case 'queued': {
      const [, key, session, request, , place] = event;
      told.push({ kind: 'waiting', session, request, key, place, length: null });
      break;
    }
    case 'granted': {
      const [, key, session, request, mode, token] = event;
      told.push({ kind: 'held', session, request, token, key, mode: modeOf(mode), leaseEndMs: undefined });
      break;
    }
    case 'ended': {
      const [, key, session, request, code, token] = event;
      told.push({ kind: 'ended', session, request, key, end: undefined, code, token });
      break;
    }
    case 'state':
      for (const [session, request, mode, token] of event[2]) {
        told.push({ kind: 'held', session, request, token, key: event[1], mode: modeOf(mode), leaseEndMs: undefined });
      }
      break;
    case 'synced':
      break;
  }
}

/** Rows of `key` and `keys` list holds, rows of `key` the queue too; rows of `sessions` name a session and list nothing. */
function fromRow(row: Row, told: Told[]): void {
  const key = typeof row['key'] === 'string' ? row['key'] : null;
  for (const hold of rowsIn(row['holds'])) {
    const { session, request, token, mode } = hold;
    if (typeof session !== 'string' || typeof request !== 'number' || typeof token !== 'number') continue;
    const isShared = mode === 'shared';
    told.push({
      kind: 'held',
      session,
      request,
      token,
      key,
      mode: isShared ? 'shared' : 'exclusive',
      leaseEndMs: undefined,
    });
  }
  for (const waiter of rowsIn(row['queue'])) {
    const { session, request, place } = waiter;
    if (typeof session !== 'string' || typeof request !== 'number' || typeof place !== 'number') continue;
    told.push({ kind: 'waiting', session, request, key, place, length: null });
  }
  if (key === null && typeof row['session'] === 'string') told.push({ kind: 'session', session: row['session'] });
}

function rowsIn(value: unknown): readonly Row[] {
  return Array.isArray(value) ? value : [];
}

function modeOf(mode: ModeNumber): Mode {
  return mode === MODE_SHARED ? 'shared' : 'exclusive';
}

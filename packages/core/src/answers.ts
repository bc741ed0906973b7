/** The effects that tell of a request, in one place: first answers and repeated ones differ in `again` only. */
import type { Effect, EndCode, Refused } from './effects.js';
import { placeOf } from './places.js';
import { type Ending, NEVER, type Request } from './state.js';

export function leaseEndMs(request: Request): number | null {
  return request.dueMs === NEVER ? null : request.dueMs;
}

export function tellQueued(request: Request, again: boolean, effects: Effect[]): void {
  effects.push({
    type: 'queued',
    session: request.sessionState.id,
    request: request.number,
    key: request.keyState.name,
    mode: request.mode,
    place: placeOf(request),
    length: request.keyState.waitingCount,
    wantsPlace: request.wantsPlace,
    meta: request.meta,
    again,
  });
}

export function tellGranted(request: Request, again: boolean, effects: Effect[]): void {
  effects.push({
    type: 'granted',
    session: request.sessionState.id,
    request: request.number,
    key: request.keyState.name,
    mode: request.mode,
    token: request.token,
    leaseEndMs: leaseEndMs(request),
    meta: request.meta,
    again,
  });
}

/** An ending that is remembered, now or again. */
export function tellEnding(session: string, ending: Ending, again: boolean, effects: Effect[]): void {
  effects.push({
    type: 'ended',
    session,
    request: ending.number,
    key: ending.key,
    end: ending.end,
    code: ending.code,
    token: ending.token,
    detail: ending.detail,
    again,
  });
}

/** An ending that nobody will ask for again. */
export function tellForgotten(
  session: string,
  request: number,
  key: string,
  code: EndCode,
  token: number | null,
  effects: Effect[],
): void {
  effects.push({ type: 'ended', session, request, key, end: 0, code, token, detail: null, again: false });
}

export function tellRefused(
  session: string,
  request: number,
  command: Refused['command'],
  code: Refused['code'],
  effects: Effect[],
): void {
  effects.push({ type: 'refused', session, request, command, code });
}

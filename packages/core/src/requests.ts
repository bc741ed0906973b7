/**
 * The life of a request: it arrives, waits or holds at once, is granted, leaves. Every count, link and deadline of a request changes
 * here and nowhere else, so that a new kind of lock or a new way to end has one place to go through.
 */
import type { Acquire, Meta, Mode } from './commands.js';
import type { Effect } from './effects.js';
import { tellEnding, tellGranted, tellQueued } from './answers.js';
import { Records } from './records.js';
import { advanceBorder, appendHolder, appendWaiting, removeRequest } from './request-list.js';
import {
  Ending,
  KeyState,
  NEVER,
  type RememberedCode,
  Request,
  type SessionState,
  type State,
  termsOf,
} from './state.js';

/**
 * Whether a request of this mode can hold the key beside those who hold it now. Whether it may, the queue decides: only the first
 * in the queue is ever asked. This is the rule that other lock kinds extend.
 */
export function admits(key: KeyState, mode: Mode): boolean {
  return key.heldCount === 0 || (mode === 'shared' && key.first!.mode === 'shared'); // held, so there is a first holder
}

/** Makes a request of a session and puts it at the end of its key's queue, or grants it when `atOnce`. */
export function arrive(
  state: State,
  session: SessionState,
  command: Acquire,
  atOnce: boolean,
  effects: Effect[],
): void {
  let key = state.keys.get(command.key);
  if (key === undefined) {
    key = new KeyState(command.key);
    state.keys.add(key);
  }
  const request = new Request(
    command.request,
    command.mode,
    termsOf(command),
    key,
    session,
    ++state.ticket,
    state.nowMs,
  );
  session.records ??= new Records();
  session.records.set(request);
  if (atOnce) {
    appendHolder(key, request);
    hold(state, request, effects);
  } else {
    appendWaiting(key, request);
    session.waitingCount++;
    state.waitingCount++;
    if (command.waitMs !== null) {
      setDue(state, request, state.nowMs + command.waitMs);
    }
    tellQueued(request, false, effects);
  }
}

/**
 * To be called when requests have left a key: grants from the front of its queue while the key admits the next one, or drops the key
 * when nothing of it is left.
 */
export function settle(state: State, key: KeyState, effects: Effect[]): void {
  if (key.first === null) {
    state.keys.delete(key.name);
    return;
  }
  let next = key.firstWaiting;
  while (next !== null && admits(key, next.mode)) {
    advanceBorder(key);
    next.sessionState.waitingCount--;
    state.waitingCount--;
    hold(state, next, effects);
    next = key.firstWaiting;
  }
}

/** Takes a request out of its key and forgets its deadline. What its session remembers of it, and settling the key, are the caller's. */
export function leave(state: State, request: Request): void {
  state.walk?.keepRequest(request);
  removeRequest(request.keyState, request);
  if (request.held) {
    request.sessionState.heldCount--;
    state.heldCount--;
  } else {
    request.sessionState.waitingCount--;
    state.waitingCount--;
  }
  setDue(state, request, NEVER);
}

/** Ends a request, in whatever state it is, and remembers how. Settling the key is the caller's. */
export function end(
  state: State,
  request: Request,
  code: RememberedCode,
  detail: Meta | null,
  effects: Effect[],
): void {
  leave(state, request);
  remember(
    request.sessionState,
    request.number,
    request.keyState.name,
    code,
    request.held ? request.token : null,
    detail,
    effects,
  );
}

/** Notes in the session how one of its requests ended, live until now or never begun, and tells it. */
export function remember(
  session: SessionState,
  number: number,
  key: string,
  code: RememberedCode,
  token: number | null,
  detail: Meta | null,
  effects: Effect[],
): void {
  const ending = new Ending(number, key, ++session.lastEnd, code, token, detail);
  session.record(ending);
  tellEnding(session.id, ending, false, effects);
}

/** Forgets the endings that the client has acknowledged. An ending that has not happened yet cannot be acknowledged. */
export function acknowledge(session: SessionState, acked: number): void {
  if (acked <= session.acked) {
    return;
  }
  session.acked = acked < session.lastEnd ? acked : session.lastEnd;
  let oldest = session.oldestEnding;
  while (oldest !== null && oldest.end <= acked) {
    session.records!.delete(oldest.number); // an ending is in the records, so there are records
    oldest = oldest.next;
  }
  session.oldestEnding = oldest;
  if (oldest === null) {
    session.newestEnding = null;
  }
}

/** Gives a request its one deadline, or with NEVER none. */
export function setDue(state: State, request: Request, dueMs: number): void {
  const { deadlines } = state;
  if (request.heapIndex !== -1) {
    if (dueMs !== NEVER) {
      deadlines.update(request, dueMs);
      return;
    }
    deadlines.remove(request);
    request.dueMs = NEVER;
  } else if (dueMs !== NEVER) {
    request.dueMs = dueMs;
    deadlines.add(request);
  }
}

/** The grant itself, of a request that its key's list shows among the holders already. */
function hold(state: State, request: Request, effects: Effect[]): void {
  state.walk?.keepRequest(request);
  request.token = ++state.token;
  request.sinceMs = state.nowMs;
  request.sessionState.heldCount++;
  state.heldCount++;
  setDue(state, request, request.leaseMs === null ? NEVER : state.nowMs + request.leaseMs);
  tellGranted(request, false, effects);
}

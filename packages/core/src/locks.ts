/** The commands on requests, and the deadlines of requests. Refusals come in the order in which each function checks them. */
import type { Acquire, Cancel, Extend, ForceRelease, Release } from './commands.js';
import type { Effect } from './effects.js';
import { leaseEndMs, tellEnding, tellForgotten, tellGranted, tellQueued, tellRefused } from './answers.js';
import { checkAcquire, checkLease } from './checks.js';
import { acknowledge, admits, arrive, end, remember, setDue, settle } from './requests.js';
import { Ending, NEVER, type Request, type State } from './state.js';

/** Ends every request whose wait or lease is over at the present log time, the earliest first. */
export function fireDue(state: State, effects: Effect[]): void {
  const { deadlines, nowMs } = state;
  // The time is read anew in each turn: a request that waited past its deadline holds if a lease that ended earlier let it in.
  for (let request = deadlines.first; request !== undefined && request.dueMs <= nowMs; request = deadlines.first) {
    end(state, request, request.held ? 'LEASE_OVER' : 'WAIT_TIMEOUT', null, effects);
    settle(state, request.keyState, effects);
  }
}

export function acquire(state: State, command: Acquire, effects: Effect[]): void {
  checkAcquire(command);
  const session = state.sessions.get(command.session);
  if (session === undefined) {
    tellRefused(command.session, command.request, 'acquire', 'SESSION_OVER', effects);
    return;
  }
  state.walk?.keepSession(session);
  acknowledge(session, command.acked);
  if (command.request <= session.lastRequest) {
    const record = session.records?.get(command.request);
    if (record === undefined) {
      tellRefused(session.id, command.request, 'acquire', 'REQUEST_SPENT', effects);
    } else if (record instanceof Ending) {
      tellEnding(session.id, record, true, effects);
    } else if (record.held) {
      tellGranted(record, true, effects);
    } else {
      tellQueued(record, true, effects);
    }
    return;
  }
  const { limits } = state;
  if (session.records !== null && session.records.size >= limits.requestsPerSessionMax) {
    // Not remembered, and the number not spent: remembering refusals would let a client grow what the limit bounds.
    tellForgotten(session.id, command.request, command.key, 'REQUEST_LIMIT', null, effects);
    return;
  }
  const key = state.keys.get(command.key);
  const atOnce = key === undefined || (key.waitingCount === 0 && admits(key, command.mode));
  if (!atOnce && command.waitMs !== 0 && key.waitingCount >= limits.queueLengthMax) {
    // Not remembered either: the same request may be sent again when the queue is shorter.
    tellForgotten(session.id, command.request, command.key, 'QUEUE_FULL', null, effects);
    return;
  }
  session.lastRequest = command.request;
  if (!atOnce && command.waitMs === 0) remember(session, command.request, command.key, 'HELD', null, null, effects);
  else arrive(state, session, command, atOnce, effects);
}

export function release(state: State, command: Release, effects: Effect[]): void {
  const request = findLive(state, command, effects);
  if (request === null) {
    return;
  }
  if (!request.held) {
    tellRefused(command.session, command.request, 'release', 'NOT_HELD', effects);
    return;
  }
  end(state, request, 'RELEASED', null, effects);
  settle(state, request.keyState, effects);
}

/** A grant may have crossed the cancel; then the hold is given back. */
export function cancel(state: State, command: Cancel, effects: Effect[]): void {
  const request = findLive(state, command, effects);
  if (request === null) {
    return;
  }
  end(state, request, 'CANCELLED', null, effects);
  settle(state, request.keyState, effects);
}

export function extend(state: State, command: Extend, effects: Effect[]): void {
  checkLease(command.leaseMs);
  const request = findLive(state, command, effects);
  if (request === null) {
    return;
  }
  if (!request.held) {
    tellRefused(command.session, command.request, 'extend', 'NOT_HELD', effects);
    return;
  }
  state.walk?.keepRequest(request);
  setDue(state, request, command.leaseMs === null ? NEVER : state.nowMs + command.leaseMs);
  effects.push({
    type: 'extended',
    session: command.session,
    request: command.request,
    leaseEndMs: leaseEndMs(request),
  });
}

/** O(holds of the key). The asking session is a name only: it may be gone. */
export function forceRelease(state: State, command: ForceRelease, effects: Effect[]): void {
  let ended = 0;
  const key = state.keys.get(command.key);
  if (key !== undefined) {
    const detail = { by: command.session, reason: command.reason };
    let request = key.first;
    while (request !== key.firstWaiting && request !== null) {
      const { next } = request;
      if (command.token === null || request.token === command.token) {
        end(state, request, 'REVOKED', detail, effects);
        ended++;
      }
      request = next;
    }
    settle(state, key, effects);
  }
  effects.push({ type: 'forced', session: command.session, call: command.call, key: command.key, ended });
}

/** The live request that a command names; null: the command is answered already, by a refusal or by the ending that the request had. */
function findLive(state: State, command: Release | Cancel | Extend, effects: Effect[]): Request | null {
  const session = state.sessions.get(command.session);
  if (session === undefined) {
    tellRefused(command.session, command.request, command.type, 'SESSION_OVER', effects);
    return null;
  }
  const record = session.records?.get(command.request);
  if (record === undefined) {
    tellRefused(session.id, command.request, command.type, 'NOT_HELD', effects);
    return null;
  }
  if (record instanceof Ending) {
    tellEnding(session.id, record, true, effects);
    return null;
  }
  return record;
}

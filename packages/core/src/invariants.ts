/**
 * What is true of a machine between two calls of apply(). For tests, simulators and checks of a restored state: it walks everything,
 * so it is O(n log n) in requests.
 */
import type { Machine } from './machine.js';
import { placeOf } from './places.js';
import { admits } from './requests.js';
import { Ending, type KeyState, NEVER, type Request, type SessionState, type State } from './state.js';

/** Throws an error that says what is broken. */
export function checkInvariants(machine: Machine): void {
  const { state } = machine;
  const tokens = new Set<number>();
  let held = 0;
  let waiting = 0;
  let timed = 0;
  for (const key of state.keys.values()) {
    expect(state.keys.get(key.name) === key, `key ${key.name} is kept under its name`);
    checkKey(state, key, tokens);
    held += key.heldCount;
    waiting += key.waitingCount;
    timed += [...key.holders(), ...key.queue()].filter((request) => request.heapIndex !== -1).length;
  }
  expect(state.heldCount === held, `${held} requests hold, as counted (${state.heldCount})`);
  expect(state.waitingCount === waiting, `${waiting} requests wait, as counted (${state.waitingCount})`);
  expect(tokens.size === held, 'no two holds have the same token');
  let requests = 0;
  for (const [id, session] of state.sessions) {
    expect(session.id === id, `session ${id} is kept under its id`);
    requests += checkSession(state, session);
  }
  expect(requests === held + waiting, 'every request of a key is a request of a session, and the other way round');
  checkDeadlines(state, timed);
}

function checkKey(state: State, key: KeyState, tokens: Set<number>): void {
  const at = `key ${key.name}:`;
  expect(key.first !== null, `${at} an idle key does not exist`);
  let held = 0;
  let waiting = 0;
  let previous: Request | null = null;
  for (let request = key.first; request !== null; request = request.next) {
    const who = `${at} request ${request.number} of session ${request.sessionState.id}`;
    expect(request.previous === previous, `${who} is linked to the one before it`);
    expect(request.keyState === key, `${who} knows its key`);
    expect(previous === null || previous.ticket < request.ticket, `${who} comes after earlier arrivals`);
    expect(request.ticket <= state.ticket, `${who} has a ticket that was given`);
    expect(request.sinceMs <= state.nowMs, `${who} does not come from the future`);
    if (request.held) {
      held++;
      expect(waiting === 0, `${who} did not overtake`);
      expect(previous === null || previous.token < request.token, `${who} has a higher token than earlier grants`);
      expect(request.token <= state.token, `${who} has a token that was given`);
      expect(previous === null || (previous.mode === 'shared' && request.mode === 'shared'), `${who} holds by right`);
      expect(placeOf(request) === 0 && request.queueTicket === -1, `${who} holds and has no place`);
      tokens.add(request.token);
    } else {
      waiting++;
      expect(waiting > 1 || key.firstWaiting === request, `${who} is the first that waits`);
      expect(placeOf(request) === waiting, `${who} is at place ${waiting}, not ${placeOf(request)}`);
    }
    previous = request;
  }
  expect(key.last === previous, `${at} the last request is the end of the list`);
  expect(key.heldCount === held, `${at} ${held} requests hold, as counted (${key.heldCount})`);
  expect(key.waitingCount === waiting, `${at} ${waiting} requests wait, as counted (${key.waitingCount})`);
  const next = key.firstWaiting;
  expect((next === null) === (waiting === 0), `${at} somebody is the first that waits exactly when somebody waits`);
  expect(next === null || !admits(key, next.mode), `${at} the first that waits cannot be granted`);
  expect(waiting > 0 || key.holes === null, `${at} an empty queue has no tree of holes`);
}

/** Returns how many live requests the session has. */
function checkSession(state: State, session: SessionState): number {
  const at = `session ${session.id}:`;
  let held = 0;
  let waiting = 0;
  let endings = 0;
  let lastTicket = 0;
  let lastNumber = 0;
  for (const record of session.records?.values() ?? []) {
    const { number } = record;
    expect(session.records?.get(number) === record, `${at} request ${number} is kept under its number`);
    expect(number >= 1 && number <= session.lastRequest, `${at} request ${number} is a number that was used`);
    if (record instanceof Ending) {
      endings++;
      continue;
    }
    expect(record.sessionState === session, `${at} request ${number} knows its session`);
    expect(state.keys.get(record.keyState.name) === record.keyState, `${at} request ${number} has a key that exists`);
    expect(record.ticket > lastTicket && number > lastNumber, `${at} request ${number} comes in order of arrival`);
    lastTicket = record.ticket;
    lastNumber = number;
    if (record.held) {
      held++;
    } else {
      waiting++;
    }
  }
  expect(session.heldCount === held, `${at} ${held} requests hold, as counted (${session.heldCount})`);
  expect(session.waitingCount === waiting, `${at} ${waiting} requests wait, as counted (${session.waitingCount})`);
  const { olderHashes } = session;
  expect(
    olderHashes === null || (session.resumable && olderHashes.length > 0),
    `${at} only a resumable session has older secrets`,
  );
  expect(session.sinceMs <= state.nowMs, `${at} it does not come from the future`);
  checkEndings(session, endings);
  return held + waiting;
}

function checkEndings(session: SessionState, count: number): void {
  const at = `session ${session.id}:`;
  expect(session.acked <= session.lastEnd, `${at} nothing is acknowledged that has not ended`);
  let lastEnd = session.acked;
  let newest: Ending | null = null;
  let listed = 0;
  for (let ending = session.oldestEnding; ending !== null; ending = ending.next) {
    expect(session.records?.get(ending.number) === ending, `${at} ending ${ending.end} is on record`);
    expect(ending.end > lastEnd, `${at} ending ${ending.end} is in order and not acknowledged`);
    lastEnd = ending.end;
    newest = ending;
    listed++;
  }
  expect(lastEnd <= session.lastEnd, `${at} ending ${lastEnd} is a number that was given`);
  expect(session.newestEnding === newest, `${at} the newest ending is the end of the list`);
  expect(listed === count, `${at} all ${count} endings are in the list`);
}

function checkDeadlines(state: State, timed: number): void {
  const { deadlines, nowMs } = state;
  expect(deadlines.size === timed, `${timed} requests have a deadline, as in the heap (${deadlines.size})`);
  for (const request of deadlines) {
    const who = `request ${request.number} of session ${request.sessionState.id}`;
    expect(deadlines.has(request), `${who} knows its index in the heap`);
    expect(Number.isSafeInteger(request.dueMs) && request.dueMs > nowMs, `${who} is due in the future`);
    expect(request.dueMs >= deadlines.nextDueMs, `${who} is not due before the first of the heap`);
    expect(request.sessionState.records?.get(request.number) === request, `${who} is live`);
  }
  for (const key of state.keys.values()) {
    for (let request = key.first; request !== null; request = request.next) {
      expect(
        (request.dueMs === NEVER) === (request.heapIndex === -1),
        'a request is in the heap when it has a deadline',
      );
    }
  }
}

function expect(holds: boolean, rule: string): void {
  if (!holds) {
    throw new Error(`broken invariant: ${rule}`);
  }
}

/**
 * The whole state as rows of primitives, and back. Canonical: states made by the same entries give the same rows, whether or not a
 * snapshot lay in between; the order of every map and list is in the order of the rows.
 *
 * | row | what follows |
 * | --- | --- |
 * | `holdfast`, version | index, term, nowMs, token, ticket, the three limits |
 * | `session` | id, client, timeoutMs, sinceMs, secretHash or null, previousHash or null, acked, lastRequest, lastEnd |
 * | `ended` | an ending of the session above: request number, key, end, code, token or null, meta |
 * | `key` | name |
 * | `request` | a request of the key above, holders first: session, number, mode, token (0: waits), ticket, sinceMs, dueMs or null, leaseMs or null, wantsPlace, meta |
 * | `end` | how many rows came before it |
 *
 * Meta is `false`, or `true` and then names and values in turn, to the end of the row.
 */
import type { Meta, Mode } from './commands.js';
import { setDue } from './requests.js';
import { appendHolder, appendWaiting } from './request-list.js';
import { Records } from './records.js';
import { RowReader } from './row-reader.js';
import { Ending, KeyState, NEVER, type RememberedCode, Request, SessionState, State, termsOf } from './state.js';

export type SnapshotValue = string | number | boolean | null;
export type SnapshotRow = readonly SnapshotValue[];

const VERSION = 1;

const MODES: Readonly<Record<Mode, true>> = { exclusive: true, shared: true };

const CODES: Readonly<Record<RememberedCode, true>> = {
  RELEASED: true,
  CANCELLED: true,
  HELD: true,
  WAIT_TIMEOUT: true,
  LEASE_OVER: true,
  REVOKED: true,
};

/** Writes the rows one by one. Throws when the state moves on before the last one is read. */
export function* writeSnapshot(state: State): IterableIterator<SnapshotRow> {
  const { index } = state;
  let count = 0;
  for (const row of rowsOf(state)) {
    if (state.index !== index) {
      throw new Error(`the snapshot of entry ${index} was not read to its end before entry ${state.index}`);
    }
    yield row;
    count++;
  }
  yield ['end', count];
}

function* rowsOf(state: State): IterableIterator<SnapshotRow> {
  const { sessionsMax, requestsPerSessionMax, queueLengthMax } = state.limits;
  const { index, term, nowMs, token, ticket } = state;
  yield ['holdfast', VERSION, index, term, nowMs, token, ticket, sessionsMax, requestsPerSessionMax, queueLengthMax];
  for (const session of state.sessions.values()) {
    yield sessionRow(session);
    for (let ending = session.oldestEnding; ending !== null; ending = ending.next) {
      yield endingRow(ending);
    }
  }
  for (const key of state.keys.values()) {
    yield ['key', key.name];
    for (let request = key.first; request !== null; request = request.next) {
      yield requestRow(request);
    }
  }
}

function sessionRow(session: SessionState): SnapshotRow {
  const { id, client, timeoutMs, sinceMs, secretHash, previousHash, acked, lastRequest, lastEnd } = session;
  return ['session', id, client, timeoutMs, sinceMs, secretHash, previousHash, acked, lastRequest, lastEnd];
}

function endingRow(ending: Ending): SnapshotRow {
  const { number, key, end, code, token, detail } = ending;
  return ['ended', number, key, end, code, token, ...metaValues(detail)];
}

function requestRow(request: Request): SnapshotRow {
  const { number, mode, token, ticket, sinceMs, leaseMs, wantsPlace } = request;
  const dueMs = request.dueMs === NEVER ? null : request.dueMs;
  const session = request.sessionState.id;
  return [
    'request',
    session,
    number,
    mode,
    token,
    ticket,
    sinceMs,
    dueMs,
    leaseMs,
    wantsPlace,
    ...metaValues(request.meta),
  ];
}

function metaValues(meta: Meta | null): SnapshotValue[] {
  return meta === null ? [false] : [true, ...Object.entries(meta).flat()];
}

/** Reads a whole snapshot. Throws, with the number of the row, on anything that writeSnapshot() does not write. */
export function readSnapshot(rows: Iterable<SnapshotRow>): State {
  const state = new State();
  const live: Request[] = [];
  let session: SessionState | null = null;
  let key: KeyState | null = null;
  let count = 0;
  let complete = false;
  for (const row of rows) {
    const reader = new RowReader(row, count);
    const kind = reader.text();
    if (complete || (count === 0) !== (kind === 'holdfast')) {
      reader.fail(`a row of kind ${kind} is not expected here`);
    }
    switch (kind) {
      case 'holdfast':
        readHeader(state, reader);
        break;
      case 'session':
        session = readSession(state, reader);
        break;
      case 'ended':
        readEnding(session ?? reader.fail('no session above'), reader);
        break;
      case 'key':
        key = readKey(state, reader);
        break;
      case 'request':
        live.push(readRequest(state, key ?? reader.fail('no key above'), reader));
        break;
      case 'end':
        complete = reader.integer() === count || reader.fail(`${count} rows came before it`);
        break;
      default:
        reader.fail(`unknown kind ${kind}`);
    }
    reader.finish();
    count++;
  }
  if (!complete) {
    throw new Error(`the snapshot is cut off after ${count} rows`);
  }
  recordInOrder(live);
  return state;
}

function readHeader(state: State, reader: RowReader): void {
  const version = reader.integer();
  if (version !== VERSION) {
    reader.fail(`version ${version} is not known, only version ${VERSION}`);
  }
  state.index = reader.integer();
  state.term = reader.integer();
  state.nowMs = reader.integer();
  state.token = reader.integer();
  state.ticket = reader.integer();
  state.limits = {
    sessionsMax: reader.integer(),
    requestsPerSessionMax: reader.integer(),
    queueLengthMax: reader.integer(),
  };
}

function readSession(state: State, reader: RowReader): SessionState {
  const id = reader.text();
  const client = reader.text();
  const timeoutMs = reader.integer();
  const sinceMs = reader.integer();
  const session = new SessionState(id, client, timeoutMs, sinceMs, reader.textOrNull());
  session.previousHash = reader.textOrNull();
  session.acked = reader.integer();
  session.lastRequest = reader.integer();
  session.lastEnd = reader.integer();
  if (state.sessions.has(id)) {
    reader.fail(`session ${id} is there twice`);
  }
  state.sessions.set(id, session);
  return session;
}

function readEnding(session: SessionState, reader: RowReader): void {
  const number = reader.integer();
  const key = reader.text();
  const end = reader.integer();
  const code = reader.oneOf(CODES);
  const token = reader.integerOrNull();
  session.record(new Ending(number, key, end, code, token, reader.meta()));
}

function readKey(state: State, reader: RowReader): KeyState {
  const name = reader.text();
  if (state.keys.has(name)) {
    reader.fail(`key ${name} is there twice`);
  }
  const key = new KeyState(name);
  state.keys.set(name, key);
  return key;
}

function readRequest(state: State, key: KeyState, reader: RowReader): Request {
  const id = reader.text();
  const session = state.sessions.get(id) ?? reader.fail(`session ${id} is not there`);
  const number = reader.integer();
  const mode = reader.oneOf(MODES);
  const token = reader.integer();
  const ticket = reader.integer();
  const sinceMs = reader.integer();
  const dueMs = reader.integerOrNull() ?? NEVER;
  const leaseMs = reader.integerOrNull();
  const terms = termsOf({ leaseMs, wantsPlace: reader.flag(), meta: reader.meta() });
  const request = new Request(number, mode, terms, key, session, ticket, sinceMs);
  if (token === 0) {
    appendWaiting(key, request);
    session.waitingCount++;
    state.waitingCount++;
  } else {
    request.token = token;
    appendHolder(key, request);
    session.heldCount++;
    state.heldCount++;
  }
  setDue(state, request, dueMs);
  return request;
}

/** The rows list requests by key; a session lists its requests by arrival. */
function recordInOrder(live: Request[]): void {
  live.sort((left, right) => left.ticket - right.ticket);
  for (const request of live) {
    const { sessionState } = request;
    sessionState.records ??= new Records();
    sessionState.records.set(request);
  }
}

/**
 * The whole state as rows of primitives. What is one thing of the state is one row, or the rows of a session and its endings; a row that
 * is about a session follows that session's row, though other rows may lie between.
 *
 * | row | what follows |
 * | --- | --- |
 * | `holdfast`, version | index, term, nowMs, token, ticket, the three limits |
 * | `session` | id, ticket, client, timeoutMs, sinceMs, acked, lastRequest, lastEnd, secretHash or null, how many older hashes, and these |
 * | `of` | id: the rows that follow are about this session, whose own row came before |
 * | `ended` | an ending of the session: request number, key, end, code, token or null, meta |
 * | `request` | a live request of the session: number, key, mode, token (0: waits), ticket, sinceMs, dueMs or null, leaseMs or null, wantsPlace, meta |
 * | `end` | how many rows came before it |
 *
 * Meta is `false`, or `true` and then names and values in turn, to the end of the row.
 */
import type { Meta } from './commands.js';
import { type Ending, NEVER, type Request, type SessionState, type State } from './state.js';

export type SnapshotValue = string | number | boolean | null;
export type SnapshotRow = readonly SnapshotValue[];

export const SNAPSHOT_VERSION = 1;

export function headerRow(state: State): SnapshotRow {
  const { sessionsMax, requestsPerSessionMax, queueLengthMax } = state.limits;
  const { index, term, nowMs, token, ticket } = state;
  return [
    'holdfast',
    SNAPSHOT_VERSION,
    index,
    term,
    nowMs,
    token,
    ticket,
    sessionsMax,
    requestsPerSessionMax,
    queueLengthMax,
  ];
}

export function sessionRow(session: SessionState): SnapshotRow {
  const { id, ticket, client, timeoutMs, sinceMs, acked, lastRequest, lastEnd, secretHash, olderHashes } = session;
  const row = [id, ticket, client, timeoutMs, sinceMs, acked, lastRequest, lastEnd, secretHash];
  return olderHashes === null ? ['session', ...row, 0] : ['session', ...row, olderHashes.length, ...olderHashes];
}

export function endingRow(ending: Ending): SnapshotRow {
  const { number, key, end, code, token, detail } = ending;
  return ['ended', number, key, end, code, token, ...metaValues(detail)];
}

export function requestRow(request: Request): SnapshotRow {
  const { number, keyState, mode, token, ticket, sinceMs, leaseMs, wantsPlace, meta } = request;
  const dueMs = request.dueMs === NEVER ? null : request.dueMs;
  // Most have no metadata, and there may be millions: no spread for them.
  return meta === null
    ? ['request', number, keyState.name, mode, token, ticket, sinceMs, dueMs, leaseMs, wantsPlace, false]
    : ['request', number, keyState.name, mode, token, ticket, sinceMs, dueMs, leaseMs, wantsPlace, ...metaValues(meta)];
}

function metaValues(meta: Meta | null): SnapshotValue[] {
  return meta === null ? [false] : [true, ...Object.entries(meta).flat()];
}

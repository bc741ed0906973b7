/** The machine's state as rows of results and state events (PROTOCOL.md, 5 and 6). Ages and remainders are relative to log time. */
import { type KeyView, type MachineView, type Meta, NEVER, type RequestView, type SessionView } from '@holdfast/core';
import { MODE_EXCLUSIVE, MODE_SHARED, type ModeNumber, type WatchEvent, type WatchedHold } from '@holdfast/protocol';
import { limits } from '../limits.js';

export type Row = Readonly<Record<string, unknown>>;

export function modeNumber(mode: 'exclusive' | 'shared'): ModeNumber {
  return mode === 'shared' ? MODE_SHARED : MODE_EXCLUSIVE;
}

function* first<T>(items: Iterable<T>, count: number): Iterable<T> {
  if (count === 0) return;
  let taken = 0;
  for (const item of items) {
    yield item;
    taken += 1;
    if (taken === count) return;
  }
}

function holdRow(hold: RequestView, nowMs: number): Row {
  return {
    session: hold.sessionState.id,
    request: hold.number,
    mode: hold.mode,
    token: hold.token,
    sinceMs: Math.max(0, nowMs - hold.sinceMs),
    leaseMs: hold.dueMs === NEVER ? null : Math.max(0, hold.dueMs - nowMs),
    meta: hold.meta,
  };
}

function waitingRow(request: RequestView, place: number, nowMs: number): Row {
  return {
    session: request.sessionState.id,
    request: request.number,
    mode: request.mode,
    place,
    sinceMs: Math.max(0, nowMs - request.sinceMs),
    waitMs: request.dueMs === NEVER ? null : Math.max(0, request.dueMs - nowMs),
    meta: request.meta,
  };
}

/** A row of `keys`. */
export function keySummary(key: KeyView, nowMs: number): Row {
  return {
    key: key.name,
    holds: [...first(key.holders(), limits.holdersListedMax)].map((hold) => holdRow(hold, nowMs)),
    held: key.heldCount,
    waiting: key.waitingCount,
  };
}

/** The row of `key`; also for a key that nobody holds or waits for. */
export function keyStatus(name: string, key: KeyView | undefined, nowMs: number): Row {
  if (key === undefined) return { key: name, holds: [], held: 0, waiting: 0, queue: [] };
  const queue = [...first(key.queue(), limits.queueListedMax)];
  return {
    ...keySummary(key, nowMs),
    queue: queue.map((request, index) => waitingRow(request, index + 1, nowMs)),
  };
}

/** A row of `sessions`. */
export function sessionRow(session: SessionView, connected: boolean, nowMs: number): Row {
  return {
    session: session.id,
    client: session.client,
    resumable: session.resumable,
    timeoutMs: session.timeoutMs,
    connected,
    held: session.heldCount,
    waiting: session.waitingCount,
    sinceMs: Math.max(0, nowMs - session.sinceMs),
  };
}

export function serverRow(
  machine: MachineView,
  facts: { node: string; version: string; draining: boolean; position: number },
  nowMs: number,
): Row {
  return {
    ...facts,
    term: machine.term,
    serverMs: nowMs,
    sessions: machine.sessionCount,
    keys: machine.keyCount,
    holds: machine.heldCount,
    waiting: machine.waitingCount,
  };
}

export function stateEvent(key: KeyView): WatchEvent {
  const holds = [...first(key.holders(), limits.holdersListedMax)].map((hold): WatchedHold => [
    hold.sessionState.id,
    hold.number,
    modeNumber(hold.mode),
    hold.token,
    hold.meta,
  ]);
  return ['state', key.name, holds, key.heldCount, key.waitingCount];
}

/** Upper estimate of what text and notes need on the wire: three bytes a code unit. */
export function textBytes(text: string): number {
  return text.length * 3;
}

export function metaBytes(meta: Meta | null): number {
  if (meta === null) return 1;
  let bytes = 3;
  for (const [name, value] of Object.entries(meta)) bytes += 10 + textBytes(name) + textBytes(value);
  return bytes;
}

/** Upper estimate of a key's row, with everything that may be listed of it. */
export function keyRowBytes(key: KeyView): number {
  let bytes = 64 + textBytes(key.name);
  for (const hold of first(key.holders(), limits.holdersListedMax)) bytes += 160 + metaBytes(hold.meta);
  return bytes;
}

/** Upper estimate of the row of `key`. */
export function keyStatusBytes(key: KeyView): number {
  let bytes = keyRowBytes(key);
  for (const request of first(key.queue(), limits.queueListedMax)) bytes += 160 + metaBytes(request.meta);
  return bytes;
}

/** What the service says about itself, its keys and its sessions, as typed objects. */
import type { Meta } from '@holdfast/protocol';
import { HoldfastError } from './errors.js';
import type { LockMode } from './options.js';

/** One row of a result, as it came. */
export type Row = Readonly<Record<string, unknown>>;

export interface HoldStatus {
  readonly session: string;
  readonly request: number;
  readonly mode: LockMode;
  readonly token: number;
  /** How long it has been held. */
  readonly sinceMs: number;
  /** What is left of its lease; null: it has none. */
  readonly leaseMs: number | null;
  readonly meta: Meta;
}

export interface WaiterStatus {
  readonly session: string;
  readonly request: number;
  readonly mode: LockMode;
  /** 1: the next to be granted. */
  readonly place: number;
  readonly sinceMs: number;
  /** What is left of its wait; null: it waits without limit. */
  readonly waitMs: number | null;
  readonly meta: Meta;
}

/** A key at one moment. `held` and `waiting` count all, `queue` has the first 100 of them. */
export interface KeyStatus {
  readonly key: string;
  readonly holds: readonly HoldStatus[];
  readonly held: number;
  readonly waiting: number;
  readonly queue: readonly WaiterStatus[];
}

/** A key that is held or waited for. `holds` has up to 16 of `held`. */
export type KeySummary = Omit<KeyStatus, 'queue'>;

export interface SessionSummary {
  readonly session: string;
  /** The name its client gave itself. */
  readonly client: string;
  readonly resumable: boolean;
  readonly timeoutMs: number;
  readonly connected: boolean;
  readonly held: number;
  readonly waiting: number;
  readonly sinceMs: number;
}

export interface ServerStatus {
  readonly node: string;
  readonly version: string;
  readonly term: number;
  readonly position: number;
  readonly serverMs: number;
  readonly sessions: number;
  readonly keys: number;
  readonly holds: number;
  readonly waiting: number;
  readonly draining: boolean;
}

const NO_META: Meta = {};

export function readKeySummary(row: Row): KeySummary {
  return {
    key: text(row, 'key'),
    holds: rows(row, 'holds').map(readHold),
    held: count(row, 'held'),
    waiting: count(row, 'waiting'),
  };
}

export function readKeyStatus(row: Row): KeyStatus {
  return { ...readKeySummary(row), queue: rows(row, 'queue').map(readWaiter) };
}

export function readSessionSummary(row: Row): SessionSummary {
  return {
    session: text(row, 'session'),
    client: text(row, 'client'),
    resumable: flag(row, 'resumable'),
    timeoutMs: count(row, 'timeoutMs'),
    connected: flag(row, 'connected'),
    held: count(row, 'held'),
    waiting: count(row, 'waiting'),
    sinceMs: count(row, 'sinceMs'),
  };
}

export function readServerStatus(row: Row): ServerStatus {
  return {
    node: text(row, 'node'),
    version: text(row, 'version'),
    term: count(row, 'term'),
    position: count(row, 'position'),
    serverMs: count(row, 'serverMs'),
    sessions: count(row, 'sessions'),
    keys: count(row, 'keys'),
    holds: count(row, 'holds'),
    waiting: count(row, 'waiting'),
    draining: flag(row, 'draining'),
  };
}

/** The answer to a forced release: how many holds it ended. */
export function readEnded(row: Row): number {
  return count(row, 'ended');
}

function readHold(row: Row): HoldStatus {
  return {
    session: text(row, 'session'),
    request: count(row, 'request'),
    mode: mode(row),
    token: count(row, 'token'),
    sinceMs: count(row, 'sinceMs'),
    leaseMs: countOrNull(row, 'leaseMs'),
    meta: meta(row),
  };
}

function readWaiter(row: Row): WaiterStatus {
  return {
    session: text(row, 'session'),
    request: count(row, 'request'),
    mode: mode(row),
    place: count(row, 'place'),
    sinceMs: count(row, 'sinceMs'),
    waitMs: countOrNull(row, 'waitMs'),
    meta: meta(row),
  };
}

function text(row: Row, name: string): string {
  const value = row[name];
  if (typeof value === 'string') return value;
  throw unreadable(name);
}

function count(row: Row, name: string): number {
  const value = row[name];
  if (typeof value === 'number') return value;
  throw unreadable(name);
}

function countOrNull(row: Row, name: string): number | null {
  return (row[name] ?? null) === null ? null : count(row, name);
}

function flag(row: Row, name: string): boolean {
  const value = row[name];
  if (typeof value === 'boolean') return value;
  throw unreadable(name);
}

function mode(row: Row): LockMode {
  const value = row['mode'];
  if (value === 'exclusive' || value === 'shared') return value;
  throw unreadable('mode');
}

function rows(row: Row, name: string): Row[] {
  const value = row[name];
  if (Array.isArray(value) && value.every(isRow)) return value;
  throw unreadable(name);
}

function meta(row: Row): Meta {
  const value = row['meta'] ?? null;
  if (value === null) return NO_META;
  if (isRow(value)) return Object.fromEntries(Object.keys(value).map((name) => [name, text(value, name)]));
  throw unreadable('meta');
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unreadable(name: string): HoldfastError {
  return new HoldfastError('BAD_ANSWER', `the service answered without a readable "${name}"`);
}

/** Short ways to write messages in tests. */
import { expect } from 'vitest';
import type {
  AcquireMessage,
  ErrorMessage,
  EventsMessage,
  QueryMessage,
  QueryOptions,
  QueryWhat,
  ResultMessage,
  ServerMessage,
  WatchEvent,
  WatchMessage,
} from '@holdfast/protocol';

/** Stands for a number that a test does not foretell, as a fencing token. */
export const NUMBER: unknown = expect.any(Number);

export interface AcquireExtras {
  readonly acked?: number;
  readonly shared?: boolean;
  readonly waitMs?: number;
  readonly leaseMs?: number;
  readonly place?: boolean;
  readonly meta?: Readonly<Record<string, string>>;
}

export function acquire(request: number, key: string, extras: AcquireExtras = {}): AcquireMessage {
  const { acked = 0, shared = false, waitMs = null, leaseMs = null, place = false, meta = null } = extras;
  return [2, request, acked, key, shared ? 1 : 0, waitMs, leaseMs, place ? 1 : 0, meta];
}

export function watch(number: number, pattern: string, after: number | null = null, state = false): WatchMessage {
  return [6, number, pattern, after, state];
}

export function query(call: number, what: QueryWhat, options: QueryOptions = {}): QueryMessage {
  return [8, call, what, options];
}

/** A grant of this request with any token, as it is decoded. */
export function granted(request: number, leaseEndMs: unknown = null): unknown[] {
  return [66, request, expect.any(Number), leaseEndMs];
}

export function released(request: number, end: number): unknown[] {
  return [68, request, end, 'RELEASED', null];
}

/** Codes of the errors among `messages`. */
export function errorCodes(messages: readonly ServerMessage[]): string[] {
  return messages.filter((message): message is ErrorMessage => message[0] === 70).map((message) => message[3]);
}

export function resultsOf(messages: readonly ServerMessage[], call: number): ResultMessage[] {
  return messages.filter((message): message is ResultMessage => message[0] === 73 && message[1] === call);
}

export function eventsOf(messages: readonly ServerMessage[], number = 1): EventsMessage[] {
  return messages.filter((message): message is EventsMessage => message[0] === 71 && message[1] === number);
}

/** What is in the events messages of one watch, position by position. */
export function toldEvents(messages: readonly ServerMessage[], number = 1): WatchEvent[] {
  return eventsOf(messages, number).flatMap(([, , , events]) => [...events]);
}

/** Positions of the events messages of the first watch. */
export function positions(messages: readonly ServerMessage[]): number[] {
  return eventsOf(messages).map(([, , position]) => position);
}

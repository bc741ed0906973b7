/**
 * The messages of PROTOCOL.md as TypeScript: on the wire each is an array whose first element is its type; here they are the same arrays as labelled tuples.
 * Decoded client messages are always full length: left-out trailing elements have their defaults filled in.
 */

/** Type numbers. Client to server below 64, server to client from 64. */
export const MessageType = {
  hello: 1,
  acquire: 2,
  release: 3,
  cancel: 4,
  extend: 5,
  watch: 6,
  unwatch: 7,
  query: 8,
  probe: 9,
  goodbye: 10,
  force: 11,
  welcome: 64,
  restore: 65,
  granted: 66,
  queued: 67,
  ended: 68,
  extended: 69,
  error: 70,
  events: 71,
  gap: 72,
  result: 73,
  heard: 74,
  beat: 75,
  elsewhere: 76,
  watching: 77,
} as const;

export type Meta = Readonly<Record<string, string>>;

/** 0 exclusive, 1 shared. */
export type ModeNumber = 0 | 1;
export const MODE_EXCLUSIVE = 0;
export const MODE_SHARED = 1;

/** Bits of acquire's `flags`. */
export const FLAG_PLACE = 1;

// ---- client to server -------------------------------------------------------------------------------------------------

export interface HelloOptions {
  readonly client?: string;
  readonly resumable?: boolean;
  readonly timeoutMs?: number;
  readonly beats?: boolean;
  readonly session?: string;
  readonly secret?: Uint8Array;
  readonly auth?: string;
}

export type HelloMessage = readonly [type: 1, options: HelloOptions];
export type AcquireMessage = readonly [
  type: 2,
  request: number,
  acked: number,
  key: string,
  mode: ModeNumber,
  waitMs: number | null,
  leaseMs: number | null,
  flags: number,
  meta: Meta | null,
];
export type ReleaseMessage = readonly [type: 3, request: number];
export type CancelMessage = readonly [type: 4, request: number];
export type ExtendMessage = readonly [type: 5, request: number, leaseMs: number | null];
export type WatchMessage = readonly [type: 6, watch: number, pattern: string, after: number | null, state: boolean];
export type UnwatchMessage = readonly [type: 7, watch: number];

export type QueryOptions = { readonly key?: string; readonly pattern?: string; readonly limit?: number };
export type QueryWhat = 'key' | 'keys' | 'sessions' | 'server';
export type QueryMessage = readonly [type: 8, call: number, what: QueryWhat, options: QueryOptions];
export type ProbeMessage = readonly [type: 9, number: number];
export type GoodbyeMessage = readonly [type: 10];
export type ForceMessage = readonly [type: 11, call: number, key: string, token: number | null, reason: string];

export type ClientMessage =
  | HelloMessage
  | AcquireMessage
  | ReleaseMessage
  | CancelMessage
  | ExtendMessage
  | WatchMessage
  | UnwatchMessage
  | QueryMessage
  | ProbeMessage
  | GoodbyeMessage
  | ForceMessage;

// ---- server to client -------------------------------------------------------------------------------------------------

export interface WelcomeLimits {
  readonly requests: number;
  readonly watches: number;
  readonly keyBytes: number;
  readonly frameBytes: number;
}

export interface WelcomeFacts {
  readonly session: string;
  readonly secret?: Uint8Array;
  readonly resumed: boolean;
  readonly timeoutMs: number;
  readonly pingMs: number;
  readonly serverMs: number;
  readonly acked: number;
  readonly lastRequest: number;
  readonly node: string;
  readonly term: number;
  readonly features: readonly string[];
  readonly limits: WelcomeLimits;
}

export type WelcomeMessage = readonly [type: 64, facts: WelcomeFacts];
export type RestoredHold = readonly [
  request: number,
  key: string,
  mode: ModeNumber,
  token: number,
  leaseEndMs: number | null,
];
export type RestoredQueued = readonly [request: number, key: string, mode: ModeNumber, place: number];
export type RestoreMessage = readonly [
  type: 65,
  holds: readonly RestoredHold[],
  queued: readonly RestoredQueued[],
  last: boolean,
];
export type GrantedMessage = readonly [type: 66, request: number, token: number, leaseEndMs?: number | null];
export type QueuedMessage = readonly [type: 67, request: number, place: number, length: number];
export type EndedMessage = readonly [type: 68, request: number, end: number, code?: string, detail?: Meta | null];
export type ExtendedMessage = readonly [type: 69, request: number, leaseEndMs?: number | null];
export type ErrorMessage = readonly [
  type: 70,
  about: number,
  id: number,
  code: string,
  retry: RetryClass,
  text: string,
];

export type WatchEvent =
  | readonly [
      kind: 'queued',
      key: string,
      session: string,
      request: number,
      mode: ModeNumber,
      place: number,
      meta: Meta | null,
    ]
  | readonly [
      kind: 'granted',
      key: string,
      session: string,
      request: number,
      mode: ModeNumber,
      token: number,
      meta: Meta | null,
    ]
  | readonly [kind: 'ended', key: string, session: string, request: number, code: string, token: number | null]
  | readonly [kind: 'state', key: string, holds: readonly WatchedHold[], held: number, waiting: number]
  | readonly [kind: 'synced'];
export type WatchedHold = readonly [
  session: string,
  request: number,
  mode: ModeNumber,
  token: number,
  meta: Meta | null,
];
export type EventsMessage = readonly [type: 71, watch: number, position: number, events: readonly WatchEvent[]];
export type GapMessage = readonly [type: 72, watch: number, after: number, position: number];
export type ResultMessage = readonly [
  type: 73,
  call: number,
  rows: readonly Readonly<Record<string, unknown>>[],
  more: boolean,
];
export type HeardMessage = readonly [type: 74, number: number, serverMs: number];
export type BeatMessage = readonly [type: 75, number: number, heard: number, heardMs: number];
export interface ElsewhereFacts {
  readonly reason: 'DRAINING' | 'NOT_LEADER';
  readonly urls: readonly string[];
  readonly delayMs: number;
}
export type ElsewhereMessage = readonly [type: 76, facts: ElsewhereFacts];
export type WatchingMessage = readonly [type: 77, watch: number, position: number];

export type ServerMessage =
  | WelcomeMessage
  | RestoreMessage
  | GrantedMessage
  | QueuedMessage
  | EndedMessage
  | ExtendedMessage
  | ErrorMessage
  | EventsMessage
  | GapMessage
  | ResultMessage
  | HeardMessage
  | BeatMessage
  | ElsewhereMessage
  | WatchingMessage;

/** Payload of a WebSocket ping frame, as MessagePack. */
export type PingPayload = readonly [number: number, heard: number, heardMs: number];

/** How a caller may go on after an error: see PROTOCOL.md, 7. */
export type RetryClass = 'never' | 'after-reconnect' | 'same-request';

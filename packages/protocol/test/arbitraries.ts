/** Arbitrary messages of both directions, of full length as decoding gives them. */
import fc from 'fast-check';
import {
  AUTH_BYTES_MAX,
  CLIENT_NAME_BYTES_MAX,
  DURATION_MS_MAX,
  KEY_BYTES_MAX,
  META_ENTRIES_MAX,
  PATTERN_BYTES_MAX,
  QUERY_ROWS_MAX,
  REASON_BYTES_MAX,
  SECRET_BYTES,
  SESSION_TIMEOUT_MS_MAX,
  SESSION_TIMEOUT_MS_MIN,
} from '../src/limits.js';
import type { ClientMessage, HelloOptions, Meta, ServerMessage, WatchEvent, WelcomeFacts } from '../src/messages.js';
import { utf8Length } from '../src/utf8.js';

/** Integers at the edges of every MessagePack form, and any others. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 2 ** 31 - 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];

function integer(min = 0, max = Number.MAX_SAFE_INTEGER): fc.Arbitrary<number> {
  const edges = EDGES.filter((edge) => edge >= min && edge <= max);
  return fc.oneof(fc.constantFrom(min, max, ...edges), fc.integer({ min, max }));
}

/** Text of any code points that UTF-8 can say, of `bytesMin` to `bytesMax` bytes. */
function text(bytesMin: number, bytesMax: number): fc.Arbitrary<string> {
  const ascii = fc.string({ unit: 'binary-ascii', minLength: bytesMin, maxLength: bytesMax });
  const any = fc.string({ unit: 'binary', minLength: bytesMin, maxLength: bytesMax });
  const long = fc.integer({ min: bytesMin, max: bytesMax }).map((length) => 'k'.repeat(length));
  return fc.oneof(ascii, any, long).filter((value) => utf8Length(value) >= bytesMin && utf8Length(value) <= bytesMax);
}

/** Names that an object has without having been given them. */
const TREACHEROUS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '0', '4294967294', ''];
/** A record with the prototype that decoded maps have. */
function record<T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model).map((value) => ({ ...value }));
}

const mapKey = fc.oneof(text(0, 40), fc.constantFrom(...TREACHEROUS));

const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });
const requestNumber = integer(1);
const durationMs = integer(0, DURATION_MS_MAX);
const leaseMs = integer(1, DURATION_MS_MAX);
const key = text(1, KEY_BYTES_MAX);
const pattern = text(0, PATTERN_BYTES_MAX);
const mode = fc.constantFrom<0 | 1>(0, 1);
const secret = fc
  .uint8Array({ minLength: SECRET_BYTES, maxLength: SECRET_BYTES })
  .map((bytes) => Uint8Array.from(bytes));
/** Within the bounds that a request's meta has: 16 times 20 code points of at most 3 bytes and as much again for the values would be too much. */
const meta: fc.Arbitrary<Meta> = fc
  .uniqueArray(fc.tuple(fc.oneof(text(0, 20), fc.constantFrom(...TREACHEROUS)), text(0, 40)), {
    maxLength: META_ENTRIES_MAX,
    selector: ([name]) => name,
  })
  .map((entries) => Object.fromEntries(entries));

const helloOptions: fc.Arbitrary<HelloOptions> = fc
  .tuple(
    record({
      client: fc.oneof(fc.constant(''), text(1, CLIENT_NAME_BYTES_MAX)),
      resumable: fc.boolean(),
      timeoutMs: integer(SESSION_TIMEOUT_MS_MIN, SESSION_TIMEOUT_MS_MAX),
      beats: fc.boolean(),
    }),
    fc.oneof(fc.constant({}), record({ session: text(0, 40), secret })),
    fc.oneof(fc.constant({}), record({ auth: text(0, AUTH_BYTES_MAX) })),
  )
  .map(([always, resume, auth]) => ({ ...always, ...resume, ...auth }));

export const clientMessage: fc.Arbitrary<ClientMessage> = fc.oneof(
  fc.tuple(fc.constant(1), helloOptions),
  fc.tuple(
    fc.constant(2),
    requestNumber,
    integer(),
    key,
    mode,
    nullable(durationMs),
    nullable(leaseMs),
    fc.constantFrom(0, 1),
    nullable(meta),
  ),
  fc.tuple(fc.constant(3), requestNumber),
  fc.tuple(fc.constant(4), requestNumber),
  fc.tuple(fc.constant(5), requestNumber, nullable(leaseMs)),
  fc.tuple(fc.constant(6), integer(), pattern, nullable(integer()), fc.boolean()),
  fc.tuple(fc.constant(7), integer()),
  fc.tuple(fc.constant(8), integer(), fc.constant('key'), record({ key })),
  fc.tuple(
    fc.constant(8),
    integer(),
    fc.constant('keys'),
    record({ pattern: fc.oneof(fc.constant('**'), pattern), limit: integer(1, QUERY_ROWS_MAX) }),
  ),
  fc.tuple(fc.constant(8), integer(), fc.constant('sessions'), record({ limit: integer(1, QUERY_ROWS_MAX) })),
  fc.tuple(fc.constant(8), integer(), fc.constant('server'), fc.constant({})),
  fc.tuple(fc.constant(9), requestNumber),
  fc.tuple(fc.constant(10)),
  fc.tuple(fc.constant(11), integer(), key, nullable(integer()), text(0, REASON_BYTES_MAX)),
);

const shortText = text(0, 80);

/** A value as `result` rows may hold one, up to three levels of containers deep. */
export const wireValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(
      fc.constant(null),
      fc.boolean(),
      integer(),
      integer().map((n) => 0 - n),
      fc.double({ noNaN: true }).filter((n) => !Number.isInteger(n)),
      shortText,
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes)),
    ),
    fc.array(tie('value'), { maxLength: 40 }),
    fc
      .uniqueArray(fc.tuple(mapKey, tie('value')), { maxLength: 40, selector: ([name]) => name })
      .map((entries) => Object.fromEntries(entries)),
  ),
})).value;

const row = fc
  .uniqueArray(fc.tuple(mapKey, wireValue), { maxLength: 8, selector: ([name]) => name })
  .map((entries): Record<string, unknown> => Object.fromEntries(entries));

const welcomeFacts: fc.Arbitrary<WelcomeFacts> = fc
  .tuple(
    record({
      session: shortText,
      resumed: fc.boolean(),
      timeoutMs: integer(),
      pingMs: integer(),
      serverMs: integer(),
      acked: integer(),
      lastRequest: integer(),
      node: shortText,
      term: integer(),
      features: fc.array(shortText, { maxLength: 8 }),
      limits: record({ requests: integer(), watches: integer(), keyBytes: integer(), frameBytes: integer() }),
    }),
    fc.oneof(fc.constant({}), record({ secret })),
  )
  .map(([always, resumable]) => ({ ...always, ...resumable }));

const watchEvent: fc.Arbitrary<WatchEvent> = fc.oneof(
  fc.tuple(fc.constant('queued'), key, shortText, requestNumber, mode, integer(), nullable(meta)),
  fc.tuple(fc.constant('granted'), key, shortText, requestNumber, mode, integer(), nullable(meta)),
  fc.tuple(fc.constant('ended'), key, shortText, requestNumber, shortText, nullable(integer())),
  fc.tuple(
    fc.constant('state'),
    key,
    fc.array(fc.tuple(shortText, requestNumber, mode, integer(), nullable(meta)), { maxLength: 16 }),
    integer(),
    integer(),
  ),
  fc.tuple(fc.constant('synced')),
);

export const serverMessage: fc.Arbitrary<ServerMessage> = fc.oneof(
  fc.tuple(fc.constant(64), welcomeFacts),
  fc.tuple(
    fc.constant(65),
    fc.array(fc.tuple(requestNumber, key, mode, integer(), nullable(integer())), { maxLength: 20 }),
    fc.array(fc.tuple(requestNumber, key, mode, integer()), { maxLength: 20 }),
    fc.boolean(),
  ),
  fc.tuple(fc.constant(66), requestNumber, integer(), nullable(integer())),
  fc.tuple(fc.constant(67), requestNumber, integer(), integer()),
  fc.tuple(
    fc.constant(68),
    requestNumber,
    integer(),
    fc.oneof(fc.constantFrom('RELEASED', 'HELD'), shortText),
    nullable(meta),
  ),
  fc.tuple(fc.constant(69), requestNumber, nullable(integer())),
  fc.tuple(
    fc.constant(70),
    integer(),
    integer(),
    shortText,
    fc.constantFrom('never', 'after-reconnect', 'same-request'),
    shortText,
  ),
  fc.tuple(fc.constant(71), integer(), integer(), fc.array(watchEvent, { maxLength: 8 })),
  fc.tuple(fc.constant(72), integer(), integer(), integer()),
  fc.tuple(fc.constant(73), integer(), fc.array(row, { maxLength: 8 }), fc.boolean()),
  fc.tuple(fc.constant(74), integer(), integer()),
  fc.tuple(fc.constant(75), integer(), integer(), integer()),
  fc.tuple(
    fc.constant(76),
    record({
      reason: fc.constantFrom('DRAINING', 'NOT_LEADER'),
      urls: fc.array(shortText, { maxLength: 5 }),
      delayMs: integer(),
    }),
  ),
  fc.tuple(fc.constant(77), integer(), integer()),
);

/**
 * Messages of the server, read as PROTOCOL.md, section 1 asks of clients: unknown types, unknown elements after the known ones, unknown map
 * keys and unknown kinds of event are left out; known ones must have their shape. Defaults are filled in.
 */
import { SECRET_BYTES } from './limits.js';
import type {
  ElsewhereFacts,
  RestoredHold,
  RestoredQueued,
  RetryClass,
  ServerMessage,
  WelcomeFacts,
  WelcomeLimits,
} from './messages.js';
import { MessageType } from './messages.js';
import { readEvents } from './read-events.js';
import { checkAtLeast, readList, readMode, readTuple } from './read-lists.js';
import type { Fields } from './read-maps.js';
import { readFields, readMetaOrNil } from './read-maps.js';
import type { Reader } from './reader.js';

/** Nesting levels: 1 the frame, 2 a message, 3 its elements, 4 the items of a list, 5 their elements. */
const ELEMENT_LEVEL = 3;
const ITEM_LEVEL = 4;
const ITEM_ELEMENT_LEVEL = 5;

/** For each known type, how many of its elements this version knows, and how many of them cannot be left out. */
const ELEMENTS = new Map<number, readonly [required: number, known: number]>([
  [MessageType.welcome, [2, 2]],
  [MessageType.restore, [4, 4]],
  [MessageType.granted, [3, 4]],
  [MessageType.queued, [4, 4]],
  [MessageType.ended, [3, 5]],
  [MessageType.extended, [2, 3]],
  [MessageType.error, [6, 6]],
  [MessageType.events, [4, 4]],
  [MessageType.gap, [4, 4]],
  [MessageType.result, [4, 4]],
  [MessageType.heard, [3, 3]],
  [MessageType.beat, [4, 4]],
  [MessageType.elsewhere, [2, 2]],
  [MessageType.watching, [3, 3]],
]);

/** One message, or null when its type is not known. */
export function readServerMessage(reader: Reader): ServerMessage | null {
  const count = reader.arrayHeader('a message');
  if (count === 0) throw reader.refusal('a message without a type');
  const type = reader.integer('the type of a message');
  const elements = ELEMENTS.get(type);
  if (elements !== undefined) checkAtLeast(reader, `a message of type ${type}`, count, elements[0]);
  const message = readElements(reader, type, count);
  reader.skip(count - (elements?.[1] ?? 1), ELEMENT_LEVEL);
  return message;
}

function readElements(reader: Reader, type: number, count: number): ServerMessage | null {
  switch (type) {
    case MessageType.granted: {
      const request = reader.integer('granted: request');
      const token = reader.integer('granted: token');
      return [type, request, token, count > 3 ? reader.integerOrNil('granted: leaseEndMs') : null];
    }
    case MessageType.ended: {
      const request = reader.integer('ended: request');
      const end = reader.integer('ended: end');
      const code = count > 3 ? reader.string('ended: code') : 'RELEASED';
      return [type, request, end, code, count > 4 ? readMetaOrNil(reader, 'ended: detail') : null];
    }
    case MessageType.queued:
      return [
        type,
        reader.integer('queued: request'),
        reader.integer('queued: place'),
        reader.integer('queued: length'),
      ];
    case MessageType.extended: {
      const request = reader.integer('extended: request');
      return [type, request, count > 2 ? reader.integerOrNil('extended: leaseEndMs') : null];
    }
    case MessageType.heard:
      return [type, reader.integer('heard: number'), reader.integer('heard: serverMs')];
    case MessageType.beat:
      return [type, reader.integer('beat: number'), reader.integer('beat: heard'), reader.integer('beat: heardMs')];
    case MessageType.error:
      return [
        type,
        reader.integer('error: type'),
        reader.integer('error: id'),
        reader.string('error: code'),
        readRetryClass(reader),
        reader.string('error: text'),
      ];
    case MessageType.events:
      return [type, reader.integer('events: watch'), reader.integer('events: position'), readEvents(reader)];
    case MessageType.gap:
      return [type, reader.integer('gap: watch'), reader.integer('gap: after'), reader.integer('gap: position')];
    case MessageType.watching:
      return [type, reader.integer('watching: watch'), reader.integer('watching: position')];
    case MessageType.result:
      return [
        type,
        reader.integer('result: call'),
        readList(reader, 'result: rows', (from) => from.mapValue('result: a row', ITEM_LEVEL)),
        reader.boolean('result: more'),
      ];
    case MessageType.welcome:
      return [type, readWelcomeFacts(reader)];
    case MessageType.restore:
      return [
        type,
        readList(reader, 'restore: holds', readRestoredHold),
        readList(reader, 'restore: queued', readRestoredQueued),
        reader.boolean('restore: last'),
      ];
    case MessageType.elsewhere:
      return [type, readElsewhereFacts(reader)];
    default:
      return null;
  }
}

function readRetryClass(reader: Reader): RetryClass {
  const retry = reader.string('error: retry');
  if (retry === 'never' || retry === 'after-reconnect' || retry === 'same-request') return retry;
  throw reader.refusal('error: retry: expected "never", "after-reconnect" or "same-request"');
}

function readRestoredHold(reader: Reader): RestoredHold {
  return readTuple<RestoredHold>(reader, 'restore: a hold', 5, ITEM_ELEMENT_LEVEL, (from) => [
    from.integer('restore: request'),
    from.string('restore: key'),
    readMode(from),
    from.integer('restore: token'),
    from.integerOrNil('restore: leaseEndMs'),
  ]);
}

function readRestoredQueued(reader: Reader): RestoredQueued {
  return readTuple<RestoredQueued>(reader, 'restore: a queued request', 4, ITEM_ELEMENT_LEVEL, (from) => [
    from.integer('restore: request'),
    from.string('restore: key'),
    readMode(from),
    from.integer('restore: place'),
  ]);
}

const LIMITS_FIELDS: Fields<WelcomeLimits> = {
  requests: (reader) => reader.integer('welcome: limits: requests'),
  watches: (reader) => reader.integer('welcome: limits: watches'),
  keyBytes: (reader) => reader.integer('welcome: limits: keyBytes'),
  frameBytes: (reader) => reader.integer('welcome: limits: frameBytes'),
};

const WELCOME_FIELDS: Fields<WelcomeFacts> = {
  session: (reader) => reader.string('welcome: session'),
  secret: (reader) => reader.binary('welcome: secret', SECRET_BYTES),
  resumed: (reader) => reader.boolean('welcome: resumed'),
  timeoutMs: (reader) => reader.integer('welcome: timeoutMs'),
  pingMs: (reader) => reader.integer('welcome: pingMs'),
  serverMs: (reader) => reader.integer('welcome: serverMs'),
  acked: (reader) => reader.integer('welcome: acked'),
  lastRequest: (reader) => reader.integer('welcome: lastRequest'),
  node: (reader) => reader.string('welcome: node'),
  term: (reader) => reader.integer('welcome: term'),
  features: (reader) => readList(reader, 'welcome: features', (from) => from.string('welcome: a feature')),
  limits: (reader) => {
    const limits = readFields(reader, 'welcome: limits', LIMITS_FIELDS, ITEM_LEVEL);
    const { requests, watches, keyBytes, frameBytes } = limits;
    if (requests === undefined || watches === undefined || keyBytes === undefined || frameBytes === undefined) {
      throw missing(reader, 'welcome: limits', limits, LIMITS_FIELDS);
    }
    return { requests, watches, keyBytes, frameBytes };
  },
};

function readWelcomeFacts(reader: Reader): WelcomeFacts {
  const facts = readFields(reader, 'welcome', WELCOME_FIELDS, ELEMENT_LEVEL);
  const { session, secret, resumed, timeoutMs, pingMs, serverMs, acked, lastRequest, node, term, features, limits } =
    facts;
  if (
    session === undefined ||
    resumed === undefined ||
    timeoutMs === undefined ||
    pingMs === undefined ||
    serverMs === undefined ||
    acked === undefined ||
    lastRequest === undefined ||
    node === undefined ||
    term === undefined ||
    features === undefined ||
    limits === undefined
  ) {
    throw missing(reader, 'welcome', { ...facts, secret: null }, WELCOME_FIELDS);
  }
  const required = { session, resumed, timeoutMs, pingMs, serverMs, acked, lastRequest, node, term, features, limits };
  return secret === undefined ? required : { ...required, secret };
}

const ELSEWHERE_FIELDS: Fields<ElsewhereFacts> = {
  reason: (reader) => {
    const reason = reader.string('elsewhere: reason');
    if (reason === 'DRAINING' || reason === 'NOT_LEADER') return reason;
    throw reader.refusal('elsewhere: reason: expected "DRAINING" or "NOT_LEADER"');
  },
  urls: (reader) => readList(reader, 'elsewhere: urls', (from) => from.string('elsewhere: a URL')),
  delayMs: (reader) => reader.integer('elsewhere: delayMs'),
};

function readElsewhereFacts(reader: Reader): ElsewhereFacts {
  const facts = readFields(reader, 'elsewhere', ELSEWHERE_FIELDS, ELEMENT_LEVEL);
  const { reason, urls, delayMs } = facts;
  if (reason === undefined || urls === undefined || delayMs === undefined) {
    throw missing(reader, 'elsewhere', facts, ELSEWHERE_FIELDS);
  }
  return { reason, urls, delayMs };
}

/** The error for the first of `fields` that `found` has not. */
function missing(reader: Reader, what: string, found: object, fields: object): Error {
  const name = Object.keys(fields).find((key) => !Object.hasOwn(found, key));
  return reader.refusal(`${what}: ${name} is missing`);
}

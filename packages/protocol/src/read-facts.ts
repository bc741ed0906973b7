/** The maps of facts in a welcome and in an elsewhere. */
import { SECRET_BYTES } from './limits.js';
import type { ElsewhereFacts, WelcomeFacts, WelcomeLimits } from './messages.js';
import type { Fields } from './read-shapes.js';
import { readFields, readList } from './read-shapes.js';
import type { Reader } from './reader.js';

/** Nesting levels: 1 the frame, 2 a message, 3 its map of facts, 4 the limits in it. */
const FACTS_LEVEL = 3;
const LIMITS_LEVEL = 4;

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
    const limits = readFields(reader, 'welcome: limits', LIMITS_FIELDS, LIMITS_LEVEL);
    const { requests, watches, keyBytes, frameBytes } = limits;
    if (requests === undefined || watches === undefined || keyBytes === undefined || frameBytes === undefined) {
      throw missing(reader, 'welcome: limits', limits, LIMITS_FIELDS);
    }
    return { requests, watches, keyBytes, frameBytes };
  },
};

export function readWelcomeFacts(reader: Reader): WelcomeFacts {
  const facts = readFields(reader, 'welcome', WELCOME_FIELDS, FACTS_LEVEL);
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
  const replacement = secret === undefined ? {} : { secret };
  return {
    session,
    ...replacement,
    resumed,
    timeoutMs,
    pingMs,
    serverMs,
    acked,
    lastRequest,
    node,
    term,
    features,
    limits,
  };
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

export function readElsewhereFacts(reader: Reader): ElsewhereFacts {
  const facts = readFields(reader, 'elsewhere', ELSEWHERE_FIELDS, FACTS_LEVEL);
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

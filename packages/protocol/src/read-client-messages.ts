/** Messages of clients, read strictly: anything that is not exactly a message of PROTOCOL.md is a BadMessage. Defaults are filled in. */
import { HELLO_DEFAULTS, QUERY_DEFAULTS } from './defaults.js';
import {
  AUTH_BYTES_MAX,
  CLIENT_NAME_BYTES_MAX,
  DURATION_MS_MAX,
  KEY_BYTES_MAX,
  META_BYTES_MAX,
  META_ENTRIES_MAX,
  PATTERN_BYTES_MAX,
  QUERY_ROWS_MAX,
  REASON_BYTES_MAX,
  SECRET_BYTES,
  SESSION_TIMEOUT_MS_MAX,
  SESSION_TIMEOUT_MS_MIN,
} from './limits.js';
import type {
  AcquireMessage,
  ClientMessage,
  ForceMessage,
  HelloMessage,
  HelloOptions,
  QueryMessage,
  QueryOptions,
  WatchMessage,
} from './messages.js';
import { FLAG_PLACE, MODE_EXCLUSIVE, MessageType } from './messages.js';
import type { Fields } from './read-shapes.js';
import { readFields, readMetaOrNil, readMode } from './read-shapes.js';
import type { Reader } from './reader.js';

/** All bits of acquire's flags that are defined. They are the low bits, so this is the largest number too. */
const FLAGS_KNOWN = FLAG_PLACE;

export function readClientMessage(reader: Reader): ClientMessage {
  const count = reader.arrayHeader('a message');
  if (count === 0) throw reader.refusal('a message without a type');
  const type = reader.integer('the type of a message');
  switch (type) {
    case MessageType.acquire:
      return readAcquire(reader, count);
    case MessageType.release:
      checkCount(reader, 'release', count, 2, 2);
      return [type, reader.integer('release: request', 1)];
    case MessageType.cancel:
      checkCount(reader, 'cancel', count, 2, 2);
      return [type, reader.integer('cancel: request', 1)];
    case MessageType.extend:
      checkCount(reader, 'extend', count, 3, 3);
      return [type, reader.integer('extend: request', 1), reader.integerOrNil('extend: leaseMs', 1, DURATION_MS_MAX)];
    case MessageType.probe:
      checkCount(reader, 'probe', count, 2, 2);
      return [type, reader.integer('probe: number', 1)];
    case MessageType.watch:
      return readWatch(reader, count);
    case MessageType.unwatch:
      checkCount(reader, 'unwatch', count, 2, 2);
      return [type, reader.integer('unwatch: watch')];
    case MessageType.query:
      return readQuery(reader, count);
    case MessageType.force:
      return readForce(reader, count);
    case MessageType.hello:
      return readHello(reader, count);
    case MessageType.goodbye:
      checkCount(reader, 'goodbye', count, 1, 1);
      return [type];
    default:
      throw reader.refusal(`${type} is not the type of a client message`);
  }
}

function checkCount(reader: Reader, what: string, count: number, min: number, max: number): void {
  if (count >= min && count <= max) return;
  const wanted = min === max ? `${min}` : `${min} to ${max}`;
  throw reader.refusal(`${what}: expected ${wanted} elements, found ${count}`);
}

function readAcquire(reader: Reader, count: number): AcquireMessage {
  checkCount(reader, 'acquire', count, 4, 9);
  const request = reader.integer('acquire: request', 1);
  const acked = reader.integer('acquire: acked');
  const key = reader.string('acquire: key', 1, KEY_BYTES_MAX);
  const mode = count > 4 ? readMode(reader, 'acquire: mode') : MODE_EXCLUSIVE;
  const waitMs = count > 5 ? reader.integerOrNil('acquire: waitMs', 0, DURATION_MS_MAX) : null;
  const leaseMs = count > 6 ? reader.integerOrNil('acquire: leaseMs', 1, DURATION_MS_MAX) : null;
  const flags = count > 7 ? reader.integer('acquire: flags', 0, FLAGS_KNOWN) : 0;
  const meta = count > 8 ? readMetaOrNil(reader, 'acquire: meta', META_ENTRIES_MAX, META_BYTES_MAX) : null;
  return [MessageType.acquire, request, acked, key, mode, waitMs, leaseMs, flags, meta];
}

function readWatch(reader: Reader, count: number): WatchMessage {
  checkCount(reader, 'watch', count, 3, 5);
  const watch = reader.integer('watch: watch');
  const pattern = reader.string('watch: pattern', 0, PATTERN_BYTES_MAX);
  const after = count > 3 ? reader.integerOrNil('watch: after') : null;
  const state = count > 4 ? reader.boolean('watch: state') : false;
  return [MessageType.watch, watch, pattern, after, state];
}

function readQuery(reader: Reader, count: number): QueryMessage {
  checkCount(reader, 'query', count, 3, 4);
  const call = reader.integer('query: call');
  const what = reader.string('query: what');
  switch (what) {
    case 'key': {
      const { key } = readOptions(reader, count, { key: readKey });
      if (key === undefined) throw reader.refusal('query: options: key is missing');
      return [MessageType.query, call, what, { key }];
    }
    case 'keys': {
      const fields = { pattern: readPattern, limit: readLimit };
      const { pattern = QUERY_DEFAULTS.pattern, limit = QUERY_DEFAULTS.limit } = readOptions(reader, count, fields);
      return [MessageType.query, call, what, { pattern, limit }];
    }
    case 'sessions': {
      const { limit = QUERY_DEFAULTS.limit } = readOptions(reader, count, { limit: readLimit });
      return [MessageType.query, call, what, { limit }];
    }
    case 'server':
      return [MessageType.query, call, what, readOptions(reader, count, {})];
    default:
      throw reader.refusal('query: what: expected "key", "keys", "sessions" or "server"');
  }
}

const readKey = (reader: Reader): string => reader.string('query: options: key', 1, KEY_BYTES_MAX);
const readPattern = (reader: Reader): string => reader.string('query: options: pattern', 0, PATTERN_BYTES_MAX);
const readLimit = (reader: Reader): number => reader.integer('query: options: limit', 1, QUERY_ROWS_MAX);

/** `fields`: the options that this query has. */
function readOptions(reader: Reader, count: number, fields: Partial<Fields<QueryOptions>>): QueryOptions {
  return count > 3 ? readFields<QueryOptions>(reader, 'query: options', fields) : {};
}

function readForce(reader: Reader, count: number): ForceMessage {
  checkCount(reader, 'force', count, 3, 5);
  const call = reader.integer('force: call');
  const key = reader.string('force: key', 1, KEY_BYTES_MAX);
  const token = count > 3 ? reader.integerOrNil('force: token') : null;
  const reason = count > 4 ? reader.string('force: reason', 0, REASON_BYTES_MAX) : '';
  return [MessageType.force, call, key, token, reason];
}

const HELLO_FIELDS: Fields<HelloOptions> = {
  client: (reader) => reader.string('hello: client', 1, CLIENT_NAME_BYTES_MAX),
  resumable: (reader) => reader.boolean('hello: resumable'),
  timeoutMs: (reader) => reader.integer('hello: timeoutMs', SESSION_TIMEOUT_MS_MIN, SESSION_TIMEOUT_MS_MAX),
  beats: (reader) => reader.boolean('hello: beats'),
  session: (reader) => reader.string('hello: session'),
  secret: (reader) => reader.binary('hello: secret', SECRET_BYTES),
  auth: (reader) => reader.string('hello: auth', 0, AUTH_BYTES_MAX),
};

function readHello(reader: Reader, count: number): HelloMessage {
  checkCount(reader, 'hello', count, 2, 2);
  const given = readFields<HelloOptions>(reader, 'hello: options', HELLO_FIELDS);
  if ((given.session === undefined) !== (given.secret === undefined)) {
    throw reader.refusal('hello: session and secret belong together, and one is missing');
  }
  return [MessageType.hello, { ...HELLO_DEFAULTS, ...given }];
}

/** What callers may ask for, and its validation: everything that is wrong with it is an `INVALID_ARGUMENT`. */
import type { Meta, ModeNumber } from '@holdfast/protocol';
import {
  AUTH_BYTES_MAX,
  CLIENT_NAME_BYTES_MAX,
  KEY_BYTES_MAX,
  META_BYTES_MAX,
  META_ENTRIES_MAX,
  MODE_EXCLUSIVE,
  MODE_SHARED,
  SESSION_TIMEOUT_MS_DEFAULT,
  SESSION_TIMEOUT_MS_MAX,
  SESSION_TIMEOUT_MS_MIN,
  utf8Length,
} from '@holdfast/protocol';
import type { Duration } from './duration.js';
import { parseDurationMs } from './duration.js';
import { invalidArgument } from './errors.js';

export type LockMode = 'exclusive' | 'shared';

export interface ConnectOptions {
  /** A name for people, shown in status: program, version, host. At most 128 bytes. */
  readonly name?: string;
  /** The session time-out T, 1 to 60 s: how long the service goes without hearing this client before its locks go. Default 5 s. */
  readonly timeout?: Duration;
  /** true (the default): the session outlives a dropped connection for its time-out. false: its locks go with the connection. */
  readonly resumable?: boolean;
  /** A credential for services with authentication. */
  readonly token?: string;
  /** How long the first connect is tried before it rejects with `CONNECT_FAILED`. Default 10 s. */
  readonly connectTimeout?: Duration;
  /** Ends the first connect; it then rejects with the signal's reason. Ignored once connected. */
  readonly signal?: AbortSignal;
}

export interface AcquireOptions {
  /** Default `exclusive`. */
  readonly mode?: LockMode;
  /** How long to wait in the queue; 0: not at all. Default: without limit. */
  readonly wait?: Duration;
  /** The hold ends this long after its grant unless it is extended. Default: it lasts as long as the session. */
  readonly lease?: Duration;
  /** Who, why, where: shown to everybody who may query. At most 16 entries and 1,024 bytes. */
  readonly meta?: Readonly<Record<string, string>>;
  /** Before the grant: gives the request up, and the acquire rejects with the signal's reason. Ignored after the grant. */
  readonly signal?: AbortSignal;
  /** Told this request's place in the queue (1: the next to be granted) and the queue's length, at first and when the place has changed. */
  readonly onPlace?: (place: number, length: number) => void;
}

export type TryAcquireOptions = Omit<AcquireOptions, 'wait' | 'onPlace'>;

/** ConnectOptions, checked and in whole milliseconds. */
export interface Settings {
  readonly name: string;
  readonly timeoutMs: number;
  readonly resumable: boolean;
  readonly token: string | null;
  readonly connectTimeoutMs: number;
}

/** AcquireOptions, checked, as the wire says them. */
export interface AcquireSpec {
  readonly mode: ModeNumber;
  /** null: without limit. */
  readonly waitMs: number | null;
  readonly leaseMs: number | null;
  readonly meta: Meta | null;
  readonly signal: AbortSignal | null;
  readonly onPlace: ((place: number, length: number) => void) | null;
}

const CONNECT_TIMEOUT_MS_DEFAULT = 10_000;

const PLAIN: AcquireSpec = {
  mode: MODE_EXCLUSIVE,
  waitMs: null,
  leaseMs: null,
  meta: null,
  signal: null,
  onPlace: null,
};
const PLAIN_TRY: AcquireSpec = { ...PLAIN, waitMs: 0 };

export function parseConnectOptions(options: ConnectOptions): Settings {
  const { name = '', timeout = SESSION_TIMEOUT_MS_DEFAULT, resumable = true, token } = options;
  checkText(name, 'name', 0, CLIENT_NAME_BYTES_MAX);
  if (token !== undefined) checkText(token, 'token', 0, AUTH_BYTES_MAX);
  if (typeof resumable !== 'boolean') throw invalidArgument('resumable: expected true or false');
  return {
    name,
    timeoutMs: parseDurationMs(timeout, 'timeout', SESSION_TIMEOUT_MS_MIN, SESSION_TIMEOUT_MS_MAX),
    resumable,
    token: token ?? null,
    connectTimeoutMs: parseDurationMs(options.connectTimeout ?? CONNECT_TIMEOUT_MS_DEFAULT, 'connectTimeout', 1),
  };
}

/** The texts of at least one URL, each `ws:` or `wss:` and without credentials. */
export function parseUrls(urls: string | readonly string[]): readonly string[] {
  const list = typeof urls === 'string' ? [urls] : [...urls];
  if (list.length === 0) throw invalidArgument('url: expected at least one');
  for (const url of list) {
    if (!isServiceUrl(url)) {
      // The text is not repeated: what is wrong with it may be that it holds a password.
      throw invalidArgument("url: expected 'ws://host:port' or 'wss://host:port', without user, password and fragment");
    }
  }
  return list;
}

export function isServiceUrl(text: unknown): boolean {
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const url = new URL(text);
  const isWebSocket = url.protocol === 'ws:' || url.protocol === 'wss:';
  return isWebSocket && url.username === '' && url.password === '' && url.hash === '';
}

export function parseAcquireOptions(options: AcquireOptions | undefined): AcquireSpec {
  if (options === undefined) return PLAIN;
  const { mode = 'exclusive', wait, lease, meta, signal, onPlace } = options;
  if (mode !== 'exclusive' && mode !== 'shared') throw invalidArgument("mode: expected 'exclusive' or 'shared'");
  if (onPlace !== undefined && typeof onPlace !== 'function') throw invalidArgument('onPlace: expected a function');
  return {
    mode: mode === 'shared' ? MODE_SHARED : MODE_EXCLUSIVE,
    waitMs: wait === undefined || wait === Number.POSITIVE_INFINITY ? null : parseDurationMs(wait, 'wait'),
    leaseMs: lease === undefined ? null : parseDurationMs(lease, 'lease', 1),
    meta: meta === undefined ? null : copyMeta(meta),
    signal: signal ?? null,
    onPlace: onPlace ?? null,
  };
}

export function parseTryOptions(options: TryAcquireOptions | undefined): AcquireSpec {
  if (options === undefined) return PLAIN_TRY;
  return { ...parseAcquireOptions(options), waitMs: 0, onPlace: null };
}

export function checkKey(key: string, bytesMax: number = KEY_BYTES_MAX): void {
  checkText(key, 'key', 1, bytesMax);
}

export function checkText(text: unknown, what: string, bytesMin: number, bytesMax: number): asserts text is string {
  if (typeof text !== 'string') throw invalidArgument(`${what}: expected a string`);
  const bytes = utf8Length(text);
  if (bytes < 0) throw invalidArgument(`${what}: not well-formed Unicode (a lone surrogate)`);
  if (bytes < bytesMin || bytes > bytesMax) {
    throw invalidArgument(`${what}: expected ${bytesMin} to ${bytesMax} bytes of UTF-8, not ${bytes}`);
  }
}

/** A copy, because the caller may change its object while the request waits to be sent again. */
function copyMeta(meta: Readonly<Record<string, unknown>>): Meta {
  const entries = Object.entries(meta);
  if (entries.length > META_ENTRIES_MAX) throw invalidArgument(`meta: expected at most ${META_ENTRIES_MAX} entries`);
  let bytes = 0;
  const texts: [string, string][] = [];
  for (const [name, text] of entries) {
    checkText(name, 'meta: a name', 0, META_BYTES_MAX);
    checkText(text, `meta: ${name}`, 0, META_BYTES_MAX);
    bytes += utf8Length(name) + utf8Length(text);
    texts.push([name, text]);
  }
  if (bytes > META_BYTES_MAX) throw invalidArgument(`meta: expected at most ${META_BYTES_MAX} bytes, not ${bytes}`);
  return Object.fromEntries(texts);
}

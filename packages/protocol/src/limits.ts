/** Bounds that both ends of the wire know. The relations between them are asserted when this file is loaded. */

/** A client's WebSocket message. */
export const FRAME_BYTES_MAX = 65_536;
/** A server's WebSocket message. */
export const SERVER_FRAME_BYTES_MAX = 1_048_576;
export const MESSAGES_PER_FRAME_MAX = 4_096;
export const DEPTH_MAX = 8;
export const KEY_BYTES_MAX = 1_024;
export const PATTERN_BYTES_MAX = 1_024;
export const META_ENTRIES_MAX = 16;
export const META_BYTES_MAX = 1_024;
export const CLIENT_NAME_BYTES_MAX = 128;
export const REASON_BYTES_MAX = 256;
export const AUTH_BYTES_MAX = 8_192;
export const SECRET_BYTES = 16;
export const DURATION_MS_MAX = 2 ** 31 - 1;
export const SESSION_TIMEOUT_MS_MIN = 1_000;
export const SESSION_TIMEOUT_MS_MAX = 60_000;
export const SESSION_TIMEOUT_MS_DEFAULT = 5_000;
/** Pings come this many times in a session time-out. */
export const PINGS_PER_TIMEOUT = 3;
export const HELLO_TIMEOUT_MS = 5_000;
export const QUERY_ROWS_MAX = 1_000_000;
export const QUERY_ROWS_DEFAULT = 1_000;

const relations: readonly (readonly [boolean, string])[] = [
  [KEY_BYTES_MAX + META_BYTES_MAX < FRAME_BYTES_MAX, 'an acquire with everything fits into a frame'],
  [AUTH_BYTES_MAX < FRAME_BYTES_MAX, 'a hello with a credential fits into a frame'],
  [FRAME_BYTES_MAX <= SERVER_FRAME_BYTES_MAX, 'a server frame can be as large as a client frame'],
  [
    SESSION_TIMEOUT_MS_MIN <= SESSION_TIMEOUT_MS_DEFAULT && SESSION_TIMEOUT_MS_DEFAULT <= SESSION_TIMEOUT_MS_MAX,
    'the default time-out is allowed',
  ],
];
for (const [holds, what] of relations) {
  if (!holds) throw new Error(`limits contradict each other: ${what}`);
}

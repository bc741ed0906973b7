/** Defaults of map entries: left out by the writer, filled in by the reader. Those of elements stand with their messages. */
import { QUERY_ROWS_DEFAULT, SESSION_TIMEOUT_MS_DEFAULT } from './limits.js';

export const HELLO_DEFAULTS = {
  client: '',
  resumable: false,
  timeoutMs: SESSION_TIMEOUT_MS_DEFAULT,
  beats: false,
} as const;

export const QUERY_DEFAULTS = { pattern: '**', limit: QUERY_ROWS_DEFAULT } as const;

/** Frames: arrays of messages, to bytes and back. */
import { BadMessage } from './errors.js';
import { MESSAGES_PER_FRAME_MAX } from './limits.js';
import type { ClientMessage, PingPayload, ServerMessage } from './messages.js';
import { readClientMessage } from './read-client-messages.js';
import { readServerMessage } from './read-server-messages.js';
import { Reader } from './reader.js';
import { writeMessage } from './write-messages.js';
import { Writer } from './writer.js';

/** One for the whole program: writing is synchronous, and frames that have been handed out are not touched again. */
const writer = new Writer();

const PING_ELEMENTS = 3;

/**
 * One frame from `messages[start..end)`. The bytes returned are never written again.
 * Throws RangeError for no message or more than MESSAGES_PER_FRAME_MAX, and RangeError or TypeError for values that the wire cannot say
 * (a lone surrogate, an unsafe integer): errors of the program, not of a peer. The shapes of messages are left to the type checker.
 */
export function encodeFrame(
  messages: readonly (ClientMessage | ServerMessage)[],
  start = 0,
  end = messages.length,
): Uint8Array<ArrayBuffer> {
  const count = end - start;
  if (!(count >= 1 && count <= MESSAGES_PER_FRAME_MAX)) {
    throw new RangeError(`a frame has 1 to ${MESSAGES_PER_FRAME_MAX} messages, not ${count}`);
  }
  writer.begin();
  writer.arrayHeader(count);
  for (let i = start; i < end; i++) {
    const message = messages[i];
    if (message === undefined) throw new RangeError(`there is no message ${i} of ${messages.length}`);
    writeMessage(writer, message);
  }
  return writer.finish();
}

/** Strict: throws BadMessage on anything that is not exactly a frame of client messages; fills in defaults. */
export function decodeClientFrame(bytes: Uint8Array): ClientMessage[] {
  const reader = new Reader(bytes);
  const count = readCount(reader);
  const messages = [readClientMessage(reader)];
  for (let i = 1; i < count; i++) messages.push(readClientMessage(reader));
  reader.finish();
  return messages;
}

/** Lenient as PROTOCOL.md, 1 asks of clients: unknown types are left out; throws BadMessage on malformed bytes and wrong shapes of known types. */
export function decodeServerFrame(bytes: Uint8Array): ServerMessage[] {
  const reader = new Reader(bytes);
  const count = readCount(reader);
  const messages: ServerMessage[] = [];
  for (let i = 0; i < count; i++) {
    const message = readServerMessage(reader);
    if (message !== null) messages.push(message);
  }
  reader.finish();
  return messages;
}

function readCount(reader: Reader): number {
  const count = reader.arrayHeader('a frame');
  if (count < 1 || count > MESSAGES_PER_FRAME_MAX) {
    throw reader.refusal(`a frame: expected 1 to ${MESSAGES_PER_FRAME_MAX} messages, found ${count}`);
  }
  return count;
}

export function encodePing(payload: PingPayload): Uint8Array<ArrayBuffer> {
  writer.begin();
  writer.arrayHeader(PING_ELEMENTS);
  for (const number of payload) writer.uint(number);
  return writer.finish();
}

/** null: not a ping payload of ours. */
export function decodePing(bytes: Uint8Array): PingPayload | null {
  try {
    const reader = new Reader(bytes);
    if (reader.arrayHeader('a ping') !== PING_ELEMENTS) return null;
    const payload: PingPayload = [
      reader.integer('ping: number'),
      reader.integer('ping: heard'),
      reader.integer('ping: heardMs'),
    ];
    reader.finish();
    return payload;
  } catch (error) {
    if (error instanceof BadMessage) return null;
    throw error;
  }
}

/** Frames: arrays of messages, to bytes and back. Replaced by the codec's author; the signatures stand. */
import type { ClientMessage, PingPayload, ServerMessage } from './messages.js';
import { BadMessage } from './errors.js';

/** One frame from `messages[start..end)`. The bytes returned are never written again. */
export function encodeFrame(
  messages: readonly (ClientMessage | ServerMessage)[],
  start?: number,
  end?: number,
): Uint8Array<ArrayBuffer> {
  throw new BadMessage(`${messages.length} ${start} ${end}`);
}
/** Strict: throws BadMessage on anything that is not exactly a frame of client messages; fills in defaults. */
export function decodeClientFrame(bytes: Uint8Array): ClientMessage[] {
  throw new BadMessage(`${bytes.length}`);
}
/** Lenient as PROTOCOL.md, 1 asks of clients: unknown types are left out; throws BadMessage on malformed bytes and wrong shapes of known types. */
export function decodeServerFrame(bytes: Uint8Array): ServerMessage[] {
  throw new BadMessage(`${bytes.length}`);
}
export function encodePing(payload: PingPayload): Uint8Array<ArrayBuffer> {
  throw new BadMessage(`${payload.length}`);
}
/** null: not a ping payload of ours. */
export function decodePing(bytes: Uint8Array): PingPayload | null {
  throw new BadMessage(`${bytes.length}`);
}

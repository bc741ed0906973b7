/** Messages to MessagePack: trailing elements and map entries that have their default are left out. */
import { HELLO_DEFAULTS, QUERY_DEFAULTS } from './defaults.js';
import type { ClientMessage, ServerMessage } from './messages.js';
import { MessageType } from './messages.js';
import type { Writer } from './writer.js';

/** The nesting level of a message's array inside the frame's. */
const MESSAGE_LEVEL = 2;
const ELEMENT_LEVEL = 3;

/** Writes one message. Throws RangeError or TypeError when it holds what the wire cannot say, which is an error of the program. */
export function writeMessage(writer: Writer, message: ClientMessage | ServerMessage): void {
  switch (message[0]) {
    case MessageType.acquire: {
      const mode = message[4] ?? 0;
      const waitMs = message[5] ?? null;
      const leaseMs = message[6] ?? null;
      const flags = message[7] ?? 0;
      const meta = message[8] ?? null;
      let count = 4;
      if (meta !== null) count = 9;
      else if (flags !== 0) count = 8;
      else if (leaseMs !== null) count = 7;
      else if (waitMs !== null) count = 6;
      else if (mode !== 0) count = 5;
      begin(writer, message[0], count);
      writer.uint(message[1]);
      writer.uint(message[2]);
      writer.string(message[3]);
      if (count > 4) writer.uint(mode);
      if (count > 5) writer.uintOrNil(waitMs);
      if (count > 6) writer.uintOrNil(leaseMs);
      if (count > 7) writer.uint(flags);
      if (count > 8) writer.value(meta, ELEMENT_LEVEL);
      return;
    }
    case MessageType.release:
    case MessageType.cancel:
    case MessageType.unwatch:
    case MessageType.probe:
      begin(writer, message[0], 2);
      writer.uint(message[1]);
      return;
    case MessageType.granted: {
      const leaseEndMs = message[3] ?? null;
      begin(writer, message[0], leaseEndMs === null ? 3 : 4);
      writer.uint(message[1]);
      writer.uint(message[2]);
      if (leaseEndMs !== null) writer.uint(leaseEndMs);
      return;
    }
    case MessageType.ended: {
      const code = message[3] ?? 'RELEASED';
      const detail = message[4] ?? null;
      const count = detail !== null ? 5 : code !== 'RELEASED' ? 4 : 3;
      begin(writer, message[0], count);
      writer.uint(message[1]);
      writer.uint(message[2]);
      if (count > 3) writer.string(code);
      if (count > 4) writer.value(detail, ELEMENT_LEVEL);
      return;
    }
    case MessageType.extended: {
      const leaseEndMs = message[2] ?? null;
      begin(writer, message[0], leaseEndMs === null ? 2 : 3);
      writer.uint(message[1]);
      if (leaseEndMs !== null) writer.uint(leaseEndMs);
      return;
    }
    case MessageType.hello:
      begin(writer, message[0], 2);
      writer.value(withoutDefaults(message[1], HELLO_DEFAULTS), ELEMENT_LEVEL);
      return;
    case MessageType.watch: {
      const after = message[3] ?? null;
      const state = message[4] ?? false;
      const count = state ? 5 : after !== null ? 4 : 3;
      begin(writer, message[0], count);
      writer.uint(message[1]);
      writer.string(message[2]);
      if (count > 3) writer.uintOrNil(after);
      if (count > 4) writer.boolean(state);
      return;
    }
    case MessageType.query: {
      const options = withoutDefaults(message[3] ?? {}, QUERY_DEFAULTS);
      const given = Object.keys(options).length > 0;
      begin(writer, message[0], given ? 4 : 3);
      writer.uint(message[1]);
      writer.string(message[2]);
      if (given) writer.value(options, ELEMENT_LEVEL);
      return;
    }
    case MessageType.force: {
      const token = message[3] ?? null;
      const reason = message[4] ?? '';
      const count = reason !== '' ? 5 : token !== null ? 4 : 3;
      begin(writer, message[0], count);
      writer.uint(message[1]);
      writer.string(message[2]);
      if (count > 3) writer.uintOrNil(token);
      if (count > 4) writer.string(reason);
      return;
    }
    default:
      writer.value(message, MESSAGE_LEVEL);
  }
}

function begin(writer: Writer, type: number, count: number): void {
  writer.arrayHeader(count);
  writer.uint(type);
}

/** The entries of `options` that are given and differ from their defaults. */
function withoutDefaults(options: object, defaults: object): Readonly<Record<string, unknown>> {
  const standard = new Map<string, unknown>(Object.entries(defaults));
  return Object.fromEntries(
    Object.entries(options).filter(([name, value]) => value !== undefined && value !== standard.get(name)),
  );
}

/**
 * Messages of the server, read as PROTOCOL.md, section 1 asks of clients: unknown types, unknown elements after the known ones, unknown map
 * keys and unknown kinds of event are left out; known ones must have their shape. Defaults are filled in.
 */
import type { RestoredHold, RestoredQueued, RetryClass, ServerMessage } from './messages.js';
import { MessageType } from './messages.js';
import { readEvents } from './read-events.js';
import { readElsewhereFacts, readWelcomeFacts } from './read-facts.js';
import { checkAtLeast, readList, readMetaOrNil, readMode, readTuple } from './read-shapes.js';
import type { Reader } from './reader.js';

/** Nesting levels: 1 the frame, 2 a message, 3 its elements, 4 the items of a list, 5 their elements. */
const ELEMENT_LEVEL = 3;
const ITEM_LEVEL = 4;
const ITEM_ELEMENT_LEVEL = 5;

/** One message, or null when its type is not known. */
export function readServerMessage(reader: Reader): ServerMessage | null {
  const count = reader.arrayHeader('a message');
  if (count === 0) throw reader.refusal('a message without a type');
  const type = reader.integer('the type of a message');
  switch (type) {
    case MessageType.granted: {
      checkAtLeast(reader, 'granted', count, 3);
      const request = reader.integer('granted: request');
      const token = reader.integer('granted: token');
      const leaseEndMs = count > 3 ? reader.integerOrNil('granted: leaseEndMs') : null;
      reader.skip(count - 4, ELEMENT_LEVEL);
      return [type, request, token, leaseEndMs];
    }
    case MessageType.ended: {
      checkAtLeast(reader, 'ended', count, 3);
      const request = reader.integer('ended: request');
      const end = reader.integer('ended: end');
      const code = count > 3 ? reader.string('ended: code') : 'RELEASED';
      const detail = count > 4 ? readMetaOrNil(reader, 'ended: detail') : null;
      reader.skip(count - 5, ELEMENT_LEVEL);
      return [type, request, end, code, detail];
    }
    case MessageType.extended: {
      checkAtLeast(reader, 'extended', count, 2);
      const request = reader.integer('extended: request');
      const leaseEndMs = count > 2 ? reader.integerOrNil('extended: leaseEndMs') : null;
      reader.skip(count - 3, ELEMENT_LEVEL);
      return [type, request, leaseEndMs];
    }
    case MessageType.queued: {
      checkAtLeast(reader, 'queued', count, 4);
      const request = reader.integer('queued: request');
      const place = reader.integer('queued: place');
      const length = reader.integer('queued: length');
      reader.skip(count - 4, ELEMENT_LEVEL);
      return [type, request, place, length];
    }
    case MessageType.heard: {
      checkAtLeast(reader, 'heard', count, 3);
      const number = reader.integer('heard: number');
      const serverMs = reader.integer('heard: serverMs');
      reader.skip(count - 3, ELEMENT_LEVEL);
      return [type, number, serverMs];
    }
    case MessageType.beat: {
      checkAtLeast(reader, 'beat', count, 4);
      const number = reader.integer('beat: number');
      const heard = reader.integer('beat: heard');
      const heardMs = reader.integer('beat: heardMs');
      reader.skip(count - 4, ELEMENT_LEVEL);
      return [type, number, heard, heardMs];
    }
    case MessageType.error: {
      checkAtLeast(reader, 'error', count, 6);
      const about = reader.integer('error: type');
      const id = reader.integer('error: id');
      const code = reader.string('error: code');
      const retry = readRetryClass(reader);
      const text = reader.string('error: text');
      reader.skip(count - 6, ELEMENT_LEVEL);
      return [type, about, id, code, retry, text];
    }
    case MessageType.events: {
      checkAtLeast(reader, 'events', count, 4);
      const watch = reader.integer('events: watch');
      const position = reader.integer('events: position');
      const events = readEvents(reader);
      reader.skip(count - 4, ELEMENT_LEVEL);
      return [type, watch, position, events];
    }
    case MessageType.gap: {
      checkAtLeast(reader, 'gap', count, 4);
      const watch = reader.integer('gap: watch');
      const after = reader.integer('gap: after');
      const position = reader.integer('gap: position');
      reader.skip(count - 4, ELEMENT_LEVEL);
      return [type, watch, after, position];
    }
    case MessageType.watching: {
      checkAtLeast(reader, 'watching', count, 3);
      const watch = reader.integer('watching: watch');
      const position = reader.integer('watching: position');
      reader.skip(count - 3, ELEMENT_LEVEL);
      return [type, watch, position];
    }
    case MessageType.result: {
      checkAtLeast(reader, 'result', count, 4);
      const call = reader.integer('result: call');
      const rows = readList(reader, 'result: rows', (from) => from.mapValue('result: a row', ITEM_LEVEL));
      const more = reader.boolean('result: more');
      reader.skip(count - 4, ELEMENT_LEVEL);
      return [type, call, rows, more];
    }
    case MessageType.welcome: {
      checkAtLeast(reader, 'welcome', count, 2);
      const facts = readWelcomeFacts(reader);
      reader.skip(count - 2, ELEMENT_LEVEL);
      return [type, facts];
    }
    case MessageType.restore: {
      checkAtLeast(reader, 'restore', count, 4);
      const holds = readList(reader, 'restore: holds', readRestoredHold);
      const queued = readList(reader, 'restore: queued', readRestoredQueued);
      const last = reader.boolean('restore: last');
      reader.skip(count - 4, ELEMENT_LEVEL);
      return [type, holds, queued, last];
    }
    case MessageType.elsewhere: {
      checkAtLeast(reader, 'elsewhere', count, 2);
      const facts = readElsewhereFacts(reader);
      reader.skip(count - 2, ELEMENT_LEVEL);
      return [type, facts];
    }
    default:
      reader.skip(count - 1, ELEMENT_LEVEL);
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
    readMode(from, 'restore: mode'),
    from.integer('restore: token'),
    from.integerOrNil('restore: leaseEndMs'),
  ]);
}

function readRestoredQueued(reader: Reader): RestoredQueued {
  return readTuple<RestoredQueued>(reader, 'restore: a queued request', 4, ITEM_ELEMENT_LEVEL, (from) => [
    from.integer('restore: request'),
    from.string('restore: key'),
    readMode(from, 'restore: mode'),
    from.integer('restore: place'),
  ]);
}

/** The events of a watch. */
import type { WatchEvent, WatchedHold } from './messages.js';
import { checkAtLeast, readList, readMetaOrNil, readMode, readTuple } from './read-shapes.js';
import type { Reader } from './reader.js';

/** Nesting levels: 1 the frame, 2 the message, 3 its list of events, 4 an event, 5 its elements and lists, 6 a hold, 7 its elements. */
const EVENT_ELEMENT_LEVEL = 5;
const HOLD_ELEMENT_LEVEL = 7;

export function readEvents(reader: Reader): WatchEvent[] {
  return readList(reader, 'events: events', readEvent);
}

/** null: an event of a kind that this version does not know. */
function readEvent(reader: Reader): WatchEvent | null {
  const count = reader.arrayHeader('an event');
  if (count === 0) throw reader.refusal('an event without a kind');
  const kind = reader.string('the kind of an event');
  switch (kind) {
    case 'queued':
    case 'granted': {
      checkAtLeast(reader, 'an event', count, 7);
      const key = reader.string('event: key');
      const session = reader.string('event: session');
      const request = reader.integer('event: request');
      const mode = readMode(reader, 'event: mode');
      const placeOrToken = reader.integer(kind === 'queued' ? 'event: place' : 'event: token');
      const meta = readMetaOrNil(reader, 'event: meta');
      reader.skip(count - 7, EVENT_ELEMENT_LEVEL);
      return [kind, key, session, request, mode, placeOrToken, meta];
    }
    case 'ended': {
      checkAtLeast(reader, 'an event', count, 6);
      const key = reader.string('event: key');
      const session = reader.string('event: session');
      const request = reader.integer('event: request');
      const code = reader.string('event: code');
      const token = reader.integerOrNil('event: token');
      reader.skip(count - 6, EVENT_ELEMENT_LEVEL);
      return [kind, key, session, request, code, token];
    }
    case 'state': {
      checkAtLeast(reader, 'an event', count, 5);
      const key = reader.string('event: key');
      const holds = readList(reader, 'event: holds', readHold);
      const held = reader.integer('event: held');
      const waiting = reader.integer('event: waiting');
      reader.skip(count - 5, EVENT_ELEMENT_LEVEL);
      return [kind, key, holds, held, waiting];
    }
    case 'synced':
      reader.skip(count - 1, EVENT_ELEMENT_LEVEL);
      return [kind];
    default:
      reader.skip(count - 1, EVENT_ELEMENT_LEVEL);
      return null;
  }
}

function readHold(reader: Reader): WatchedHold {
  return readTuple<WatchedHold>(reader, 'a hold', 5, HOLD_ELEMENT_LEVEL, (from) => [
    from.string('hold: session'),
    from.integer('hold: request'),
    readMode(from, 'hold: mode'),
    from.integer('hold: token'),
    readMetaOrNil(from, 'hold: meta'),
  ]);
}

/** Arrays inside the server's messages: of one kind of item, each item a tuple that may have grown elements since. */
import type { ModeNumber } from './messages.js';
import { MODE_EXCLUSIVE, MODE_SHARED } from './messages.js';
import type { Reader } from './reader.js';

/** All items of an array, in order; those that `readItem` answers with null are left out. */
export function readList<T>(reader: Reader, what: string, readItem: (reader: Reader) => T | null): T[] {
  const items: T[] = [];
  for (let left = reader.arrayHeader(what); left > 0; left--) {
    const item = readItem(reader);
    if (item !== null) items.push(item);
  }
  return items;
}

/** Reads an item that is a tuple of at least `known` elements; `level` is the nesting level of its elements. */
export function readTuple<T>(
  reader: Reader,
  what: string,
  known: number,
  level: number,
  read: (reader: Reader) => T,
): T {
  const count = reader.arrayHeader(what);
  checkAtLeast(reader, what, count, known);
  const tuple = read(reader);
  reader.skip(count - known, level);
  return tuple;
}

export function checkAtLeast(reader: Reader, what: string, count: number, min: number): void {
  if (count < min) throw reader.refusal(`${what}: expected at least ${min} elements, found ${count}`);
}

export function readMode(reader: Reader): ModeNumber {
  return reader.integer('a mode', MODE_EXCLUSIVE, MODE_SHARED) === MODE_SHARED ? MODE_SHARED : MODE_EXCLUSIVE;
}

/** What messages are made of: maps of known keys, maps of str to str, lists, and tuples that may have grown since. */
import type { Meta, ModeNumber } from './messages.js';
import { MODE_EXCLUSIVE, MODE_SHARED } from './messages.js';
import type { Reader } from './reader.js';
import { setOwn } from './reader.js';

const QUOTED_MAX = 32;

/** For each key of `T`, how its value is read. */
export type Fields<T> = { readonly [K in keyof T]-?: (reader: Reader) => Exclude<T[K], undefined> };

/** The entries of a map whose keys `fields` names. Other keys are refused, or read and dropped when `level`, the map's nesting level, is given. */
export function readFields<T extends object>(
  reader: Reader,
  what: string,
  fields: Partial<Fields<T>>,
  level?: number,
): Partial<T> {
  const entries = reader.mapHeader(what);
  const seen = new Set<string>();
  const values: Partial<T> = {};
  for (let i = 0; i < entries; i++) {
    const key = reader.key(`${what}: a map key`);
    if (seen.has(key)) throw reader.refusal(`${what}: a map key that occurs twice`);
    seen.add(key);
    if (isKeyOf(fields, key)) values[key] = fields[key]?.(reader);
    else if (level === undefined) throw reader.refusal(`${what}: unknown key ${quoted(key)}`);
    else reader.skip(1, level + 1);
  }
  return values;
}

function isKeyOf<T extends object>(object: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(object, key);
}

/** As much of a peer's text as an error's text may repeat: little, and only what is harmless in a log or a terminal. */
function quoted(text: string): string {
  const shown = text.slice(0, QUOTED_MAX).replaceAll(/[^ -~]/g, '?');
  return text.length > QUOTED_MAX ? `"${shown}" and more` : `"${shown}"`;
}

/** A map of str to str. */
function readMeta(
  reader: Reader,
  what: string,
  entriesMax = Number.MAX_SAFE_INTEGER,
  bytesMax = Number.MAX_SAFE_INTEGER,
): Meta {
  const entries = reader.mapHeader(what);
  if (entries > entriesMax) throw reader.refusal(`${what}: expected at most ${entriesMax} entries, found ${entries}`);
  const meta: Record<string, string> = {};
  let bytes = 0;
  for (let i = 0; i < entries; i++) {
    const key = reader.key(what);
    if (Object.hasOwn(meta, key)) throw reader.refusal(`${what}: a map key that occurs twice`);
    bytes += reader.stringBytes;
    const text = reader.string(what);
    bytes += reader.stringBytes;
    if (bytes > bytesMax)
      throw reader.refusal(`${what}: expected at most ${bytesMax} bytes of keys and values together`);
    setOwn(meta, key, text);
  }
  return meta;
}

export function readMetaOrNil(reader: Reader, what: string, entriesMax?: number, bytesMax?: number): Meta | null {
  return reader.nil() ? null : readMeta(reader, what, entriesMax, bytesMax);
}

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

export function readMode(reader: Reader, what: string): ModeNumber {
  return reader.integer(what, MODE_EXCLUSIVE, MODE_SHARED) === MODE_SHARED ? MODE_SHARED : MODE_EXCLUSIVE;
}

/** Maps of known shape, read from MessagePack. */
import type { Meta } from './messages.js';
import type { Reader } from './reader.js';
import { setOwn } from './reader.js';
import { utf8Length } from './utf8.js';

/** For each key of `T`, how its value is read. */
export type Fields<T> = { readonly [K in keyof T]-?: (reader: Reader) => Exclude<T[K], undefined> };

/** The entries of a map whose keys `fields` names. Other keys are refused, or read and dropped when `level`, the map's nesting level, is given. */
export function readFields<T extends object>(
  reader: Reader,
  what: string,
  fields: Fields<T>,
  level?: number,
): Partial<T> {
  const entries = reader.mapHeader(what);
  const seen = new Set<string>();
  const values: Partial<T> = {};
  for (let i = 0; i < entries; i++) {
    const key = reader.string(`${what}: a map key`);
    if (seen.has(key)) throw reader.refusal(`${what}: a map key that occurs twice`);
    seen.add(key);
    if (isKeyOf(fields, key)) values[key] = fields[key](reader);
    else if (level === undefined) throw reader.refusal(`${what}: unknown key ${quoted(key)}`);
    else reader.skip(1, level + 1);
  }
  return values;
}

function isKeyOf<T extends object>(object: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(object, key);
}

/** As much of a peer's text as an error's text may repeat. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 32 ? `${text.slice(0, 32)}…` : text);
}

/** A map of str to str. */
export function readMeta(
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
    const key = reader.string(what);
    if (Object.hasOwn(meta, key)) throw reader.refusal(`${what}: a map key that occurs twice`);
    const text = reader.string(what);
    bytes += utf8Length(key) + utf8Length(text);
    if (bytes > bytesMax)
      throw reader.refusal(`${what}: expected at most ${bytesMax} bytes of keys and values together`);
    setOwn(meta, key, text);
  }
  return meta;
}

export function readMetaOrNil(reader: Reader, what: string, entriesMax?: number, bytesMax?: number): Meta | null {
  return reader.nil() ? null : readMeta(reader, what, entriesMax, bytesMax);
}

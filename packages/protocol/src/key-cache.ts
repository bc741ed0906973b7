/**
 * A small cache of map keys. A key that has been seen is found by comparing bytes, without making a string; and as the same string object
 * it is found faster in the object that it is set in.
 */
export const CACHED_KEY_BYTES_MAX = 24;
/** A power of two. Keys that fall into one slot displace each other, so what is kept is bounded. */
const SLOTS = 256;

const slots: string[] = Array.from({ length: SLOTS }, () => '');

/** The key of `length` bytes from `start` on, at most CACHED_KEY_BYTES_MAX; null when it is not ASCII. */
export function cachedKey(bytes: Uint8Array, start: number, length: number): string | null {
  let hash = length;
  let any = 0;
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i] ?? 0;
    any |= byte;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  if (any >= 0x80) return null;
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
  const found = slots[slot] ?? '';
  if (found.length === length && isSame(found, bytes, start)) return found;
  const key = String.fromCharCode(...bytes.subarray(start, start + length));
  slots[slot] = key;
  return key;
}

function isSame(key: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < key.length; i++) {
    if (key.charCodeAt(i) !== bytes[start + i]) return false;
  }
  return true;
}

/** Little-endian integers in bytes, without BigInt: indices and terms stay below 2^53. */

const TWO_32 = 4_294_967_296;

export function getUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

export function setUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

export function getUint32(bytes: Uint8Array, at: number): number {
  return (getUint16(bytes, at) | (getUint16(bytes, at + 2) << 16)) >>> 0;
}

export function setUint32(bytes: Uint8Array, at: number, value: number): void {
  setUint16(bytes, at, value);
  setUint16(bytes, at + 2, value >>> 16);
}

/** Infinity for a number of 2^53 or more, which no index and no term is. */
export function getUint64(bytes: Uint8Array, at: number): number {
  const value = getUint32(bytes, at + 4) * TWO_32 + getUint32(bytes, at);
  return Number.isSafeInteger(value) ? value : Infinity;
}

export function setUint64(bytes: Uint8Array, at: number, value: number): void {
  setUint32(bytes, at, value >>> 0);
  setUint32(bytes, at + 4, Math.floor(value / TWO_32));
}

/** The offset of the first byte at or after `start` that is not zero; `bytes.length` when there is none. */
export function firstNonZero(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] === 0) at++;
  return at;
}

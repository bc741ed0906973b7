/** UTF-8 in plain JavaScript: the wire's strings are mostly short, and a strict answer is wanted in Node and browsers alike. */

/** Code units handed to one String.fromCharCode call; engines bound the number of arguments. */
const UNITS_PER_CALL = 4_096;
/** The longest text for which the way of short ASCII texts is tried first. */
const SHORT_BYTES_MAX = 64;

/** Length in bytes of `text` as UTF-8; -1 when it has a lone surrogate, which UTF-8 cannot say. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit < 0xd800 || unit > 0xdfff) bytes += 2;
    else {
      const next = text.charCodeAt(i + 1);
      if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return -1;
      bytes += 2;
      i++;
    }
  }
  return bytes;
}

/**
 * Writes `text` as UTF-8 to `bytes` from `offset` on and returns the offset after it.
 * The caller has made room by `utf8Length`, which also has refused lone surrogates.
 */
export function writeUtf8(text: string, bytes: Uint8Array, offset: number): number {
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i);
    if (point < 0x80) {
      bytes[offset++] = point;
      continue;
    }
    if (point < 0x800) {
      bytes[offset++] = 0xc0 | (point >> 6);
    } else {
      if (point >= 0xd800 && point <= 0xdfff) {
        point = 0x10000 + ((point - 0xd800) << 10) + (text.charCodeAt(++i) - 0xdc00);
        bytes[offset++] = 0xf0 | (point >> 18);
        bytes[offset++] = 0x80 | ((point >> 12) & 0x3f);
      } else {
        bytes[offset++] = 0xe0 | (point >> 12);
      }
      bytes[offset++] = 0x80 | ((point >> 6) & 0x3f);
    }
    bytes[offset++] = 0x80 | (point & 0x3f);
  }
  return offset;
}

/**
 * For each length of a short text an array of that many units, used again for every text of the length: a call with an array of exact
 * length is the fastest way to a string that lies in one piece, which concatenation does not give.
 */
const unitsOfLength: readonly number[][] = Array.from({ length: SHORT_BYTES_MAX + 1 }, (_, length) =>
  Array.from({ length }, () => 0),
);

/**
 * The text of `bytes[start..end)`, or null when that is not UTF-8 as The Unicode Standard, table 3-7 has it:
 * overlong forms, surrogates, code points beyond U+10FFFF and cut-off sequences are none.
 */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string | null {
  const short = unitsOfLength[end - start];
  if (short !== undefined) {
    let any = 0;
    for (let i = 0; i < short.length; i++) {
      const byte = bytes[start + i] ?? 0;
      any |= byte;
      short[i] = byte;
    }
    if (any < 0x80) return String.fromCharCode.apply(null, short);
  }
  const units: number[] = [];
  let text = '';
  let at = start;
  while (at < end) {
    const lead = bytes[at++] ?? 0;
    if (lead < 0x80) {
      units.push(lead);
    } else {
      const following = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
      if (following === 0 || at + following > end) return null;
      let point = lead & (0x3f >> following);
      for (let i = 0; i < following; i++) {
        const byte = bytes[at++] ?? 0;
        if ((byte & 0xc0) !== 0x80) return null;
        point = (point << 6) | (byte & 0x3f);
      }
      if (following === 2 && (point < 0x800 || (point >= 0xd800 && point <= 0xdfff))) return null;
      if (following === 3 && (point < 0x10000 || point > 0x10ffff)) return null;
      if (point < 0x10000) {
        units.push(point);
      } else {
        units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + (point & 0x3ff));
      }
    }
    if (units.length >= UNITS_PER_CALL) {
      text += String.fromCharCode.apply(null, units);
      units.length = 0;
    }
  }
  return text + String.fromCharCode.apply(null, units);
}

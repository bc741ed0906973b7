import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readUtf8, utf8Length, writeUtf8 } from '../src/utf8.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What a strict decoder of the platform makes of `bytes`; null: not UTF-8. */
function reference(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

describe('UTF-8', () => {
  test('the length is that of what TextEncoder writes, and lone surrogates have none', () => {
    const anyUnits = fc.array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd7f0, max: 0xe010 })));
    fc.assert(
      fc.property(anyUnits, (units) => {
        const text = String.fromCharCode(...units);
        // isWellFormed is younger than Node 20's types; a text with a lone surrogate does not come back from TextEncoder as it was.
        const written = encoder.encode(text);
        const isWellFormed = decoder.decode(written) === text;
        expect(utf8Length(text)).toBe(isWellFormed ? written.length : -1);
      }),
      { numRuns: 5_000, seed: 7_420 },
    );
  });

  test('every code point is written and read as TextEncoder has it', () => {
    const bytes = new Uint8Array(4);
    for (let point = 0; point <= 0x10ffff; point++) {
      if (point === 0xd800) point = 0xe000;
      const text = String.fromCodePoint(point);
      const length = writeUtf8(text, bytes, 0);
      const { written } = encoder.encodeInto(text, new Uint8Array(4));
      if (length !== written || readUtf8(bytes, 0, length) !== text) expect.fail(`U+${point.toString(16)}`);
    }
    expect(writeUtf8('𝄞', bytes, 0)).toBe(4);
    expect([...bytes]).toEqual([0xf0, 0x9d, 0x84, 0x9e]);
  });

  test('every sequence of one and two bytes is read or refused as the strict TextDecoder does', () => {
    const bytes = new Uint8Array(2);
    let differences = 0;
    for (let first = 0; first < 0x100; first++) {
      bytes[0] = first;
      if (readUtf8(bytes, 0, 1) !== reference(bytes.subarray(0, 1))) differences++;
      // After an ASCII byte a few second bytes are enough.
      for (let second = 0; second < 0x100; second += first < 0x80 ? 0x1f : 1) {
        bytes[1] = second;
        if (readUtf8(bytes, 0, 2) !== reference(bytes)) differences++;
      }
    }
    expect(differences).toBe(0);
  });

  test('every sequence of three and four bytes at the edges of the ranges is read or refused as the strict TextDecoder does', () => {
    const edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0];
    const bytes = new Uint8Array(4);
    let differences = 0;
    for (let first = 0xc0; first < 0x100; first++) {
      for (const second of edges) {
        for (const third of edges) {
          // The byte after the end would go on with the sequence, if it were read.
          bytes.set([first, second, third, 0x80]);
          if (readUtf8(bytes, 0, 3) !== reference(bytes.subarray(0, 3))) differences++;
          if (first < 0xef) continue;
          for (const fourth of edges) {
            bytes[3] = fourth;
            if (readUtf8(bytes, 0, 4) !== reference(bytes)) differences++;
          }
        }
      }
    }
    expect(differences).toBe(0);
  });

  test('texts of all lengths come back, pure ASCII or with one other character anywhere', () => {
    for (const length of [0, 1, 31, 32, 63, 64, 65, 200, 4_095, 4_096, 4_097, 20_000]) {
      for (const at of [-1, 0, Math.floor(length / 2), length - 1]) {
        const text = at < 0 ? 'a'.repeat(length) : `${'a'.repeat(at)}😀${'b'.repeat(Math.max(0, length - at - 1))}`;
        const written = encoder.encode(text);
        expect(readUtf8(written, 0, written.length) === text, `${length} ${at}`).toBe(true);
      }
    }
  });

  test('a byte order mark is a character like any other', () => {
    const text = '\uFEFFkey';
    expect(readUtf8(encoder.encode(text), 0, 6)).toBe(text);
  });
});

import { describe, expect, test } from 'vitest';
import { decodeClientFrame, decodeServerFrame, encodeFrame, encodePing } from '../src/frames.js';
import type { ClientMessage, ServerMessage } from '../src/messages.js';
import { Writer } from '../src/writer.js';
import { hex } from './refusal.js';

function written(value: unknown): string {
  const writer = new Writer();
  writer.begin();
  writer.value(value, 1);
  return Buffer.from(writer.finish()).toString('hex');
}

/** Arrays in arrays, `levels` of them. */
function nested(levels: number): unknown {
  return levels === 0 ? 1 : [nested(levels - 1)];
}

describe('values are written in their shortest form', () => {
  test.each([
    [0, '00'],
    [-0, '00'],
    [0x7f, '7f'],
    [0x80, 'cc80'],
    [0xff, 'ccff'],
    [0x100, 'cd0100'],
    [0xffff, 'cdffff'],
    [0x10000, 'ce00010000'],
    [2 ** 31, 'ce80000000'],
    [2 ** 32 - 1, 'ceffffffff'],
    [2 ** 32, 'cf0000000100000000'],
    [2 ** 53 - 1, 'cf001fffffffffffff'],
    [-1, 'ff'],
    [-0x20, 'e0'],
    [-0x21, 'd0df'],
    [-0x80, 'd080'],
    [-0x81, 'd1ff7f'],
    [-0x8000, 'd18000'],
    [-0x8001, 'd2ffff7fff'],
    [-(2 ** 31), 'd280000000'],
    [-(2 ** 31) - 1, 'd3ffffffff7fffffff'],
    [-(2 ** 53) + 1, 'd3ffe0000000000001'],
    [0.5, 'cb3fe0000000000000'],
  ])('%d', (number, expected) => {
    expect(written(number)).toBe(expected);
  });

  test.each([
    [0, 'a0'],
    [31, 'bf'],
    [32, 'd920'],
    [255, 'd9ff'],
    [256, 'da0100'],
    [65_535, 'daffff'],
    [65_536, 'db00010000'],
  ])('a str of %d bytes', (length, header) => {
    expect(written('k'.repeat(length))).toBe(header + '6b'.repeat(length));
  });

  test.each([
    ['é'.repeat(15), 'be'],
    ['é'.repeat(16), 'd920'],
    ['é'.repeat(127), 'd9fe'],
    ['é'.repeat(128), 'da0100'],
  ])('a str of other characters than ASCII has the header of its length in bytes', (text, header) => {
    expect(written(text)).toBe(header + Buffer.from(text).toString('hex'));
  });

  test.each([
    [0, 'c400'],
    [255, 'c4ff'],
    [256, 'c50100'],
    [65_536, 'c600010000'],
  ])('a bin of %d bytes', (length, header) => {
    expect(written(new Uint8Array(length).fill(7))).toBe(header + '07'.repeat(length));
  });

  test.each([
    [0, '90'],
    [15, '9f'],
    [16, 'dc0010'],
    [65_535, 'dcffff'],
    [65_536, 'dd00010000'],
  ])('an array of %d values', (length, header) => {
    expect(written(Array.from({ length }, () => null))).toBe(header + 'c0'.repeat(length));
  });

  test.each([
    [0, '80'],
    [15, '8f'],
    [16, 'de0010'],
    [65_536, 'df00010000'],
  ])('a map of %d entries', (entries, header) => {
    const object = Object.fromEntries(Array.from({ length: entries }, (_, i) => [`k${i}`, true]));
    expect(written(object).startsWith(header)).toBe(true);
  });
});

describe('what the program leaves undefined', () => {
  test('is left out at the end of an array and in a map', () => {
    expect(written([1, undefined, undefined])).toBe('9101');
    expect(written({ a: undefined, b: 1, c: undefined })).toBe('81a16201');
  });

  test('is left out at the end of a message', () => {
    const granted: ServerMessage = [66, 1, 5, undefined as unknown as null];
    expect(encodeFrame([granted])).toEqual(hex('91 93 42 01 05'));
    const acquire = [2, 7, 5, 'k', undefined, undefined, undefined, undefined, undefined] as unknown as ClientMessage;
    expect(encodeFrame([acquire])).toEqual(hex('91 94 02 07 05 a1 6b'));
  });
});

describe('errors of the program', () => {
  test.each([
    ['a lone high surrogate', 'a\uD800b'],
    ['a lone low surrogate', '\uDC00'],
    ['a high surrogate at the end of a long text', `${'k'.repeat(100)}\uD83D`],
    ['a lone surrogate as a map key', { '\uD800': 1 }],
    ['an integer beyond 2^53 - 1', 2 ** 53],
    ['an integer below -(2^53 - 1)', -(2 ** 53)],
    ['nine levels of arrays', nested(9)],
  ])('%s is a RangeError', (_name, value) => {
    expect(() => written(value)).toThrow(RangeError);
  });

  test('eight levels of arrays are none', () => {
    expect(written(nested(8))).toBe('91'.repeat(8) + '01');
  });

  test('a value that contains itself is a RangeError', () => {
    const endless: unknown[] = [];
    endless.push(endless);
    expect(() => written(endless)).toThrow(RangeError);
  });

  test.each([
    ['undefined between values', [undefined, 1]],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a bigint', 1n],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['an instance of a class', new TypeError('x')],
  ])('%s is a TypeError', (_name, value) => {
    expect(() => written(value)).toThrow(TypeError);
  });

  test.each([
    ['a token beyond 2^53 - 1', [66, 1, 2 ** 53]],
    ['a negative token', [66, 1, -1]],
    ['a request that is no integer', [3, 1.5]],
    ['a request that is NaN', [3, Number.NaN]],
    ['a key with a lone surrogate', [2, 1, 0, '\uD800', 0, null, null, 0, null]],
  ])('%s in a message is a RangeError', (_name, message) => {
    expect(() => encodeFrame([message as unknown as ClientMessage])).toThrow(RangeError);
  });

  test('a frame that could not be written leaves nothing behind in the next one', () => {
    const broken: ClientMessage[] = [
      [3, 1],
      [2, 1, 0, 'k'.repeat(50_000) + '\uD800', 0, null, null, 0, null],
    ];
    expect(() => encodeFrame(broken)).toThrow(RangeError);
    expect(encodeFrame([[3, 7]])).toEqual(hex('91 92 03 07'));
  });
});

describe('the bytes handed out', () => {
  test('are never written again, however many frames follow', () => {
    const kept: { frame: Uint8Array; copy: Uint8Array; messages: ClientMessage[] }[] = [];
    for (let i = 1; i <= 5_000; i++) {
      // Lengths of many sizes, so that chunks end at many places inside frames; some frames are larger than a chunk.
      const length = i % 500 === 0 ? 60 : 1 + (i % 3);
      const messages = Array.from({ length }, (_, n): ClientMessage => [
        2,
        i,
        n,
        'k'.repeat(1 + ((i * 7) % 1_024)),
        0,
        null,
        null,
        0,
        null,
      ]);
      const frame = encodeFrame(messages);
      kept.push({ frame, copy: Uint8Array.from(frame), messages });
    }
    let changed = 0;
    for (const { frame, copy } of kept) if (Buffer.compare(frame, copy) !== 0) changed++;
    expect(changed).toBe(0);
    expect(decodeClientFrame(kept[499]!.frame)).toEqual(kept[499]!.messages);
  });

  test('of a large frame are its own, of exact length', () => {
    const rows = Array.from({ length: 2_000 }, (_, i) => ({ key: `orders/${i}`, held: 1 }));
    const frame = encodeFrame([[73, 1, rows, false]]);
    expect(frame.length).toBeGreaterThan(32_768);
    expect(frame.buffer.byteLength).toBe(frame.length);
    expect(decodeServerFrame(frame)).toEqual([[73, 1, rows, false]]);
  });

  test('of small frames share a chunk, without a byte in common', () => {
    const first = encodePing([1, 0, 0]);
    const second = encodePing([2, 1, 5]);
    expect(first.buffer === second.buffer ? first.byteOffset + first.length : second.byteOffset).toBe(
      second.byteOffset,
    );
    first.fill(0);
    expect(second).toEqual(hex('93 02 01 05'));
  });
});

/** Bytes that are not MessagePack as PROTOCOL.md, section 1 wants it. */
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { decodeClientFrame, decodeServerFrame } from '../src/frames.js';
import { hex, refusalOf } from './refusal.js';

/** An acquire of the key whose str is given in hexadecimal, header included. */
const acquireOf = (key: string): string => `91 94 02 01 00 ${key}`;
/** A server's message of a type that is not known, with this value in it: a client reads over it, but not over nonsense. */
const unknownWith = (value: string): string => `91 92 7f ${value}`;

const ofAcquire: [name: string, bytes: string, refusal: RegExp][] = [
  ['no bytes', '', /ends inside/],
  ['an array that ends after its header', '91', /ends inside/],
  ['a message cut off before its last element', '91 94 02 01 00', /ends inside/],
  ['a key cut off', acquireOf('a3 61 62'), /ends inside/],
  ['a str 8 without its length', acquireOf('d9'), /ends inside/],
  ['a str 16 with half its length', acquireOf('da 00'), /ends inside/],
  ['a uint 16 cut off', '91 92 03 cd 01', /ends inside/],
  ['a uint 32 cut off', '91 92 03 ce 01 02 03', /ends inside/],
  ['a uint 64 cut off', '91 92 03 cf 00 00 00 00 00 00 00', /ends inside/],
  ['a float 64 cut off', '91 92 03 cb 3f f0 00', /ends inside/],
  ['an array that claims 2^32 - 1 messages', 'dd ff ff ff ff', /ends inside/],
  ['an array that claims 65,535 messages', 'dc ff ff', /ends inside/],
  ['a message that claims 2^32 - 1 elements', '91 dd ff ff ff ff 02', /ends inside/],
  ['a key that claims 2^32 - 1 bytes', acquireOf('db ff ff ff ff'), /1 to 1024 bytes/],
  ['a byte after the frame', '91 92 03 07 00', /1 bytes after/],
  ['a second frame after the frame', '91 92 03 07 91 92 03 08', /4 bytes after/],
  ['the byte that MessagePack never uses', 'c1', /0xc1/],
  ['the byte that MessagePack never uses as a message', '91 c1', /0xc1/],
  ['the byte that MessagePack never uses as a number', '91 92 03 c1', /0xc1/],
  ['fixext 1', '91 92 03 d4 01 07', /extension/],
  ['fixext 2', '91 92 03 d5 01 00 07', /extension/],
  ['fixext 4, a timestamp', '91 92 03 d6 ff 00 00 00 07', /extension/],
  ['fixext 8', '91 92 03 d7 ff 00 00 00 00 00 00 00 07', /extension/],
  ['fixext 16', `91 92 03 d8 01 ${'00'.repeat(16)}`, /extension/],
  ['ext 8', '91 92 03 c7 01 05 00', /extension/],
  ['ext 16', '91 92 03 c8 00 01 05 00', /extension/],
  ['ext 32', '91 92 03 c9 00 00 00 01 05 00', /extension/],
  ['ext 32 that claims 2^32 - 1 bytes', 'c9 ff ff ff ff 01', /extension/],
  ['a record definition of msgpackr', 'd4 72 40 93 a3 6b 65 79', /extension/],
  ['a byte that is no UTF-8', acquireOf('a1 80'), /UTF-8/],
  ['a sequence cut off', acquireOf('a2 61 c3'), /UTF-8/],
  ['a sequence of two bytes that is overlong', acquireOf('a2 c0 af'), /UTF-8/],
  ['a sequence of three bytes that is overlong', acquireOf('a3 e0 80 af'), /UTF-8/],
  ['a sequence of four bytes that is overlong', acquireOf('a4 f0 80 80 af'), /UTF-8/],
  ['a surrogate', acquireOf('a3 ed a0 80'), /UTF-8/],
  ['a pair of surrogates (CESU-8)', acquireOf('a6 ed a0 bd ed b8 80'), /UTF-8/],
  ['a code point beyond U+10FFFF', acquireOf('a4 f4 90 80 80'), /UTF-8/],
  ['a lead byte that is none', acquireOf('a4 f5 80 80 80'), /UTF-8/],
  ['a following byte that is none', acquireOf('a3 e2 28 a1'), /UTF-8/],
  ['the byte 0xff', acquireOf('a1 ff'), /UTF-8/],
  ['a sequence cut off by the end of the str, the rest behind it', '91 95 02 01 00 a1 c3 80', /UTF-8/],
  ['an option twice', '91 92 01 82 a5 6265617473 c3 a5 6265617473 c3', /hello: options: a map key that occurs twice/],
  [
    'an entry of meta twice',
    '91 99 02 01 00 a1 6b 00 c0 c0 00 82 a1 61 a1 62 a1 61 a1 62',
    /acquire: meta: a map key that occurs twice/,
  ],
  ['a key that is no UTF-8', '91 92 01 81 a1 ff c3', /UTF-8/],
  ['2^53', '91 92 03 cf 00 20 00 00 00 00 00 00', /beyond 2\^53/],
  ['2^64 - 1', '91 92 03 cf ff ff ff ff ff ff ff ff', /beyond 2\^53/],
  ['-2^63', '91 92 03 d3 80 00 00 00 00 00 00 00', /beyond 2\^53/],
  ['2^53 as a float', '91 92 03 cb 43 40 00 00 00 00 00 00', /another float/],
  ['1.5 as a float', '91 92 03 cb 3f f8 00 00 00 00 00 00', /another float/],
  ['NaN', '91 92 03 cb 7f f8 00 00 00 00 00 00', /another float/],
  ['infinity', '91 92 03 cb 7f f0 00 00 00 00 00 00', /another float/],
  ['minus infinity', '91 92 03 cb ff f0 00 00 00 00 00 00', /another float/],
  ['a float 32, even with an integral value', '91 92 03 ca 3f 80 00 00', /found a float/],
  ['a bin where a str is wanted', acquireOf('c4 01 61'), /a bin/],
];

const ofUnknown: [name: string, value: string, refusal: RegExp][] = [
  ['the byte that MessagePack never uses', 'c1', /0xc1/],
  ['an extension', 'd4 01 00', /extension/],
  ['a timestamp', 'd6 ff 00 00 00 00', /extension/],
  ['an array cut off', '92 01', /ends inside/],
  ['an array that claims 2^32 - 1 values', 'dd ff ff ff ff', /ends inside/],
  ['a map that claims 2^32 - 1 entries', 'df ff ff ff ff', /ends inside/],
  ['a bin that claims 2^32 - 1 bytes', 'c6 ff ff ff ff', /ends inside/],
  ['a str that claims 2^32 - 1 bytes', 'db ff ff ff ff', /ends inside/],
  ['a bin 8 cut off', 'c4 02 00', /ends inside/],
  ['a map without its last value', '81 a1 61', /ends inside/],
  ['a map with a number as its key', '81 01 02', /a map key: expected a str, found an integer/],
  ['a map with nil as its key', '81 c0 02', /a map key: expected a str, found nil/],
  ['a map with an array as its key', '81 90 02', /a map key: expected a str, found an array/],
  ['a map with a bin as its key', '81 c4 01 61 02', /a map key: expected a str, found a bin/],
  ['a map with a key twice', '82 a1 61 01 a1 61 02', /twice/],
  ['a map with the key __proto__ twice', '82 a9 5f5f70726f746f5f5f 01 a9 5f5f70726f746f5f5f 02', /twice/],
  ['a key that is no UTF-8', '81 a1 ff 01', /UTF-8/],
  ['an integer beyond 2^53 - 1', 'cf 00 20 00 00 00 00 00 00', /beyond/],
  ['an integer below -(2^53 - 1)', 'd3 ff e0 00 00 00 00 00 00', /beyond/],
  ['1e300 as a float', 'cb 7e 37 e4 3c 88 00 75 9c', /beyond/],
  ['2^53 as a float 32', 'ca 5a 00 00 00', /beyond/],
  ['7 levels of arrays', `${'91'.repeat(7)} 00`, /nested/],
  ['7 levels of maps', `${'81 a0'.repeat(7)} 00`, /nested/],
  ['10,000 levels of arrays', '91'.repeat(10_000), /nested/],
];

describe('malformed bytes are refused', () => {
  test.each(ofAcquire)('by the server: %s', (_name, bytes, refusal) => {
    expect(refusalOf(decodeClientFrame, hex(bytes))).toMatch(refusal);
  });

  test.each(ofUnknown)('by the client, in a message that it does not know: %s', (_name, value, refusal) => {
    expect(refusalOf(decodeServerFrame, hex(unknownWith(value)))).toMatch(refusal);
  });

  test('by the server: 10,000 levels of arrays and of maps', () => {
    expect(refusalOf(decodeClientFrame, new Uint8Array(10_000).fill(0x91))).toMatch(/type/);
    expect(refusalOf(decodeClientFrame, hex(`91 92 01 ${'81 a1 61'.repeat(10_000)}`))).toMatch(/unknown key "a"/);
  });

  test('every value that stands alone instead of a frame', () => {
    for (let byte = 0; byte < 0x100; byte++) {
      refusalOf(decodeClientFrame, Uint8Array.of(byte));
      refusalOf(decodeServerFrame, Uint8Array.of(byte));
    }
  });

  test('every frame that is cut off anywhere', () => {
    const frame = hex('92 99 02 cd0101 ce00010000 a3 6b6579 01 c0 cd0100 01 81 a1 61 a1 62 92 03 07');
    expect(decodeClientFrame(frame)).toHaveLength(2);
    for (let length = 0; length < frame.length; length++) refusalOf(decodeClientFrame, frame.subarray(0, length));
  });

  test('what msgpackr writes with its own extensions', () => {
    const packr = new Packr({ moreTypes: true });
    for (const value of [{ a: 1 }, [[1, { client: 'x' }]], new Date(0), new Set([1]), /x/, undefined]) {
      refusalOf(decodeClientFrame, packr.pack(value));
      refusalOf(decodeServerFrame, packr.pack([[127, value]]));
    }
  });
});

describe('all standard forms are taken', () => {
  const forms: [name: string, number: string][] = [
    ['fixint', '07'],
    ['uint 8', 'cc 07'],
    ['uint 16', 'cd 00 07'],
    ['uint 32', 'ce 00 00 00 07'],
    ['uint 64', 'cf 00 00 00 00 00 00 00 07'],
    ['int 8', 'd0 07'],
    ['int 16', 'd1 00 07'],
    ['int 32', 'd2 00 00 00 07'],
    ['int 64', 'd3 00 00 00 00 00 00 00 07'],
    ['float 64', 'cb 40 1c 00 00 00 00 00 00'],
  ];
  test.each(forms)('an integer as %s', (_name, number) => {
    expect(decodeClientFrame(hex(`91 92 03 ${number}`))).toEqual([[3, 7]]);
  });

  test.each([
    ['fixarray', '91'],
    ['array 16', 'dc 00 01'],
    ['array 32', 'dd 00 00 00 01'],
  ])('a frame as %s', (_name, header) => {
    expect(decodeClientFrame(hex(`${header} 92 03 07`))).toEqual([[3, 7]]);
  });

  test.each([
    ['fixstr', 'a1'],
    ['str 8', 'd9 01'],
    ['str 16', 'da 00 01'],
    ['str 32', 'db 00 00 00 01'],
  ])('a str as %s', (_name, header) => {
    expect(decodeClientFrame(hex(acquireOf(`${header} 6b`)))[0]?.[3]).toBe('k');
  });

  test.each([
    ['fixmap', '81'],
    ['map 16', 'de 00 01'],
    ['map 32', 'df 00 00 00 01'],
  ])('a map as %s', (_name, header) => {
    expect(decodeClientFrame(hex(`91 94 08 01 a3 6b6579 ${header} a3 6b6579 a1 6b`))).toEqual([
      [8, 1, 'key', { key: 'k' }],
    ]);
  });

  test.each([
    ['bin 8', 'c4 10'],
    ['bin 16', 'c5 00 10'],
    ['bin 32', 'c6 00 00 00 10'],
  ])('a bin as %s, and as a copy that outlives the frame', (_name, header) => {
    // A Buffer of Node, whose own slice is a view.
    const frame = Buffer.from(
      hex(`91 92 01 82 a7 73657373696f6e a2 7331 a6 736563726574 ${header} ${'07'.repeat(16)}`),
    );
    const [message] = decodeClientFrame(frame);
    frame.fill(0);
    expect(message).toMatchObject([1, { session: 's1', secret: new Uint8Array(16).fill(7) }]);
  });

  test('-0 as a float is 0', () => {
    expect(decodeClientFrame(hex('91 92 07 cb 80 00 00 00 00 00 00 00'))).toStrictEqual([[7, 0]]);
  });

  test('a client reads rows of any values, float 32 among them', () => {
    const row =
      '88 a1 61 ca 3f 00 00 00 a1 62 c3 a1 63 c2 a1 64 c4 01 ff a1 65 d3 ff ff ff ff ff ff ff fe a1 66 ff a1 67 d9 01 78 a1 68 90';
    expect(decodeServerFrame(hex(`91 94 49 01 91 ${row} c2`))).toStrictEqual([
      [73, 1, [{ a: 0.5, b: true, c: false, d: Uint8Array.of(255), e: -2, f: -1, g: 'x', h: [] }], false],
    ]);
  });

  test('6 levels below a message are within the limit of 8', () => {
    expect(decodeServerFrame(hex(unknownWith(`${'91'.repeat(6)} 00`)))).toEqual([]);
  });
});

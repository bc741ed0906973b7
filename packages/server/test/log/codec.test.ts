import type { Command, Entry } from '@holdfast/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBodies, decodeEntry, encodeBody, encodeEntry } from '../../src/log/codec/entries.js';
import { decodeRows, encodeRow } from '../../src/log/codec/rows.js';
import { anyCommand, anyEntry, anyRow, commandTypes } from './support/arbitraries.js';

const RUNS = 1_000;
const SEED = 7_420;

/** Each command as it lies in a log that somebody has: these bytes never change. */
const GOLDEN: readonly (readonly [Command, string])[] = [
  [
    {
      type: 'begin-term',
      tokenFloor: 2 ** 40,
      limits: { sessionsMax: 100, requestsPerSessionMax: 1_000, queueLengthMax: 200_000 },
    },
    '95 01 cf0000010000000000 64 cd03e8 ce00030d40',
  ],
  [
    { type: 'open-session', session: 's1', client: 'api', timeoutMs: 5_000, secretHash: null },
    '95 02 a27331 a3617069 cd1388 c0',
  ],
  [
    { type: 'open-session', session: 's1', client: 'api', timeoutMs: 5_000, secretHash: 'h' },
    '95 02 a27331 a3617069 cd1388 a168',
  ],
  [{ type: 'resume-session', session: 's1', proofHash: 'p', secretHash: 'h' }, '94 03 a27331 a170 a168'],
  [{ type: 'confirm-session', session: 's1', secretHash: 'h' }, '93 04 a27331 a168'],
  [{ type: 'end-session', session: 's1', reason: 'closed' }, '93 05 a27331 00'],
  [{ type: 'end-session', session: 's1', reason: 'dropped' }, '93 05 a27331 01'],
  [{ type: 'end-session', session: 's1', reason: 'silent' }, '93 05 a27331 02'],
  [{ type: 'end-session', session: 's1', reason: 'killed' }, '93 05 a27331 03'],
  [
    {
      type: 'acquire',
      session: 's1',
      request: 7,
      acked: 3,
      key: 'orders/42',
      mode: 'exclusive',
      waitMs: null,
      leaseMs: null,
      wantsPlace: false,
      meta: null,
    },
    '9a 06 a27331 07 03 a96f72646572732f3432 00 c0 c0 c2 c0',
  ],
  [
    {
      type: 'acquire',
      session: 's1',
      request: 300,
      acked: 0,
      key: 'k',
      mode: 'shared',
      waitMs: 0,
      leaseMs: 30_000,
      wantsPlace: true,
      meta: { who: 'ü' },
    },
    '9a 06 a27331 cd012c 00 a16b 01 00 cd7530 c3 81 a377686f a2c3bc',
  ],
  [{ type: 'release', session: 's1', request: 7 }, '93 07 a27331 07'],
  [{ type: 'cancel', session: 's1', request: 7 }, '93 08 a27331 07'],
  [{ type: 'extend', session: 's1', request: 7, leaseMs: null }, '94 09 a27331 07 c0'],
  [{ type: 'extend', session: 's1', request: 7, leaseMs: 100 }, '94 09 a27331 07 64'],
  [
    { type: 'force-release', key: 'k', token: null, session: 's1', call: 9, reason: 'stuck' },
    '96 0a a16b c0 a27331 09 a5737475636b',
  ],
  [{ type: 'force-release', key: 'k', token: 77, session: 's1', call: 9, reason: '' }, '96 0a a16b 4d a27331 09 a0'],
];

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

function entryOf(...commands: Command[]): Entry {
  return { index: 5, term: 2, nowMs: 1_000, commands };
}

describe('entries as bytes', () => {
  test.each(GOLDEN)('%j is written byte for byte as it always was, and read', (command, hex) => {
    const body = bytesOf(`92 cd03e8 ${hex}`);
    expect(encodeBody(entryOf(command))).toStrictEqual(body);
    expect(decodeBodies(body, 1, 5, 2)).toStrictEqual([entryOf(command)]);
  });

  test('every type of command has golden bytes', () => {
    expect(new Set(GOLDEN.map(([{ type }]) => type))).toEqual(new Set(commandTypes));
  });

  test('a whole entry is its index, its term and its body', () => {
    const entry = entryOf({ type: 'release', session: 's1', request: 7 });
    expect(encodeEntry(entry)).toStrictEqual(bytesOf('05 02 92 cd03e8 93 07 a27331 07'));
    expect(decodeEntry(encodeEntry(entry))).toStrictEqual(entry);
  });

  test('every entry is read as it was written', () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        expect(decodeEntry(encodeEntry(entry))).toStrictEqual(entry);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  test('bodies that lie one after the other are read in their order', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyCommand, { maxLength: 4 }), { maxLength: 6 }), (lists) => {
        const entries = lists.map((commands, i): Entry => ({ index: 10 + i, term: 3, nowMs: i, commands }));
        const bytes = Buffer.concat(entries.map(encodeBody));
        expect(decodeBodies(bytes, entries.length, 10, 3)).toStrictEqual(entries);
      }),
      { numRuns: 200, seed: SEED },
    );
  });

  test('a cut-off entry is refused at every byte', () => {
    const whole = encodeEntry(entryOf(...GOLDEN.map(([command]) => command)));
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeEntry(whole.subarray(0, length)), `${length} bytes`).toThrow();
    }
  });

  test.each([
    ['an unknown command', '92 00 92 0b a173', /unknown type 11/],
    ['the type 0', '92 00 91 00', /unknown type 0/],
    ['too few elements', '92 00 92 07 a173', /release: expected 3 elements, found 2/],
    ['too many elements', '92 00 94 07 a173 01 01', /release: expected 3 elements, found 4/],
    ['a number where a string belongs', '92 00 93 07 05 01', /release: session: expected a str/],
    ['a negative number', '92 00 93 07 a173 ff', /release: request: expected an integer/],
    ['an unknown reason', '92 00 93 05 a173 04', /end-session: reason: 4 is not known/],
    ['an unknown mode', '92 00 9a 06 a173 01 00 a16b 02 c0 c0 c2 c0', /acquire: mode: 2 is not known/],
    ['a name twice', '92 00 9a 06 a173 01 00 a16b 00 c0 c0 c2 82 a161 a162 a161 a163', /occurs twice/],
    ['nil for log time', '91 c0', /an entry: nowMs/],
    ['a body that is no array', '05', /an entry: expected an array/],
    ['bytes after the entry', '91 00 00', /1 bytes after the value/],
  ])('%s is refused, and the text says what it is', (_what, hex, text) => {
    expect(() => decodeBodies(bytesOf(hex), 1, 1, 1)).toThrow(text);
  });

  test('what UTF-8 cannot say is refused when it is written, and the next entry is written as ever', () => {
    expect(() => encodeBody(entryOf({ type: 'release', session: '\ud800', request: 7 }))).toThrow(RangeError);
    expect(() => encodeBody(entryOf({ type: 'release', session: 's1', request: -1 }))).toThrow(RangeError);
    expect(encodeBody(entryOf())).toStrictEqual(bytesOf('91 cd03e8'));
  });
});

describe('rows as bytes', () => {
  test('every row is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 5 }), (rows) => {
        const bytes = Buffer.concat(rows.map(encodeRow));
        // No integer format has a negative zero; no snapshot has one either.
        const wanted = rows.map((row) => row.map((value) => (Object.is(value, -0) ? 0 : value)));
        expect(decodeRows(bytes, rows.length)).toStrictEqual(wanted);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  test('a row is an array of its values', () => {
    expect(encodeRow(['key', 1, true, false, null])).toStrictEqual(bytesOf('95 a36b6579 01 c3 c2 c0'));
  });

  test.each([
    ['a nested array', '91 90', 1],
    ['a map', '91 80', 1],
    ['a bin', '91 c400', 1],
    ['no array', '01', 1],
    ['a row too many', '90 90', 1],
    ['a row too few', '90', 2],
  ])('%s is refused', (_what, hex, count) => {
    expect(() => decodeRows(bytesOf(hex), count)).toThrow();
  });
});

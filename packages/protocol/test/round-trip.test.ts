import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeClientFrame, decodePing, decodeServerFrame, encodeFrame, encodePing } from '../src/frames.js';
import { MESSAGES_PER_FRAME_MAX } from '../src/limits.js';
import type { ClientMessage, ServerMessage } from '../src/messages.js';
import { MessageType } from '../src/messages.js';
import { clientMessage, serverMessage } from './arbitraries.js';
import { expectSame } from './same.js';

const RUNS = 400;
const SEED = 7_420;

describe('round trips', () => {
  test('every frame of client messages is read as it was written', () => {
    const seen = new Set<number>();
    fc.assert(
      fc.property(fc.array(clientMessage, { minLength: 1, maxLength: 12 }), (messages) => {
        for (const [type] of messages) seen.add(type);
        expectSame(decodeClientFrame(encodeFrame(messages)), messages);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect([...seen].toSorted((a, b) => a - b)).toEqual(Object.values(MessageType).filter((type) => type < 64));
  });

  test('every frame of server messages is read as it was written', () => {
    const seen = new Set<number>();
    fc.assert(
      fc.property(fc.array(serverMessage, { minLength: 1, maxLength: 12 }), (messages) => {
        for (const [type] of messages) seen.add(type);
        expectSame(decodeServerFrame(encodeFrame(messages)), messages);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect([...seen].toSorted((a, b) => a - b)).toEqual(Object.values(MessageType).filter((type) => type >= 64));
  });

  test('a frame of a part of the messages has that part', () => {
    const messages: ClientMessage[] = [1, 2, 3, 4, 5].map((request) => [3, request]);
    expect(decodeClientFrame(encodeFrame(messages, 1, 3))).toEqual([
      [3, 2],
      [3, 3],
    ]);
    expect(decodeClientFrame(encodeFrame(messages, 4))).toEqual([[3, 5]]);
  });

  test('a frame has 1 to 4,096 messages, at both ends', () => {
    const messages = Array.from({ length: MESSAGES_PER_FRAME_MAX }, (_, i): ClientMessage => [3, i + 1]);
    expect(decodeClientFrame(encodeFrame(messages))).toEqual(messages);
    expect(() => encodeFrame([...messages, [10]])).toThrow(RangeError);
    expect(() => encodeFrame([])).toThrow(RangeError);
    expect(() => encodeFrame(messages, 3, 3)).toThrow(RangeError);
    expect(() => encodeFrame(messages, 4_000, 4_100)).toThrow(RangeError);
  });

  test('optional elements that the program leaves out are read as their defaults', () => {
    const messages: ServerMessage[] = [
      [66, 1, 5],
      [68, 1, 2],
      [68, 1, 2, 'HELD'],
      [69, 1],
    ];
    expect(decodeServerFrame(encodeFrame(messages))).toEqual([
      [66, 1, 5, null],
      [68, 1, 2, 'RELEASED', null],
      [68, 1, 2, 'HELD', null],
      [69, 1, null],
    ]);
  });

  test('a ping is read as it was written, and anything else is null', () => {
    expect(decodePing(encodePing([7, 6, 2 ** 40]))).toEqual([7, 6, 2 ** 40]);
    for (const hex of [
      '',
      '61',
      '930102',
      '93010203ff',
      '9301a132',
      '9201',
      '92010203',
      '9400010203',
      'c1',
      '93010280',
    ]) {
      expect(decodePing(Uint8Array.from(Buffer.from(hex, 'hex'))), hex).toBeNull();
    }
  });
});

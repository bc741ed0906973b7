/** Valid frames, damaged in every way a seed can think of. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BadMessage } from '../src/errors.js';
import { decodeClientFrame, decodeServerFrame, encodeFrame } from '../src/frames.js';
import type { ClientMessage, ServerMessage } from '../src/messages.js';
import { clientMessage, serverMessage } from './arbitraries.js';
import { expectSame } from './same.js';

const FRAMES = 100_000;
const SEED = 20_251_101;
/** Bytes at which MessagePack or UTF-8 changes its mind. */
const EDGES = [
  0x00,
  0x7f,
  0x80,
  0x81,
  0x8f,
  0x90,
  0x91,
  0x9f,
  0xa0,
  0xbf,
  ...Array.from({ length: 0x40 }, (_, i) => 0xc0 + i),
];

/** The generator mulberry32: from a seed, numbers from 0 up to, not including, `below`. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function mutate(frame: Uint8Array, other: Uint8Array, pick: (below: number) => number): Uint8Array {
  const at = pick(frame.length);
  switch (pick(7)) {
    case 0: {
      const flipped = Uint8Array.from(frame);
      for (let flips = 1 + pick(3); flips > 0; flips--) flipped[pick(frame.length)]! ^= 1 << pick(8);
      return flipped;
    }
    case 1:
      return Uint8Array.from(frame).fill(EDGES[pick(EDGES.length)]!, at, at + 1 + pick(3));
    case 2:
      return frame.slice(0, at);
    case 3:
      // The beginning of one frame and the end of another.
      return Uint8Array.from([...frame.subarray(0, at), ...other.subarray(pick(other.length))]);
    case 4:
      // A valid frame inside another: where a value may stand it is one value.
      return Uint8Array.from([...frame.subarray(0, at), ...other, ...frame.subarray(at)]);
    case 5:
      return Uint8Array.from([...frame.subarray(0, at), ...frame.subarray(at + 1 + pick(4))]);
    default:
      return Uint8Array.from([...frame.subarray(0, at), EDGES[pick(EDGES.length)]!, ...frame.subarray(at)]);
  }
}

function framesOf<T extends ClientMessage | ServerMessage>(message: fc.Arbitrary<T>): Uint8Array[] {
  const messages = fc.sample(fc.array(message, { minLength: 1, maxLength: 4 }), { numRuns: 200, seed: SEED });
  // Small frames are hit where it matters; of large ones mostly the inside of some text would be.
  const frames = messages.map((frame) => encodeFrame(frame)).filter((frame) => frame.length < 1_000);
  if (frames.length < 100) throw new Error('too few frames to mutate');
  return frames;
}

describe.each([
  { direction: 'client', decode: decodeClientFrame, frames: () => framesOf(clientMessage) },
  { direction: 'server', decode: decodeServerFrame, frames: () => framesOf(serverMessage) },
])('damaged frames of the $direction', ({ decode, frames: framesOfDirection }) => {
  test('each is refused, or read as messages that can be sent and read again', () => {
    const prototypeBefore = Object.getOwnPropertyNames(Object.prototype);
    const frames = framesOfDirection();
    const pick = random(SEED);
    let refused = 0;
    let taken = 0;
    for (let i = 0; i < FRAMES / 2; i++) {
      const bytes = mutate(frames[pick(frames.length)]!, frames[pick(frames.length)]!, pick);
      let messages: (ClientMessage | ServerMessage)[];
      try {
        messages = decode(bytes);
      } catch (error) {
        if (!(error instanceof BadMessage))
          throw new Error(`frame ${i}: ${Buffer.from(bytes).toString('hex')}`, { cause: error });
        if (error.message.length > 200) expect.fail(`a long refusal: ${error.message}`);
        refused++;
        continue;
      }
      taken++;
      // A client's frame of unknown messages only has nothing to be sent again.
      if (messages.length > 0) expectSame(decode(encodeFrame(messages)), messages);
    }
    // Both outcomes are common, or the mutations are not worth their name.
    expect(refused).toBeGreaterThan(FRAMES / 10);
    expect(taken).toBeGreaterThan(FRAMES / 50);
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototypeBefore);
  });
});

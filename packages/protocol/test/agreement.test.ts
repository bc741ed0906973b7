/** What we write others read to the same values, and what they write of the same values we read. */
import { decode, encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { encodeFrame, decodeClientFrame, decodeServerFrame } from '../src/frames.js';
import type { ClientMessage, ServerMessage } from '../src/messages.js';
import { Reader } from '../src/reader.js';
import { Writer } from '../src/writer.js';
import { clientMessage, serverMessage, wireValue } from './arbitraries.js';
import { expectSame } from './same.js';

const RUNS = 500;
const SEED = 7_420;

// Standard MessagePack out of msgpackr. 'auto' gives numbers where they are exact; its types do not know it.
const options = { useRecords: false, variableMapSize: true, int64AsType: 'auto' };
const packr = new Packr(options as ConstructorParameters<typeof Packr>[0]);

const frame = fc.oneof(
  fc.array(clientMessage, { minLength: 1, maxLength: 6 }).map((messages) => ({ from: 'client' as const, messages })),
  fc.array(serverMessage, { minLength: 1, maxLength: 6 }).map((messages) => ({ from: 'server' as const, messages })),
);

function read(from: 'client' | 'server', bytes: Uint8Array): (ClientMessage | ServerMessage)[] {
  return from === 'client' ? decodeClientFrame(bytes) : decodeServerFrame(bytes);
}

/** Both others rename a map's key `__proto__` or refuse it, so for them it gets another name. */
function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name === '__proto__' ? '"proto"' : name, renamed(inner)]),
  );
}

/** bin as what the other implementation makes of it, which may be a Buffer, as plain bytes. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

const others = [
  {
    name: 'msgpackr',
    write: (value: unknown): Uint8Array => packr.pack(value),
    read: (bytes: Uint8Array): unknown => packr.unpack(bytes),
  },
  {
    name: '@msgpack/msgpack',
    write: (value: unknown): Uint8Array => encode(value),
    read: (bytes: Uint8Array): unknown => decode(bytes),
  },
];

describe.each(others)('agreement with $name', (other) => {
  test('it reads every value that we write', () => {
    fc.assert(
      fc.property(wireValue, (value) => {
        const given = renamed(value);
        const writer = new Writer();
        writer.begin();
        writer.value(given, 1);
        expectSame(plain(other.read(writer.finish())), given);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  test('we read every value that it writes', () => {
    fc.assert(
      fc.property(wireValue, (value) => {
        const given = renamed(value);
        const reader = new Reader(Uint8Array.from(other.write(given)));
        expectSame(reader.value(1), given);
        reader.finish();
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  test('it reads our frames, and we read the same messages from what it writes of them', () => {
    fc.assert(
      fc.property(frame, ({ from, messages }) => {
        const given = renamed(messages) as (ClientMessage | ServerMessage)[];
        const ours = encodeFrame(given);
        // The value as it is sent, with defaults left out, goes through the other implementation there and back.
        const sent = other.read(ours);
        expectSame(read(from, other.write(sent)), read(from, ours));
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  test('it reads tokens above 2^32 as the same numbers', () => {
    for (const token of [2 ** 32, 2 ** 47 + 1, 2 ** 52 + 1, 2 ** 53 - 1]) {
      const bytes = encodeFrame([[66, 1, token]]);
      expect(bytes[4]).toBe(0xcf);
      expect(other.read(bytes)).toEqual([[66, 1, token]]);
    }
  });
});

test('readers of 64-bit integers as bigint find the token exact', () => {
  const token = 2 ** 53 - 1;
  const bytes = encodeFrame([[66, 1, token]]);
  expect(new Packr({ useRecords: false, int64AsNumber: false }).unpack(bytes)).toEqual([[66, 1, BigInt(token)]]);
  expect(decode(bytes, { useBigInt64: true })).toEqual([[66, 1, BigInt(token)]]);
});

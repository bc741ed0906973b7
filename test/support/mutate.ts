/** Frames of every client message, and what can go wrong with them: in a value, in the structure, in the bytes. */
import { MessageType } from '@holdfast/protocol';
import { type Packable, Raw, pack } from './pack.js';
import type { Random } from './random.js';

const { hello, acquire, release, cancel, extend, watch, unwatch, query, probe, goodbye, force } = MessageType;

const KEYS = ['fuzz/a', 'fuzz/b', 'fuzz/c', 'fuzz/ä', 'fuzz/🔒', '__proto__', 'k'.repeat(1_024)];
const NUMBERS = [0, 1, 2, 3, 31, 32, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1];

/** Values that stand where something else should. */
const ODD: readonly Packable[] = [
  ...NUMBERS,
  -1,
  -(2 ** 31),
  0.5,
  2n ** 53n,
  2n ** 64n - 1n,
  null,
  true,
  false,
  '',
  '**',
  'constructor',
  'x'.repeat(1_025),
  new Uint8Array(0),
  new Uint8Array(16),
  [],
  [[]],
  {},
  { ['__proto__']: 1 },
  { key: 'fuzz/a' },
  new Map<Packable, Packable>([[1, 2]]),
  new Raw(0xc1),
  new Raw(0xc7, 0, 1),
  new Raw(0xd4, 0, 0),
  new Raw(0xdd, 0xff, 0xff, 0xff, 0xff),
  new Raw(0xdf, 0x7f, 0xff, 0xff, 0xff),
  new Raw(0xdb, 0, 0, 1, 0),
  new Raw(0xa2, 0xc3, 0x28),
  new Raw(...Array.from({ length: 40 }, () => 0x91), 0),
];

/** A good message. Requests come from a few small numbers and from the ever larger `next`, so that some are known and some are new. */
function goodMessage(random: Random, next: number, isFirst: boolean): readonly Packable[] {
  if (random.chance(isFirst ? 90 : 2)) {
    return [hello, { client: 'fuzz', resumable: random.chance(50), timeoutMs: 1_000 }];
  }
  const number = random.chance(50) ? next : 1 + random.below(20);
  const key = random.pick(KEYS);
  switch (random.below(11)) {
    case 0:
    case 1:
    case 2:
      return [
        acquire,
        next,
        random.below(next),
        key,
        random.below(2),
        random.pick([0, 5, 1_000]),
        500,
        1,
        { who: 'me' },
      ];
    case 3:
      return [release, number];
    case 4:
      return [cancel, number];
    case 5:
      return [extend, number, 1 + random.below(1_000)];
    case 6:
      // Few of them see much: the matter is what the server hears, not how much it has to say.
      return [
        watch,
        random.below(8),
        random.pick(['quiet/*', '**/quiet', random.chance(5) ? '**' : 'a\\*']),
        random.pick([null, 0, 5]),
        random.chance(30),
      ];
    case 7:
      return [unwatch, random.below(8)];
    case 8:
      return random.chance(50)
        ? [query, number, 'key', { key }]
        : [query, number, random.pick(['keys', 'sessions']), { limit: 1 + random.below(9) }];
    case 9:
      return random.chance(5) ? [goodbye] : [probe, number];
    default:
      return [force, number, key, random.pick([null, 7]), 'because'];
  }
}

/** The bytes of one frame of good messages with some damage in it. `isFirst`: most are a hello, as the first frame of a connection is. */
export function mutatedFrame(random: Random, next: number, isFirst: boolean): Buffer {
  const messages: Packable[] = Array.from({ length: random.chance(80) ? 1 : 1 + random.below(4) }, () =>
    goodMessage(random, next, isFirst),
  );
  switch (random.below(8)) {
    case 0:
      return pack(inStructure(random, messages));
    case 1:
      return inBytes(random, pack(messages));
    default:
      return pack(inValue(random, messages));
  }
}

/** Another number or another str where one was: most of these frames are still good. */
function inValue(random: Random, value: Packable): Packable {
  if (typeof value === 'number') return random.chance(25) ? random.pick(NUMBERS) : value;
  if (typeof value === 'string') return random.chance(20) ? random.pick(KEYS) : value;
  if (Array.isArray(value)) {
    const [type, ...rest] = value as readonly Packable[];
    // The type of a message stays, or most would become messages that do not exist.
    if (typeof type === 'number') return [type, ...rest.map((item) => inValue(random, item))];
    return (value as readonly Packable[]).map((item) => inValue(random, item));
  }
  return value;
}

/** Something odd in the place of an element, an element too many, one too few, two that changed places. */
function inStructure(random: Random, messages: readonly Packable[]): Packable {
  const damaged = messages.map((message) => [...(message as readonly Packable[])]);
  const target = random.pick(damaged);
  const at = random.below(target.length);
  switch (random.below(5)) {
    case 0:
      target.splice(at, 1);
      break;
    case 1:
      target.splice(at, 0, random.pick(ODD));
      break;
    case 2:
      target.push(target.splice(at, 1)[0] ?? null);
      break;
    default:
      target[at] = random.pick(ODD);
  }
  return damaged;
}

/** Bits turned, bytes lost, doubled, inserted or cut off, wherever they are. */
function inBytes(random: Random, frame: Buffer): Buffer {
  let bytes = frame;
  for (let count = 1 + random.below(3); count > 0; count--) {
    const at = random.below(bytes.length + 1);
    const length = 1 + random.below(8);
    switch (random.below(6)) {
      case 0:
        bytes = bytes.subarray(0, at);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), pack(random.pick(ODD)), bytes.subarray(at)]);
        break;
      default:
        bytes = Buffer.from(bytes);
        if (at < bytes.length) bytes[at] = bytes.readUInt8(at) ^ (1 << random.below(8));
    }
  }
  return bytes;
}

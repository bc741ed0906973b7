/**
 * The codec beside msgpackr: nanoseconds to encode and to decode a frame of typical messages, both in one process, in turns.
 *
 *     pnpm build && node bench/codec.js [rounds]
 *
 * Both get the same content. msgpackr gets arrays whose default elements are left out already and validates nothing; ours leaves them out,
 * and on decoding checks every element and fills the defaults in. Both decode the same bytes, given as the Buffers that `ws` hands out.
 */
import { Packr } from 'msgpackr';
import { decodeClientFrame, decodeServerFrame, encodeFrame } from '@holdfast/protocol';

const ROUNDS = Number(process.argv[2] ?? 9);
const FRAMES = 512;
const OPERATIONS = 102_400;

const packr = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'auto' });

const token = (i) => 27_000_000 * 2 ** 22 + i;
const shortKey = (i) => `orders/${i % 97}`;
const longKey = (i) => `tenants/2f1c9a/invoices/2025-11/${String(i).padStart(6, '0')}`;

/** For each case: a message as the program has it, the same as msgpackr is given it, and who reads it. */
const cases = [
  {
    name: 'acquire, 9-byte key',
    ours: (i) => [2, i, i - 1, shortKey(i), 0, null, null, 0, null],
    theirs: (i) => [2, i, i - 1, shortKey(i)],
    decode: decodeClientFrame,
  },
  {
    name: 'acquire, 38-byte key, wait, lease',
    ours: (i) => [2, i, i - 1, longKey(i), 0, 5_000, 30_000, 0, null],
    theirs: (i) => [2, i, i - 1, longKey(i), 0, 5_000, 30_000],
    decode: decodeClientFrame,
  },
  {
    name: 'acquire with meta',
    ours: (i) => [2, i, i - 1, shortKey(i), 1, 5_000, null, 0, { host: 'web-17', why: 'nightly' }],
    theirs: (i) => [2, i, i - 1, shortKey(i), 1, 5_000, null, 0, { host: 'web-17', why: 'nightly' }],
    decode: decodeClientFrame,
  },
  { name: 'release', ours: (i) => [3, i], theirs: (i) => [3, i], decode: decodeClientFrame },
  {
    name: 'granted',
    ours: (i) => [66, i, token(i)],
    theirs: (i) => [66, i, token(i)],
    decode: decodeServerFrame,
  },
  {
    name: 'granted with lease end',
    ours: (i) => [66, i, token(i), 86_400_000 + i],
    theirs: (i) => [66, i, token(i), 86_400_000 + i],
    decode: decodeServerFrame,
  },
  { name: 'ended', ours: (i) => [68, i, i], theirs: (i) => [68, i, i], decode: decodeServerFrame },
  {
    name: 'ended with a code',
    ours: (i) => [68, i, i, 'WAIT_TIMEOUT'],
    theirs: (i) => [68, i, i, 'WAIT_TIMEOUT'],
    decode: decodeServerFrame,
  },
];

/** One frame of 16 messages, as one turn of a busy server makes it. */
const frameCases = [
  {
    name: '16 acquires in a frame',
    of: cases[0],
  },
  {
    name: '16 granted in a frame',
    of: cases[4],
  },
].map(({ name, of }) => ({
  name,
  oursFrame: (i) => Array.from({ length: 16 }, (_, n) => of.ours(i * 16 + n)),
  theirsFrame: (i) => Array.from({ length: 16 }, (_, n) => of.theirs(i * 16 + n)),
  decode: of.decode,
}));

const all = [
  ...cases.map(({ name, ours, theirs, decode }) => ({
    name,
    oursFrame: (i) => [ours(i)],
    theirsFrame: (i) => [theirs(i)],
    decode,
  })),
  ...frameCases,
];

/** What was done last, kept so that no call can be optimised away. */
let sink;

function nanosecondsPerCall(inputs, call, operations) {
  const startMs = performance.now();
  for (let done = 0; done < operations; done += inputs.length) {
    for (const input of inputs) sink = call(input);
  }
  return ((performance.now() - startMs) * 1e6) / operations;
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

const measured = all.map(({ name, oursFrame, theirsFrame, decode }) => {
  const numbers = Array.from({ length: FRAMES }, (_, i) => i + 1_000);
  const ours = numbers.map(oursFrame);
  const theirs = numbers.map(theirsFrame);
  const bytes = ours.map((frame) => Buffer.from(encodeFrame(frame)));
  return {
    name,
    bytes: bytes[0].length,
    runs: {
      oursEncode: { inputs: ours, call: (frame) => encodeFrame(frame), rounds: [] },
      theirsEncode: { inputs: theirs, call: (frame) => packr.pack(frame), rounds: [] },
      oursDecode: { inputs: bytes, call: decode, rounds: [] },
      theirsDecode: { inputs: bytes, call: (frame) => packr.unpack(frame), rounds: [] },
    },
  };
});

// All cases take turns in every round, so that each is compiled for all kinds of message, as in a real server; the first two rounds warm up.
for (let round = -2; round < ROUNDS; round++) {
  for (const { runs } of measured) {
    for (const run of Object.values(runs)) {
      const nanoseconds = nanosecondsPerCall(run.inputs, run.call, OPERATIONS);
      if (round >= 0) run.rounds.push(nanoseconds);
    }
  }
}

console.log(`Node ${process.version}, ${ROUNDS} rounds, medians, ns a frame\n`);
console.log('| frame | bytes | encode: ours | msgpackr | decode: ours | msgpackr |');
console.log('| --- | --: | --: | --: | --: | --: |');
for (const { name, bytes, runs } of measured) {
  const figures = Object.values(runs).map(({ rounds }) => median(rounds).toFixed(0));
  console.log(`| ${name} | ${bytes} | ${figures.join(' | ')} |`);
}
if (sink === undefined) throw new Error('nothing was measured');

/** MessagePack that is no message of PROTOCOL.md: the server refuses everything, a client what it knows and finds misshapen. */
import { encode } from '@msgpack/msgpack';
import { describe, expect, test } from 'vitest';
import { decodeClientFrame, decodeServerFrame } from '../src/frames.js';
import { refusalOf } from './refusal.js';

const secret = new Uint8Array(16);
const entries = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, '']));

const fromClient: [name: string, frame: unknown, refusal: RegExp][] = [
  ['no message', [], /1 to 4096 messages, found 0/],
  ['4,097 messages', Array.from({ length: 4_097 }, () => [10]), /found 4097/],
  ['a message instead of a frame', [3, 7], /a message: expected an array, found an integer/],
  ['a map instead of a frame', { a: 1 }, /a frame: expected an array, found a map/],
  ['a map instead of a message', [{}], /a message: expected an array, found a map/],
  ['an empty message', [[]], /without a type/],
  ['a type that is a str', [['acquire', 1, 0, 'k']], /type of a message: expected an integer, found a str/],
  ['type 0', [[0]], /0 is not the type/],
  ['type 12', [[12]], /12 is not the type/],
  ['a server message', [[66, 1, 2]], /66 is not the type/],
  ['a negative type', [[-3, 1]], /integer from 0/],

  ['acquire without a key', [[2, 1, 0]], /acquire: expected 4 to 9 elements, found 3/],
  ['acquire with an element too many', [[2, 1, 0, 'k', 0, null, null, 0, null, null]], /found 10/],
  ['acquire of request 0', [[2, 0, 0, 'k']], /acquire: request: expected an integer from 1/],
  ['acquire of request -1', [[2, -1, 0, 'k']], /acquire: request: expected an integer from 1/],
  ['acquire of request 1.5', [[2, 1.5, 0, 'k']], /acquire: request: expected an integer/],
  ['acquire of request nil', [[2, null, 0, 'k']], /acquire: request: expected an integer, found nil/],
  ['acquire of a request that is a str', [[2, '1', 0, 'k']], /acquire: request: expected an integer, found a str/],
  ['acquire of a request that is true', [[2, true, 0, 'k']], /found a boolean/],
  ['acquire with acked -1', [[2, 1, -1, 'k']], /acquire: acked/],
  ['acquire with acked nil', [[2, 1, null, 'k']], /acquire: acked/],
  ['acquire of the empty key', [[2, 1, 0, '']], /acquire: key: expected a str of 1 to 1024 bytes, found 0/],
  ['acquire of a key of 1,025 bytes', [[2, 1, 0, 'k'.repeat(1_025)]], /found 1025/],
  ['acquire of a key of 513 characters of 2 bytes', [[2, 1, 0, 'é'.repeat(513)]], /found 1026/],
  ['acquire of a key of 60,000 bytes', [[2, 1, 0, 'k'.repeat(60_000)]], /found 60000/],
  ['acquire of a key that is a number', [[2, 1, 0, 42]], /acquire: key: expected a str, found an integer/],
  ['acquire of a key that is an array', [[2, 1, 0, ['a', 'b']]], /acquire: key: expected a str, found an array/],
  ['acquire of a key that is nil', [[2, 1, 0, null]], /acquire: key: expected a str, found nil/],
  ['acquire in mode 2', [[2, 1, 0, 'k', 2]], /acquire: mode: expected an integer from 0 to 1/],
  ['acquire in mode nil', [[2, 1, 0, 'k', null]], /acquire: mode/],
  ['acquire in mode "shared"', [[2, 1, 0, 'k', 'shared']], /acquire: mode/],
  ['acquire with waitMs -1', [[2, 1, 0, 'k', 0, -1]], /acquire: waitMs: expected an integer from 0 to 2147483647/],
  ['acquire with waitMs 2^31', [[2, 1, 0, 'k', 0, 2 ** 31]], /acquire: waitMs/],
  ['acquire with waitMs 0.5', [[2, 1, 0, 'k', 0, 0.5]], /acquire: waitMs/],
  ['acquire with waitMs false', [[2, 1, 0, 'k', 0, false]], /acquire: waitMs/],
  ['acquire with leaseMs 0', [[2, 1, 0, 'k', 0, null, 0]], /acquire: leaseMs: expected an integer from 1/],
  ['acquire with leaseMs 2^31', [[2, 1, 0, 'k', 0, null, 2 ** 31]], /acquire: leaseMs/],
  ['acquire with an unknown flag', [[2, 1, 0, 'k', 0, null, null, 2]], /acquire: flags/],
  ['acquire with flags nil', [[2, 1, 0, 'k', 0, null, null, null]], /acquire: flags/],
  ['acquire with meta that is a str', [[2, 1, 0, 'k', 0, null, null, 0, 'me']], /acquire: meta: expected a map/],
  ['acquire with meta that is an array', [[2, 1, 0, 'k', 0, null, null, 0, []]], /acquire: meta: expected a map/],
  ['acquire with 17 entries of meta', [[2, 1, 0, 'k', 0, null, null, 0, entries(17)]], /at most 16 entries, found 17/],
  ['acquire with meta of 1,025 bytes', [[2, 1, 0, 'k', 0, null, null, 0, { a: 'x'.repeat(1_024) }]], /1024 bytes/],
  ['acquire with a number in meta', [[2, 1, 0, 'k', 0, null, null, 0, { a: 1 }]], /acquire: meta: expected a str/],
  ['acquire with nil in meta', [[2, 1, 0, 'k', 0, null, null, 0, { a: null }]], /acquire: meta: expected a str/],
  ['acquire with a map in meta', [[2, 1, 0, 'k', 0, null, null, 0, { a: {} }]], /acquire: meta: expected a str/],

  ['release without a request', [[3]], /release: expected 2 elements, found 1/],
  ['release with an element too many', [[3, 1, 'RELEASED']], /release: expected 2 elements, found 3/],
  ['release of request 0', [[3, 0]], /release: request/],
  ['cancel without a request', [[4]], /cancel: expected 2/],
  ['cancel of request 0', [[4, 0]], /cancel: request/],
  ['extend without leaseMs', [[5, 1]], /extend: expected 3/],
  ['extend by 0', [[5, 1, 0]], /extend: leaseMs/],
  ['extend by 2^31', [[5, 1, 2 ** 31]], /extend: leaseMs/],

  ['watch without a pattern', [[6, 1]], /watch: expected 3 to 5/],
  ['watch of a pattern of 1,025 bytes', [[6, 1, '*'.repeat(1_025)]], /watch: pattern/],
  ['watch of a pattern that is nil', [[6, 1, null]], /watch: pattern/],
  ['watch after -1', [[6, 1, '**', -1]], /watch: after/],
  ['watch with state 1', [[6, 1, '**', null, 1]], /watch: state: expected true or false/],
  ['unwatch without a number', [[7]], /unwatch: expected 2/],
  ['unwatch -1', [[7, -1]], /unwatch: watch/],

  ['query of nothing', [[8, 1]], /query: expected 3 to 4/],
  ['query of something unknown', [[8, 1, 'holds']], /query: what: expected "key"/],
  ['query of a name that every object has', [[8, 1, 'constructor']], /query: what/],
  ['query of a key without the key', [[8, 1, 'key']], /key is missing/],
  ['query of a key with no key in the options', [[8, 1, 'key', {}]], /key is missing/],
  ['query of the empty key', [[8, 1, 'key', { key: '' }]], /query: options: key/],
  ['query of a key with a pattern', [[8, 1, 'key', { key: 'k', pattern: '*' }]], /unknown key "pattern"/],
  ['query of keys with a key', [[8, 1, 'keys', { key: 'k' }]], /unknown key "key"/],
  ['query of keys with limit 0', [[8, 1, 'keys', { limit: 0 }]], /query: options: limit: expected an integer from 1/],
  ['query of keys with limit 1,000,001', [[8, 1, 'keys', { limit: 1_000_001 }]], /query: options: limit/],
  ['query of keys with limit nil', [[8, 1, 'keys', { limit: null }]], /query: options: limit/],
  ['query of keys with a pattern of 1,025 bytes', [[8, 1, 'keys', { pattern: 'k'.repeat(1_025) }]], /pattern/],
  ['query of the server with an option', [[8, 1, 'server', { limit: 1 }]], /unknown key "limit"/],
  ['query with options nil', [[8, 1, 'keys', null]], /query: options: expected a map, found nil/],

  ['probe without a number', [[9]], /probe: expected 2/],
  ['probe -1', [[9, -1]], /probe: number/],
  ['goodbye with a reason', [[10, 'bye']], /goodbye: expected 1 elements, found 2/],
  ['force without a key', [[11, 1]], /force: expected 3 to 5/],
  ['force of the empty key', [[11, 1, '']], /force: key/],
  ['force with token -1', [[11, 1, 'k', -1]], /force: token/],
  ['force with a reason of 257 bytes', [[11, 1, 'k', null, 'x'.repeat(257)]], /force: reason/],
  ['force with reason nil', [[11, 1, 'k', null, null]], /force: reason/],

  ['hello without options', [[1]], /hello: expected 2/],
  ['hello with options nil', [[1, null]], /hello: options: expected a map, found nil/],
  ['hello with an unknown key', [[1, { colour: 'red' }]], /hello: options: unknown key "colour"/],
  ['hello with a key that every object has', [[1, { constructor: true }]], /unknown key "constructor"/],
  ['hello with an empty client', [[1, { client: '' }]], /hello: client: expected a str of 1 to 128 bytes/],
  ['hello with a client of 129 bytes', [[1, { client: 'c'.repeat(129) }]], /hello: client/],
  ['hello with resumable 1', [[1, { resumable: 1 }]], /hello: resumable/],
  ['hello with resumable nil', [[1, { resumable: null }]], /hello: resumable/],
  ['hello with timeoutMs 999', [[1, { timeoutMs: 999 }]], /hello: timeoutMs: expected an integer from 1000 to 60000/],
  ['hello with timeoutMs 60,001', [[1, { timeoutMs: 60_001 }]], /hello: timeoutMs/],
  ['hello with a session and no secret', [[1, { session: 's' }]], /belong together/],
  ['hello with a secret and no session', [[1, { secret }]], /belong together/],
  [
    'hello with a secret of 15 bytes',
    [[1, { session: 's', secret: new Uint8Array(15) }]],
    /a bin of 16 bytes, found 15/,
  ],
  [
    'hello with a secret of 17 bytes',
    [[1, { session: 's', secret: new Uint8Array(17) }]],
    /a bin of 16 bytes, found 17/,
  ],
  ['hello with a secret that is a str', [[1, { session: 's', secret: 'x'.repeat(16) }]], /expected a bin, found a str/],
  ['hello with auth of 8,193 bytes', [[1, { auth: 'x'.repeat(8_193) }]], /hello: auth/],
];

const limits = { requests: 1, watches: 1, keyBytes: 1, frameBytes: 1 };
const facts = {
  session: 's',
  resumed: false,
  timeoutMs: 5_000,
  pingMs: 1_666,
  serverMs: 0,
  acked: 0,
  lastRequest: 0,
  node: 'n',
  term: 1,
  features: ['locks'],
  limits,
};
const moved = { reason: 'DRAINING', urls: ['ws://b'], delayMs: 1 };

const fromServer: [name: string, frame: unknown, refusal: RegExp][] = [
  ['no message', [], /1 to 4096 messages, found 0/],
  ['an empty message', [[]], /without a type/],
  ['a type that is a str', [['granted', 1, 2]], /type of a message/],
  ['granted without a token', [[66, 1]], /granted: expected at least 3 elements, found 2/],
  ['granted with a token that is a str', [[66, 1, '5']], /granted: token/],
  ['granted with token -1', [[66, 1, -1]], /granted: token/],
  ['granted with a lease end of 1.5', [[66, 1, 2, 1.5]], /granted: leaseEndMs/],
  ['queued without a length', [[67, 1, 2]], /queued: expected at least 4/],
  ['ended without its number', [[68, 1]], /ended: expected at least 3/],
  ['ended with code nil', [[68, 1, 1, null]], /ended: code/],
  ['ended with a detail of numbers', [[68, 1, 1, 'REVOKED', { by: 1 }]], /ended: detail: expected a str/],
  ['extended without a request', [[69]], /extended: expected at least 2/],
  ['error of an unknown retry class', [[70, 0, 0, 'X', 'perhaps', '']], /error: retry: expected "never"/],
  ['error without a text', [[70, 0, 0, 'X', 'never']], /error: expected at least 6/],
  ['events that are no array', [[71, 1, 1, {}]], /events: events: expected an array/],
  ['an event that is no array', [[71, 1, 1, ['synced']]], /an event: expected an array/],
  ['an empty event', [[71, 1, 1, [[]]]], /without a kind/],
  ['an event cut short', [[71, 1, 1, [['queued', 'k', 's', 1, 0, 1]]]], /an event: expected at least 7/],
  ['a hold cut short', [[71, 1, 1, [['state', 'k', [['s', 1, 0, 1]], 1, 0]]]], /a hold: expected at least 5/],
  ['an event in mode 2', [[71, 1, 1, [['granted', 'k', 's', 1, 2, 1, null]]]], /mode/],
  ['gap without a position', [[72, 1, 1]], /gap: expected at least 4/],
  ['result with rows that are arrays', [[73, 1, [['k']], false]], /result: a row: expected a map/],
  ['result without more', [[73, 1, []]], /result: expected at least 4/],
  ['heard without a time', [[74, 1]], /heard: expected at least 3/],
  ['beat without a time', [[75, 1, 1]], /beat: expected at least 4/],
  ['watching without a position', [[77, 1]], /watching: expected at least 3/],
  ['restore without last', [[65, [], []]], /restore: expected at least 4/],
  ['restore with a hold cut short', [[65, [[1, 'k', 0, 1]], [], true]], /restore: a hold: expected at least 5/],
  [
    'restore with a request cut short',
    [[65, [], [[1, 'k', 0]], true]],
    /restore: a queued request: expected at least 4/,
  ],
  ['elsewhere for an unknown reason', [[76, { ...moved, reason: 'LUNCH' }]], /elsewhere: reason/],
  ['elsewhere with URLs that are numbers', [[76, { ...moved, urls: [1] }]], /elsewhere: a URL/],
  ['welcome with facts that are an array', [[64, []]], /welcome: expected a map/],
  ['welcome with a secret of 8 bytes', [[64, { ...facts, secret: new Uint8Array(8) }]], /welcome: secret/],
];

const without = (object: object, name: string): object =>
  Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));

describe('a server refuses', () => {
  test.each(fromClient)('%s', (_name, frame, refusal) => {
    expect(refusalOf(decodeClientFrame, encode(frame))).toMatch(refusal);
  });

  const ofOneMessage = fromClient.filter(([, frame]) => Array.isArray(frame) && frame.length === 1);
  test.each(ofOneMessage)('%s, after a message that is right', (_name, frame, refusal) => {
    expect(refusalOf(decodeClientFrame, encode([[10], ...(frame as unknown[])]))).toMatch(refusal);
  });

  test('an unknown key without repeating what is long or could harm a terminal', () => {
    const text = refusalOf(decodeClientFrame, encode([[1, { [`\u001B[2J\u202E${'x'.repeat(5_000)}`]: 1 }]]));
    expect(text).toContain('unknown key "?[2J?xxx');
    expect(text).toMatch(/^[ -~]{1,120}$/);
  });
});

describe('a server takes', () => {
  test('values at their bounds', () => {
    const meta = { ...entries(15), m: 'x'.repeat(1_024 - 36) };
    const frames: unknown[][] = [
      [2, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'k'.repeat(1_024), 1, 2 ** 31 - 1, 2 ** 31 - 1, 1, meta],
      [2, 1, 0, '😀'.repeat(256), 0, 0, 1, 0, {}],
      [5, 1, 2 ** 31 - 1],
      [6, 0, '*'.repeat(1_024), 0, true],
      [8, 0, 'keys', { pattern: '', limit: 1_000_000 }],
      [11, 0, 'k', 0, 'x'.repeat(256)],
    ];
    expect(decodeClientFrame(encode(frames))).toEqual(frames);
    const hello = { client: 'c'.repeat(128), timeoutMs: 60_000, auth: 'a'.repeat(8_192), session: '', secret };
    expect(decodeClientFrame(encode([[1, hello]]))).toEqual([[1, { resumable: false, beats: false, ...hello }]]);
  });

  test('meta whose keys are names that objects have, as entries and nothing else', () => {
    const meta = JSON.parse('{"__proto__": "a", "constructor": "b", "toString": "c"}') as Record<string, string>;
    const bytes = Uint8Array.from(
      Buffer.from(
        '9199020100a16b00c0c00083a95f5f70726f746f5f5fa161ab636f6e7374727563746f72a162a8746f537472696e67a163',
        'hex',
      ),
    );
    const [message] = decodeClientFrame(bytes);
    const read = message?.[8] as Record<string, string>;
    expect(Object.entries(read)).toEqual(Object.entries(meta));
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

describe('a client refuses', () => {
  test.each(fromServer)('%s', (_name, frame, refusal) => {
    expect(refusalOf(decodeServerFrame, encode(frame))).toMatch(refusal);
  });

  test.each(Object.keys(facts))('welcome without %s', (name) => {
    expect(refusalOf(decodeServerFrame, encode([[64, without(facts, name)]]))).toContain(`welcome: ${name} is missing`);
  });

  test.each(Object.keys(limits))('welcome without the limit %s', (name) => {
    const frame = [[64, { ...facts, limits: without(limits, name) }]];
    expect(refusalOf(decodeServerFrame, encode(frame))).toContain(`welcome: limits: ${name} is missing`);
  });

  test.each(Object.keys(moved))('elsewhere without %s', (name) => {
    expect(refusalOf(decodeServerFrame, encode([[76, without(moved, name)]]))).toContain(
      `elsewhere: ${name} is missing`,
    );
  });
});

describe('a client reads over what it does not know', () => {
  test('messages of unknown type, and frames of nothing else', () => {
    const unknown = [200, { deep: [{ a: [1] }] }, 1.5, new Uint8Array(3)];
    expect(decodeServerFrame(encode([unknown, [66, 1, 2], [12], unknown]))).toEqual([[66, 1, 2, null]]);
    expect(decodeServerFrame(encode([unknown]))).toEqual([]);
  });

  test('elements after the known ones, in messages, events, holds and lists', () => {
    const more = [{ a: [] }, 'more'];
    const state = ['state', 'k', [['s', 1, 0, 5, null, ...more]], 1, 0, ...more];
    const frame = [
      [64, facts, ...more],
      [65, [[1, 'k', 0, 5, null, ...more]], [[2, 'k', 1, 1, ...more]], true, ...more],
      [66, 1, 2, null, ...more],
      [67, 1, 2, 3, ...more],
      [68, 1, 2, 'HELD', null, ...more],
      [69, 1, null, ...more],
      [70, 0, 0, 'NEW_CODE', 'never', 'text', ...more],
      [71, 1, 1, [state, ['synced', ...more], ['ended', 'k', 's', 1, 'NEW', null, ...more]], ...more],
      [72, 1, 2, 3, ...more],
      [73, 1, [{ a: 1 }], false, ...more],
      [74, 1, 2, ...more],
      [75, 1, 2, 3, ...more],
      [76, moved, ...more],
      [77, 1, 2, ...more],
    ];
    expect(decodeServerFrame(encode(frame))).toEqual([
      [64, facts],
      [65, [[1, 'k', 0, 5, null]], [[2, 'k', 1, 1]], true],
      [66, 1, 2, null],
      [67, 1, 2, 3],
      [68, 1, 2, 'HELD', null],
      [69, 1, null],
      [70, 0, 0, 'NEW_CODE', 'never', 'text'],
      [71, 1, 1, [['state', 'k', [['s', 1, 0, 5, null]], 1, 0], ['synced'], ['ended', 'k', 's', 1, 'NEW', null]]],
      [72, 1, 2, 3],
      [73, 1, [{ a: 1 }], false],
      [74, 1, 2],
      [75, 1, 2, 3],
      [76, moved],
      [77, 1, 2],
    ]);
  });

  test('unknown map keys, and kinds of event', () => {
    const more = { colour: { a: [1, 2] }, toString: 'x' };
    const frame = [
      [64, { ...facts, ...more, limits: { ...limits, ...more } }],
      [76, { ...moved, ...more }],
      [71, 1, 1, [['paused', 'k', [[[]]]], ['synced']]],
    ];
    expect(decodeServerFrame(encode(frame))).toEqual([
      [64, facts],
      [76, moved],
      [71, 1, 1, [['synced']]],
    ]);
  });
});

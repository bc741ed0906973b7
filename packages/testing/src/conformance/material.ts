/** What the suite puts into logs: entries and rows with everything in them that a codec could lose, the same in every run. */
import type { Command, Entry, Meta, SnapshotRow } from '@holdfast/core';

/** Texts whose bytes differ from their length, end early in C, or mean something to a parser. */
const TEXTS: readonly string[] = [
  'orders/42',
  '',
  'a'.repeat(1_024),
  'schlüssel/žluťoučký/鍵/🔒',
  'line\nbreak\u0000nul\\"quote',
  '\u007f\u0080\u07ff\u0800\uffff\u{10ffff}',
];

/** Numbers at the edges of every width that an encoding may use. */
const NUMBERS: readonly number[] = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 32, 2 ** 53 - 1];

const textOf = (seed: number): string => TEXTS[seed % TEXTS.length] ?? '';
const numberOf = (seed: number): number => NUMBERS[seed % NUMBERS.length] ?? 0;

function metaOf(seed: number): Meta | null {
  if (seed % 3 === 0) return null;
  if (seed % 3 === 1) return {};
  // A name that an assignment would not store. Values may not be lost, be they whatever a client wrote.
  return Object.fromEntries([
    ['__proto__', textOf(seed)],
    ['who', textOf(seed + 1)],
    [textOf(seed + 2), ''],
  ]);
}

/** One of each kind in turn. */
function commandOf(seed: number): Command {
  const session = `session-${seed % 7}`;
  const request = numberOf(seed);
  switch (seed % 10) {
    case 0:
      return {
        type: 'begin-term',
        tokenFloor: numberOf(seed),
        limits: { sessionsMax: 1, requestsPerSessionMax: numberOf(seed + 1), queueLengthMax: numberOf(seed + 2) },
      };
    case 1:
      return {
        type: 'open-session',
        session,
        client: textOf(seed),
        timeoutMs: numberOf(seed),
        secretHash: seed % 2 === 0 ? null : textOf(seed),
      };
    case 2:
      return { type: 'resume-session', session, proofHash: textOf(seed), secretHash: textOf(seed + 1) };
    case 3:
      return { type: 'confirm-session', session, secretHash: textOf(seed) };
    case 4:
      return { type: 'end-session', session, reason: seed % 20 === 4 ? 'silent' : 'dropped' };
    case 5:
      return { type: 'release', session, request };
    case 6:
      return { type: 'cancel', session, request };
    case 7:
      return { type: 'extend', session, request, leaseMs: seed % 20 === 7 ? null : numberOf(seed) };
    case 8:
      return {
        type: 'force-release',
        key: textOf(seed),
        token: seed % 20 === 8 ? null : numberOf(seed),
        session,
        call: numberOf(seed),
        reason: textOf(seed + 1),
      };
    default:
      return acquireOf(seed);
  }
}

function acquireOf(seed: number): Command {
  return {
    type: 'acquire',
    session: `session-${seed % 7}`,
    request: seed,
    acked: numberOf(seed),
    key: textOf(seed),
    mode: seed % 20 === 9 ? 'shared' : 'exclusive',
    waitMs: seed % 3 === 0 ? null : numberOf(seed),
    leaseMs: seed % 4 === 0 ? null : numberOf(seed),
    wantsPlace: seed % 2 === 0,
    meta: metaOf(seed),
  };
}

/** The entry `index` of `term`. `variant` tells apart entries of one index: what never landed must not be found. */
export function entryOf(index: number, term: number, variant = 0): Entry {
  const seed = index * 31 + variant * 7;
  const commands = Array.from({ length: seed % 4 }, (_, i) => commandOf(seed + i));
  return { index, term, nowMs: index * 1_000 + variant, commands };
}

/** What a whole fleet says in one turn of the event loop. */
export function largeEntryOf(index: number, term: number, commandCount: number): Entry {
  const commands = Array.from({ length: commandCount }, (_, i) => acquireOf(i));
  return { index, term, nowMs: index * 1_000, commands };
}

/** Row `number` of a snapshot; `variant` tells snapshots apart. */
export function rowOf(number: number, variant: number): SnapshotRow {
  const seed = number + variant * 13;
  if (seed % 11 === 0) return [];
  return [`row-${variant}`, number, textOf(seed), numberOf(seed), -numberOf(seed + 1), seed % 2 === 0, null];
}

export function* rowsOf(count: number, variant: number): Generator<SnapshotRow> {
  for (let number = 0; number < count; number++) yield rowOf(number, variant);
}

/** A text that two values share when and only when they are the same: property order and prototypes, which no codec promises to keep, apart. */
export function canonical(value: Entry | SnapshotRow): string {
  return JSON.stringify(value, (_name, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.entries(part).toSorted(([left], [right]) => (left < right ? -1 : 1));
  });
}

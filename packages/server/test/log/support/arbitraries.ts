/** Random commands, entries and rows, with everything in them that their types allow. */
import type { Command, Entry, SnapshotRow } from '@holdfast/core';
import fc from 'fast-check';

/** Objects of the ordinary prototype: what is read has it, too. */
const record = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;

const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 12 }));
const integer = fc.oneof(fc.nat(300), fc.nat(70_000), fc.maxSafeNat());
const integerOrNull = fc.option(integer);
const meta = fc.option(
  fc
    .uniqueArray(fc.tuple(fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '1', '0')), text), {
      selector: ([name]) => name,
      maxLength: 6,
    })
    .map((entries): Record<string, string> => Object.fromEntries(entries)),
);

const commands = {
  'begin-term': record({
    type: fc.constant('begin-term' as const),
    tokenFloor: integer,
    limits: record({ sessionsMax: integer, requestsPerSessionMax: integer, queueLengthMax: integer }),
  }),
  'open-session': record({
    type: fc.constant('open-session' as const),
    session: text,
    client: text,
    timeoutMs: integer,
    secretHash: fc.option(text),
  }),
  'resume-session': record({
    type: fc.constant('resume-session' as const),
    session: text,
    proofHash: text,
    secretHash: text,
  }),
  'confirm-session': record({ type: fc.constant('confirm-session' as const), session: text, secretHash: text }),
  'end-session': record({
    type: fc.constant('end-session' as const),
    session: text,
    reason: fc.constantFrom('closed' as const, 'dropped' as const, 'silent' as const, 'killed' as const),
  }),
  acquire: record({
    type: fc.constant('acquire' as const),
    session: text,
    request: integer,
    acked: integer,
    key: text,
    mode: fc.constantFrom('exclusive' as const, 'shared' as const),
    waitMs: integerOrNull,
    leaseMs: integerOrNull,
    wantsPlace: fc.boolean(),
    meta,
  }),
  release: record({ type: fc.constant('release' as const), session: text, request: integer }),
  cancel: record({ type: fc.constant('cancel' as const), session: text, request: integer }),
  extend: record({
    type: fc.constant('extend' as const),
    session: text,
    request: integer,
    leaseMs: integerOrNull,
  }),
  'force-release': record({
    type: fc.constant('force-release' as const),
    key: text,
    token: integerOrNull,
    session: text,
    call: integer,
    reason: text,
  }),
} satisfies { [Type in Command['type']]: fc.Arbitrary<Extract<Command, { type: Type }>> };

export const commandTypes: readonly string[] = Object.keys(commands);

export const anyCommand: fc.Arbitrary<Command> = fc.oneof(...Object.values<fc.Arbitrary<Command>>(commands));

export const anyEntry: fc.Arbitrary<Entry> = record({
  index: integer,
  term: integer,
  nowMs: integer,
  commands: fc.array(anyCommand, { maxLength: 8 }),
});

export const anyRow: fc.Arbitrary<SnapshotRow> = fc.array(
  fc.oneof(
    text,
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true, noInteger: true }),
    fc.boolean(),
    fc.constant(null),
  ),
  { maxLength: 20 },
);

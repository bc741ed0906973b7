/**
 * Commands as bytes: positional MessagePack arrays, the number of the type first. What stands at which place is in docs/wal-format.md; a
 * number or a place that was given out is never used for anything else.
 *
 * Strict in reading: an unknown type, a wrong count or a value of another type is a BadMessage that says what was expected where.
 */
import type { BeginTerm, Command, Meta, Mode, SessionEndReason } from '@holdfast/core';
import type { Reader, Writer } from '@holdfast/protocol';

/** How many elements the array of a type has, the number of the type included. */
const SHAPES = {
  'begin-term': { number: 1, elements: 5 },
  'open-session': { number: 2, elements: 5 },
  'resume-session': { number: 3, elements: 4 },
  'confirm-session': { number: 4, elements: 3 },
  'end-session': { number: 5, elements: 3 },
  acquire: { number: 6, elements: 10 },
  release: { number: 7, elements: 3 },
  cancel: { number: 8, elements: 3 },
  extend: { number: 9, elements: 4 },
  'force-release': { number: 10, elements: 6 },
} as const satisfies Record<Command['type'], { number: number; elements: number }>;

const MODE_NUMBERS: Readonly<Record<Mode, number>> = { exclusive: 0, shared: 1 };
const REASON_NUMBERS: Readonly<Record<SessionEndReason, number>> = { closed: 0, dropped: 1, silent: 2, killed: 3 };

const typeByNumber: readonly (Command['type'] | undefined)[] = byNumber(
  mapValues(SHAPES, (shape): number => shape.number),
);
const modeByNumber: readonly (Mode | undefined)[] = byNumber(MODE_NUMBERS);
const reasonByNumber: readonly (SessionEndReason | undefined)[] = byNumber(REASON_NUMBERS);

/** Throws RangeError for a number or a string that the log cannot say: an error of the program, not of what it was told. */
export function writeCommand(writer: Writer, command: Command): void {
  const { type } = command;
  const shape = SHAPES[type];
  writer.arrayHeader(shape.elements);
  writer.uint(shape.number);
  switch (type) {
    case 'begin-term':
      writer.uint(command.tokenFloor);
      writer.uint(command.limits.sessionsMax);
      writer.uint(command.limits.requestsPerSessionMax);
      writer.uint(command.limits.queueLengthMax);
      return;
    case 'open-session':
      writer.string(command.session);
      writer.string(command.client);
      writer.uint(command.timeoutMs);
      if (command.secretHash === null) writer.nil();
      else writer.string(command.secretHash);
      return;
    case 'resume-session':
      writer.string(command.session);
      writer.string(command.proofHash);
      writer.string(command.secretHash);
      return;
    case 'confirm-session':
      writer.string(command.session);
      writer.string(command.secretHash);
      return;
    case 'end-session':
      writer.string(command.session);
      writer.uint(REASON_NUMBERS[command.reason]);
      return;
    case 'acquire':
      writer.string(command.session);
      writer.uint(command.request);
      writer.uint(command.acked);
      writer.string(command.key);
      writer.uint(MODE_NUMBERS[command.mode]);
      writer.uintOrNil(command.waitMs);
      writer.uintOrNil(command.leaseMs);
      writer.boolean(command.wantsPlace);
      writeMeta(writer, command.meta);
      return;
    case 'release':
    case 'cancel':
      writer.string(command.session);
      writer.uint(command.request);
      return;
    case 'extend':
      writer.string(command.session);
      writer.uint(command.request);
      writer.uintOrNil(command.leaseMs);
      return;
    case 'force-release':
      writer.string(command.key);
      writer.uintOrNil(command.token);
      writer.string(command.session);
      writer.uint(command.call);
      writer.string(command.reason);
      return;
  }
}

export function readCommand(reader: Reader): Command {
  const elements = reader.arrayHeader('a command');
  const number = reader.integer('a command: type');
  const type = typeByNumber[number];
  if (type === undefined) throw reader.refusal(`a command of the unknown type ${number}`);
  const wanted = SHAPES[type].elements;
  if (elements !== wanted) throw reader.refusal(`${type}: expected ${wanted} elements, found ${elements}`);
  switch (type) {
    case 'begin-term':
      return readBeginTerm(reader);
    case 'open-session':
      return {
        type,
        session: reader.string('open-session: session'),
        client: reader.string('open-session: client'),
        timeoutMs: reader.integer('open-session: timeoutMs'),
        secretHash: reader.nil() ? null : reader.string('open-session: secretHash'),
      };
    case 'resume-session':
      return {
        type,
        session: reader.string('resume-session: session'),
        proofHash: reader.string('resume-session: proofHash'),
        secretHash: reader.string('resume-session: secretHash'),
      };
    case 'confirm-session':
      return {
        type,
        session: reader.string('confirm-session: session'),
        secretHash: reader.string('confirm-session: secretHash'),
      };
    case 'end-session':
      return {
        type,
        session: reader.string('end-session: session'),
        reason: readName(reader, reasonByNumber, 'end-session: reason'),
      };
    case 'acquire':
      return {
        type,
        session: reader.string('acquire: session'),
        request: reader.integer('acquire: request'),
        acked: reader.integer('acquire: acked'),
        key: reader.string('acquire: key'),
        mode: readName(reader, modeByNumber, 'acquire: mode'),
        waitMs: reader.integerOrNil('acquire: waitMs'),
        leaseMs: reader.integerOrNil('acquire: leaseMs'),
        wantsPlace: reader.boolean('acquire: wantsPlace'),
        meta: readMeta(reader),
      };
    case 'release':
      return { type, session: reader.string('release: session'), request: reader.integer('release: request') };
    case 'cancel':
      return { type, session: reader.string('cancel: session'), request: reader.integer('cancel: request') };
    case 'extend':
      return {
        type,
        session: reader.string('extend: session'),
        request: reader.integer('extend: request'),
        leaseMs: reader.integerOrNil('extend: leaseMs'),
      };
    case 'force-release':
      return {
        type,
        key: reader.string('force-release: key'),
        token: reader.integerOrNil('force-release: token'),
        session: reader.string('force-release: session'),
        call: reader.integer('force-release: call'),
        reason: reader.string('force-release: reason'),
      };
  }
}

function readBeginTerm(reader: Reader): BeginTerm {
  return {
    type: 'begin-term',
    tokenFloor: reader.integer('begin-term: tokenFloor'),
    limits: {
      sessionsMax: reader.integer('begin-term: sessionsMax'),
      requestsPerSessionMax: reader.integer('begin-term: requestsPerSessionMax'),
      queueLengthMax: reader.integer('begin-term: queueLengthMax'),
    },
  };
}

function writeMeta(writer: Writer, meta: Meta | null): void {
  if (meta === null) {
    writer.nil();
    return;
  }
  const names = Object.keys(meta);
  writer.mapHeader(names.length);
  for (const name of names) {
    writer.string(name);
    writer.string(meta[name] ?? '');
  }
}

function readMeta(reader: Reader): Meta | null {
  if (reader.nil()) return null;
  const entries: [string, string][] = [];
  for (let left = reader.mapHeader('acquire: meta'); left > 0; left--) {
    entries.push([reader.string('acquire: a name in meta'), reader.string('acquire: a value in meta')]);
  }
  // Not by assignment: a name such as __proto__ has to become a property like any other.
  const meta: Meta = Object.fromEntries(entries);
  if (Object.keys(meta).length !== entries.length) throw reader.refusal('acquire: a name in meta that occurs twice');
  return meta;
}

function readName<T extends string>(reader: Reader, names: readonly (T | undefined)[], what: string): T {
  const number = reader.integer(what);
  const name = names[number];
  if (name === undefined) throw reader.refusal(`${what}: ${number} is not known`);
  return name;
}

/** The names of a table of numbers, each at its number. */
function byNumber<T extends string>(numbers: Readonly<Record<T, number>>): (T | undefined)[] {
  const names: (T | undefined)[] = [];
  for (const name in numbers) names[numbers[name]] = name;
  return names;
}

function mapValues<K extends string, V, W>(table: Readonly<Record<K, V>>, map: (value: V) => W): Record<K, W> {
  const names = Object.keys(table) as K[];
  return Object.fromEntries(names.map((name) => [name, map(table[name])])) as Record<K, W>;
}

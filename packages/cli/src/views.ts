/** What the service answers to questions (PROTOCOL.md, 6), as tables and sentences for people. */
import { type Column, renderTable } from './table.js';
import { count, describeHolder, formatDuration, printable } from './text.js';

type Meta = Readonly<Record<string, string>>;

export interface HoldRow {
  readonly session: string;
  readonly mode: 'exclusive' | 'shared';
  readonly token: number;
  /** Held for this long. */
  readonly sinceMs: number;
  /** What is left of the lease; null: no limit. */
  readonly leaseMs: number | null;
  readonly meta: Meta | null;
}

export interface WaiterRow {
  readonly session: string;
  readonly mode: 'exclusive' | 'shared';
  readonly place: number;
  readonly sinceMs: number;
  /** Gives up after this long; null: never. */
  readonly waitMs: number | null;
  readonly meta: Meta | null;
}

export interface KeyRow {
  readonly key: string;
  /** The first of them; `held` is their number. */
  readonly holds: readonly HoldRow[];
  readonly held: number;
  readonly waiting: number;
}

export interface KeyDetails extends KeyRow {
  /** The front of the queue; `waiting` is its whole length. */
  readonly queue: readonly WaiterRow[];
}

export interface ServerRow {
  readonly node: string;
  readonly version: string;
  readonly term: number;
  readonly position: number;
  readonly sessions: number;
  readonly keys: number;
  readonly holds: number;
  readonly waiting: number;
  readonly draining: boolean;
}

const KEY_COLUMNS: readonly Column[] = [
  { title: 'KEY' },
  { title: 'MODE' },
  { title: 'HOLDERS', align: 'right' },
  { title: 'WAITING', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: 'FIRST HOLDER' },
];

/** The table of `holdfast ls`. */
export function keyLines(rows: readonly KeyRow[], columnsMax: number): readonly string[] {
  return renderTable(
    KEY_COLUMNS,
    rows.map(({ key, held, holds, waiting }) => {
      const first = holds[0];
      const holder = first === undefined ? ['', ''] : [formatDuration(first.sinceMs), whoOf(first)];
      return [printable(key), first?.mode ?? '', String(held), String(waiting), ...holder];
    }),
    columnsMax,
  );
}

const HOLD_COLUMNS: readonly Column[] = [
  { title: 'HELD BY' },
  { title: 'MODE' },
  { title: 'TOKEN', align: 'right' },
  { title: 'FOR', align: 'right' },
  { title: 'LEASE LEFT', align: 'right' },
  { title: 'SESSION' },
];

const WAITER_COLUMNS: readonly Column[] = [
  { title: 'PLACE', align: 'right' },
  { title: 'WAITING' },
  { title: 'MODE' },
  { title: 'FOR', align: 'right' },
  { title: 'GIVES UP IN', align: 'right' },
  { title: 'SESSION' },
];

/** `holdfast status KEY`: a sentence, the holders, the queue. */
export function detailLines(details: KeyDetails, columnsMax: number): readonly string[] {
  const { held, holds, queue, waiting } = details;
  const key = printable(details.key);
  if (held === 0 && waiting === 0) return [`${key} is free: nobody holds it, nobody waits for it.`];
  const holders = renderTable(
    HOLD_COLUMNS,
    holds.map((hold) => [
      whoOf(hold),
      hold.mode,
      String(hold.token),
      formatDuration(hold.sinceMs),
      limitOf(hold.leaseMs),
      printable(hold.session),
    ]),
    columnsMax,
  );
  const waiters = renderTable(
    WAITER_COLUMNS,
    queue.map((waiter) => [
      String(waiter.place),
      whoOf(waiter),
      waiter.mode,
      formatDuration(waiter.sinceMs),
      limitOf(waiter.waitMs),
      printable(waiter.session),
    ]),
    columnsMax,
  );
  return [
    `${key}: ${count(held, 'holder')}, ${waiting} waiting`,
    ...(holds.length === 0 ? [] : ['', ...holders]),
    ...more(held - holds.length),
    ...(queue.length === 0 ? [] : ['', ...waiters]),
    ...more(waiting - queue.length),
  ];
}

/** `holdfast status`: the server's figures. */
export function serverLines(server: ServerRow): readonly string[] {
  const facts: readonly (readonly [string, string])[] = [
    ['node', `${printable(server.node)}, version ${printable(server.version)}`],
    ['state', server.draining ? 'draining: takes no new locks' : 'serving'],
    ['sessions', String(server.sessions)],
    ['keys', String(server.keys)],
    ['holds', String(server.holds)],
    ['waiting', String(server.waiting)],
    ['log', `term ${server.term}, position ${server.position}`],
  ];
  return facts.map(([name, value]) => `${name.padEnd(10)}${value}`);
}

function whoOf({ meta, session }: { readonly meta: Meta | null; readonly session: string }): string {
  return describeHolder(session, meta);
}

function limitOf(ms: number | null): string {
  return ms === null ? 'no limit' : formatDuration(ms);
}

function more(left: number): readonly string[] {
  return left > 0 ? [`… and ${left} more`] : [];
}

/** What the service answers to questions (PROTOCOL.md, 6), as tables and sentences for people. */
import type { KeyStatus, KeySummary, ServerStatus } from '@holdfast/client';
import { type Column, renderTable } from './table.js';
import { count, describeHolder, formatDuration, printable } from './text.js';

const KEY_COLUMNS: readonly Column[] = [
  { title: 'KEY' },
  { title: 'MODE' },
  { title: 'HOLDERS', align: 'right' },
  { title: 'WAITING', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: 'FIRST HOLDER' },
];

/** The table of `holdfast ls`. */
export function keyLines(rows: readonly KeySummary[], columnsMax: number): readonly string[] {
  return renderTable(
    KEY_COLUMNS,
    rows.map(({ key, held, holds, waiting }) => {
      const first = holds[0];
      const holder =
        first === undefined ? ['', ''] : [formatDuration(first.sinceMs), describeHolder(first.session, first.meta)];
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
export function detailLines(details: KeyStatus, columnsMax: number): readonly string[] {
  const { held, holds, queue, waiting } = details;
  const key = printable(details.key);
  if (held === 0 && waiting === 0) return [`${key} is free: nobody holds it, nobody waits for it.`];
  const holders = renderTable(
    HOLD_COLUMNS,
    holds.map((hold) => [
      describeHolder(hold.session, hold.meta),
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
      describeHolder(waiter.session, waiter.meta),
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
export function serverLines(server: ServerStatus): readonly string[] {
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

function limitOf(ms: number | null): string {
  return ms === null ? 'no limit' : formatDuration(ms);
}

function more(left: number): readonly string[] {
  return left > 0 ? [`… and ${left} more`] : [];
}

/** Snapshots: saved beside appends, loaded row for row, two of them kept, and a failed one without a trace. */
import { deepStrictEqual, fail, ok, rejects, strictEqual } from 'node:assert/strict';
import type { Entry, SnapshotRow } from '@holdfast/core';
import type { LogPort } from '@holdfast/server/internal';
import type { LogCase } from '../case.js';
import { logCase } from '../case.js';
import { appendRange, expectEntries, expectRows, expectSame, expectSnapshot, outcomeOf } from '../checks.js';
import { entryOf, rowOf, rowsOf } from '../material.js';

/** An engine that does not let the event loop turn between slices of rows has taken this many before an append can be acknowledged. */
const ROWS_WITHOUT_END = 1_000_000;

export const snapshotCases: readonly LogCase[] = [
  logCase(
    'a snapshot is loaded row for row, by this opener and the next, with the entries after it',
    [],
    async (stage) => {
      const { log, term } = await stage.reopen();
      const entries = await appendRange(log, term, 1, 30);
      await log.saveSnapshot({ index: 20, term, rows: rowsOf(10_000, 1) });
      await expectSnapshot(log, { index: 20, term, rows: rowsOf(10_000, 1) });
      await expectEntries(log, entries, 21);
      const next = await stage.reopen();
      await expectSnapshot(next.log, { index: 20, term, rows: rowsOf(10_000, 1) });
      entries.push(...(await appendRange(next.log, next.term, 31, 40)));
      await expectEntries(next.log, entries, 21);
    },
  ),

  logCase('a snapshot without rows, and one of the last entry, are snapshots', [], async (stage) => {
    const { log, term } = await stage.reopen();
    await appendRange(log, term, 1, 5);
    await log.saveSnapshot({ index: 5, term, rows: rowsOf(0, 1) });
    await expectSnapshot(log, { index: 5, term, rows: [] });
    const next = await stage.reopen();
    await expectSnapshot(next.log, { index: 5, term, rows: [] });
    await expectEntries(next.log, [], 6);
    const after = await appendRange(next.log, next.term, 6, 8);
    const last = await stage.reopen();
    expectSame(await entriesFrom(last.log, 6), after, 'entries after a snapshot of the last entry');
  }),

  logCase('appends are acknowledged while a snapshot is saved', [], async (stage) => {
    const { log, term } = await stage.reopen();
    const entries = await appendRange(log, term, 1, 10);
    let acknowledged = 0;
    let rowCount = 0;
    const rows = function* (): Generator<SnapshotRow> {
      // Rows come until three appends were acknowledged between them.
      for (; rowCount < ROWS_WITHOUT_END; rowCount++) {
        if (acknowledged >= 3) return;
        yield rowOf(rowCount, 2);
      }
    };
    const saving = log.saveSnapshot({ index: 10, term, rows: rows() });
    while (acknowledged < 3) {
      const entry = entryOf(11 + acknowledged, term);
      await log.append(entry);
      entries.push(entry);
      acknowledged += 1;
    }
    await saving;
    ok(rowCount < ROWS_WITHOUT_END, 'all rows were taken before an append was acknowledged');
    await expectSnapshot(log, { index: 10, term, rows: rowsOf(rowCount, 2) });
    await expectEntries(log, entries, 11);
  }),

  logCase('after a second snapshot the first one can still be read, and the entries after it', [], async (stage) => {
    const { log, term } = await stage.reopen();
    const entries = await appendRange(log, term, 1, 100);
    await log.saveSnapshot({ index: 40, term, rows: rowsOf(5_000, 1) });
    const first = await log.loadSnapshot();
    if (first === null) return fail('a snapshot that was saved is not found');
    await log.saveSnapshot({ index: 80, term, rows: rowsOf(3_000, 2) });
    await expectSnapshot(log, { index: 80, term, rows: rowsOf(3_000, 2) });
    // Whoever began with the first one before the second was there goes on with it.
    strictEqual(first.index, 40, 'the index of the snapshot that was loaded first');
    await expectRows(first.rows, rowsOf(5_000, 1));
    await expectEntries(log, entries, 41);
    const next = await stage.reopen();
    await expectSnapshot(next.log, { index: 80, term, rows: rowsOf(3_000, 2) });
    await expectEntries(next.log, entries, 41);
    await expectEntries(next.log, entries, 81);
  }),

  logCase('what older snapshots alone needed is there as a whole or is said to be truncated', [], async (stage) => {
    const { log, term } = await stage.reopen();
    const entries: Entry[] = [];
    for (let count = 1; count <= 5; count++) {
      entries.push(...(await appendRange(log, term, entries.length + 1, count * 60)));
      await log.saveSnapshot({ index: count * 60 - 10, term, rows: rowsOf(500, count) });
      for (const from of [1, 30, 51, 111, 171, 231]) {
        if (from <= entries.length) await expectWholeOrTruncated(log, entries, from, (count - 1) * 60 - 10);
      }
    }
    const next = await stage.reopen();
    await expectSnapshot(next.log, { index: 290, term, rows: rowsOf(500, 5) });
    for (const from of [1, 111, 171, 231, 291]) await expectWholeOrTruncated(next.log, entries, from, 230);
  }),

  logCase('a snapshot whose rows throw leaves the log as it was', [], async (stage) => {
    const { log, term } = await stage.reopen();
    const entries = await appendRange(log, term, 1, 20);
    await rejects(log.saveSnapshot({ index: 15, term, rows: throwing(5_000) }), 'a first snapshot whose rows throw');
    await expectSnapshot(log, null);
    await expectEntries(log, entries);
    await log.saveSnapshot({ index: 10, term, rows: rowsOf(200, 1) });
    await rejects(log.saveSnapshot({ index: 15, term, rows: throwing(0) }), 'a snapshot whose first row throws');
    await expectSnapshot(log, { index: 10, term, rows: rowsOf(200, 1) });
    entries.push(...(await appendRange(log, term, 21, 25)));
    await expectEntries(log, entries, 11);
    const next = await stage.reopen();
    await expectSnapshot(next.log, { index: 10, term, rows: rowsOf(200, 1) });
    await expectEntries(next.log, entries, 11);
    await next.log.saveSnapshot({ index: 15, term, rows: rowsOf(300, 2) });
    await expectSnapshot(next.log, { index: 15, term, rows: rowsOf(300, 2) });
    await expectEntries(next.log, entries, 11);
  }),

  logCase(
    'forty snapshots and restarts later every reader of the newest one has the same entries after it',
    [],
    async (stage) => {
      const entries: Entry[] = [];
      let newest: { readonly index: number; readonly term: number; readonly rowCount: number } | null = null;
      for (let round = 1; round <= 40; round++) {
        const { log, term } = await stage.reopen();
        await expectSnapshot(log, newest && { ...newest, rows: rowsOf(newest.rowCount, newest.index) });
        const lastIndex: number = newest?.index ?? 0;
        await expectEntries(log, entries, lastIndex + 1);
        entries.push(...(await appendRange(log, term, entries.length + 1, entries.length + 1 + (round % 9))));
        // Sometimes of an entry of an earlier term, and sometimes there is none that is newer.
        const entry = entries[entries.length - 1 - (round % 3)];
        if (entry === undefined || entry.index <= lastIndex) continue;
        newest = { index: entry.index, term: entry.term, rowCount: round * 10 };
        await log.saveSnapshot({ index: entry.index, term: entry.term, rows: rowsOf(newest.rowCount, newest.index) });
      }
    },
  ),
];

async function entriesFrom(log: LogPort, from: number): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const entry of log.read(from)) found.push(entry);
  return found;
}

function* throwing(after: number): Generator<SnapshotRow> {
  yield* rowsOf(after, 9);
  throw new Error('the state is given up');
}

/** Entries after `keptIndex`, the last but one snapshot, have to be there; earlier ones may be gone, and then all of the read fails. */
async function expectWholeOrTruncated(
  log: LogPort,
  entries: readonly Entry[],
  from: number,
  keptIndex: number,
): Promise<void> {
  const found: Entry[] = [];
  const outcome = await outcomeOf(
    (async () => {
      for await (const entry of log.read(from)) found.push(entry);
    })(),
  );
  if (outcome === 'done') return expectSame(found, entries.slice(from - 1), `a read from ${from}`);
  strictEqual(outcome, 'truncated', `a read from ${from}`);
  ok(from <= keptIndex, `entries from ${from} on are needed by the snapshot of entry ${keptIndex}`);
  deepStrictEqual(found, [], 'entries before the read said that it is truncated');
}

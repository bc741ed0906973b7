/** What is there after a crash, after a power cut, and after an answer that never came. */
import { ok, strictEqual } from 'node:assert/strict';
import type { Entry, SnapshotRow } from '@holdfast/core';
import type { LogPort } from '@holdfast/server/internal';
import type { LogCase } from '../case.js';
import { logCase } from '../case.js';
import { appendRange, expectEntries, expectSame, expectSnapshot, outcomeOf, readAll } from '../checks.js';
import type { LogAccident } from '../harness.js';
import { entryOf, rowOf, rowsOf } from '../material.js';

/** The same rules hold for both: what was acknowledged is there. */
function casesOf(accident: Extract<LogAccident, 'crash' | 'power-cut'>): readonly LogCase[] {
  const after = accident === 'crash' ? 'after a crash' : 'after a power cut';
  return [
    logCase(
      `${after} everything that was acknowledged is there, and the term is greater`,
      [accident],
      async (stage) => {
        const entries: Entry[] = [];
        let lastTerm = 0;
        for (let lives = 0; lives < 5; lives++) {
          const { log, term } = await stage.open();
          ok(term > lastTerm, `term ${term} follows term ${lastTerm}`);
          lastTerm = term;
          await expectEntries(log, entries);
          for (let at = 0; at < 20; at++) {
            entries.push(...(await appendRange(log, term, entries.length + 1, entries.length + 1 + (at % 5))));
          }
          await stage.suffer(accident);
        }
        await expectEntries((await stage.open()).log, entries);
      },
    ),

    logCase(
      `${after} appends that were under way are there from the first to some last one, for good`,
      [accident],
      async (stage) => {
        const { log, term } = await stage.open();
        const entries = await appendRange(log, term, 1, 10);
        const underWay = Array.from({ length: 40 }, (_, i) => entryOf(11 + i, term));
        let resolved = 0;
        for (const entry of underWay) {
          // Their process is gone: most of these will never settle, and nobody is there to be told.
          log.append(entry).then(
            () => (resolved += 1),
            () => {},
          );
        }
        await stage.suffer(accident);
        const acknowledged = resolved;
        const next = await stage.open();
        const found = await readAll(next.log, 1);
        ok(found.length >= 10 + acknowledged, `${10 + acknowledged} were acknowledged, ${found.length} are there`);
        expectSame(found, [...entries, ...underWay].slice(0, found.length), 'entries after the accident');
        found.push(...(await appendRange(next.log, next.term, found.length + 1, found.length + 5)));
        await stage.suffer(accident);
        await expectEntries((await stage.open()).log, found);
      },
    ),

    logCase(`${after} a snapshot that was saved is there, and one under way is not`, [accident], async (stage) => {
      const { log, term } = await stage.open();
      const entries = await appendRange(log, term, 1, 60);
      await log.saveSnapshot({ index: 20, term, rows: rowsOf(2_000, 1) });
      await log.saveSnapshot({ index: 40, term, rows: rowsOf(3_000, 2) });
      await stage.suffer(accident);
      const second = await stage.open();
      await expectSnapshot(second.log, { index: 40, term, rows: rowsOf(3_000, 2) });
      await expectEntries(second.log, entries, 21);
      let gone = false;
      const rows = function* (): Generator<SnapshotRow> {
        // Without end while its process lives, so that the accident comes before it is saved.
        for (let number = 0; ; number++) {
          if (gone) throw new Error('the process is gone');
          yield rowOf(number, 3);
        }
      };
      second.log.saveSnapshot({ index: 50, term, rows: rows() }).catch(() => {});
      entries.push(...(await appendRange(second.log, second.term, 61, 65)));
      await stage.suffer(accident);
      gone = true;
      const third = await stage.open();
      await expectSnapshot(third.log, { index: 40, term, rows: rowsOf(3_000, 2) });
      await expectEntries(third.log, entries, 41);
      await third.log.saveSnapshot({ index: 62, term: second.term, rows: rowsOf(100, 4) });
      await expectSnapshot(third.log, { index: 62, term: second.term, rows: rowsOf(100, 4) });
    }),
  ];
}

export const accidentCases: readonly LogCase[] = [
  ...casesOf('crash'),
  ...casesOf('power-cut'),

  logCase(
    'an append whose answer was lost is in the log once or not at all, and reading says which',
    ['lost-answer'],
    async (stage) => {
      const { log, term } = await stage.open();
      const entries = await appendRange(log, term, 1, 5);
      let unknown = 0;
      for (let round = 0; round < 20; round++) {
        await stage.suffer('lost-answer');
        const burst = Array.from({ length: 4 }, (_, i) => entryOf(entries.length + 1 + i, term, round));
        const outcomes = await Promise.all(burst.map((entry) => outcomeOf(log.append(entry))));
        unknown += outcomes[0] === 'unknown' ? 1 : 0;
        await expectOutcomes(log, entries, burst, outcomes);
      }
      strictEqual(unknown, 20, 'appends whose answer was lost');
      await expectEntries((await stage.reopen()).log, entries);
    },
  ),
];

/** What landed of `burst` is a first part of it, with everything that resolved and nothing that is known not to have landed; it is added to `entries`. */
async function expectOutcomes(
  log: LogPort,
  entries: Entry[],
  burst: readonly Entry[],
  outcomes: readonly string[],
): Promise<void> {
  const first = entries.length + 1;
  const found = await readAll(log, first);
  expectSame(found, burst.slice(0, found.length), `what landed of the entries from ${first} on`);
  outcomes.forEach((outcome, i) => {
    if (outcome === 'done') ok(i < found.length, `entry ${first + i} was acknowledged and is not in the log`);
    else if (outcome === 'not-landed') ok(i >= found.length, `entry ${first + i} is said not to have landed, and did`);
    else strictEqual(outcome, 'unknown', `the append of entry ${first + i}`);
  });
  entries.push(...found);
}

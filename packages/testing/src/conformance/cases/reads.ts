/** Reading: from anywhere to the end, beside appends, and by whoever opens next. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import type { Entry } from '@holdfast/core';
import type { LogPort } from '@holdfast/server/internal';
import type { LogCase } from '../case.js';
import { logCase } from '../case.js';
import { appendRange, expectEntries, expectSame, readAll } from '../checks.js';
import { entryOf } from '../material.js';

export const readCases: readonly LogCase[] = [
  logCase('a fresh place has no entries and no snapshot', [], async (stage) => {
    const { log } = await stage.reopen();
    deepStrictEqual(await readAll(log, 1), [], 'entries of a fresh place');
    strictEqual(await log.loadSnapshot(), null, 'the snapshot of a fresh place');
  }),

  logCase('a read begins at any index and ends at the end of the log', [], async (stage) => {
    const { log, term } = await stage.reopen();
    const entries = await appendRange(log, term, 1, 300);
    for (const from of [1, 2, 150, 299, 300]) await expectEntries(log, entries, from);
    deepStrictEqual(await readAll(log, 301), [], 'entries after the last one');
  }),

  logCase('a reader beside appends finds all that was acknowledged when it began, without gap', [], async (stage) => {
    const { log, term } = await stage.reopen();
    const entries = Array.from({ length: 1_000 }, (_, i) => entryOf(i + 1, term));
    let acknowledged = 0;
    const writer = async (): Promise<void> => {
      for (let at = 0; at < entries.length; at += 10) {
        await Promise.all(entries.slice(at, at + 10).map((entry) => log.append(entry)));
        acknowledged = at + 10;
      }
    };
    const reader = async (from: number): Promise<void> => {
      while (acknowledged < entries.length) {
        // Each round at another moment between an append and its acknowledgement.
        await new Promise((resolve) => setImmediate(resolve));
        const atLeast = acknowledged;
        const first = Math.min(from, atLeast + 1);
        const found = await readAll(log, first);
        const last = first - 1 + found.length;
        ok(last >= atLeast, `${atLeast} were acknowledged, and a read from ${first} ends with ${last}`);
        expectSame(found, entries.slice(first - 1, last), `a read from ${first} beside appends`);
      }
    };
    await Promise.all([writer(), reader(1), reader(50), reader(900)]);
    await expectEntries(log, entries);
  }),

  logCase('a reader that is left half-way does not disturb anybody', [], async (stage) => {
    const { log, term } = await stage.reopen();
    const entries = await appendRange(log, term, 1, 100);
    for (let rounds = 0; rounds < 50; rounds++) strictEqual(await firstIndex(log, 10), 10, 'the first entry of a read');
    entries.push(...(await appendRange(log, term, 101, 110)));
    await expectEntries(log, entries);
  }),

  logCase('the next opener reads everything that was acknowledged, and appends after it', [], async (stage) => {
    const entries: Entry[] = [];
    for (let openings = 0; openings < 4; openings++) {
      const { log, term } = await stage.reopen();
      await expectEntries(log, entries);
      entries.push(...(await appendRange(log, term, entries.length + 1, entries.length + 50)));
      await expectEntries(log, entries);
    }
  }),
];

async function firstIndex(log: LogPort, from: number): Promise<number> {
  for await (const { index } of log.read(from)) return index;
  throw new Error(`nothing was read from ${from} on`);
}

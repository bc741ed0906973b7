/** Appends: their order, their indices, and what a failed one leaves behind. */
import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import type { Entry } from '@holdfast/core';
import type { LogCase } from '../case.js';
import { logCase } from '../case.js';
import { appendRange, expectEntries, expectFailure, expectSame, readAll } from '../checks.js';
import { entryOf, largeEntryOf } from '../material.js';

export const appendCases: readonly LogCase[] = [
  logCase('an entry comes back as it was appended, whatever is in it', [], async (stage) => {
    const { log, term } = await stage.reopen();
    const entries: Entry[] = [];
    for (let index = 1; index <= 200; index++) {
      const entry = entryOf(index, term);
      await log.append(entry);
      entries.push(entry);
    }
    await expectEntries(log, entries);
    const next = await stage.reopen();
    await expectEntries(next.log, entries);
  }),

  logCase('an entry of 5,000 commands is one entry', [], async (stage) => {
    const { log, term } = await stage.reopen();
    const entries = [entryOf(1, term), largeEntryOf(2, term, 5_000), entryOf(3, term)];
    await Promise.all(entries.map((entry) => log.append(entry)));
    const next = await stage.reopen();
    await expectEntries(next.log, entries);
  }),

  logCase('appends resolve in the order in which they were called, with any number under way', [], async (stage) => {
    const { log, term } = await stage.reopen();
    const resolved: number[] = [];
    const appends = Array.from({ length: 500 }, async (_, i) => {
      await log.append(entryOf(i + 1, term));
      resolved.push(i + 1);
    });
    await Promise.all(appends);
    deepStrictEqual(
      resolved,
      Array.from({ length: 500 }, (_, i) => i + 1),
      'the order in which appends resolved',
    );
  }),

  logCase('10,000 appends of four producers are entries 1 to 10,000, the same for three readers', [], async (stage) => {
    const { log, term } = await stage.reopen();
    const entries: Entry[] = [];
    let resolved = 0;
    const producer = async (number: number): Promise<void> => {
      while (entries.length < 10_000) {
        // Each leaves off at other points, so that what is under way is of all of them in turn.
        const burst = Array.from({ length: 1 + ((entries.length + number) % 7) }, async () => {
          if (entries.length === 10_000) return;
          const entry = entryOf(entries.length + 1, term, number);
          entries.push(entry);
          await log.append(entry);
          resolved += 1;
          strictEqual(resolved, entry.index, 'the append that resolves next');
        });
        await Promise.all(burst);
      }
    };
    await Promise.all([0, 1, 2, 3].map(producer));
    strictEqual(resolved, 10_000, 'appends that resolved');
    const readings = await Promise.all([readAll(log, 1), readAll(log, 1), readAll(log, 1)]);
    for (const found of readings) expectSame(found, entries, 'what a reader finds');
    const next = await stage.reopen();
    await expectEntries(next.log, entries);
  }),

  logCase('an index that does not follow has not landed, and the log goes on at the right one', [], async (stage) => {
    const { log, term } = await stage.reopen();
    await expectFailure(log.append(entryOf(2, term)), 'not-landed', 'entry 2 in an empty log');
    const entries = await appendRange(log, term, 1, 3);
    await expectFailure(log.append(entryOf(5, term)), 'not-landed', 'entry 5 after entry 3');
    await expectFailure(log.append(entryOf(3, term, 1)), 'not-landed', 'another entry 3 after entry 3');
    await expectEntries(log, entries);
    entries.push(...(await appendRange(log, term, 4, 6)));
    const next = await stage.reopen();
    await expectEntries(next.log, entries);
    await expectFailure(next.log.append(entryOf(6, next.term)), 'not-landed', 'entry 6 again, by the next opener');
    entries.push(...(await appendRange(next.log, next.term, 7, 8)));
    await expectEntries(next.log, entries);
  }),

  logCase('a wrong index while others are under way costs none of those before it', [], async (stage) => {
    const { log, term } = await stage.reopen();
    const before = appendRange(log, term, 1, 20);
    const wrong = expectFailure(log.append(entryOf(30, term)), 'not-landed', 'entry 30 after entry 20');
    const entries = await before;
    await wrong;
    entries.push(...(await appendRange(log, term, 21, 25)));
    await expectEntries(log, entries);
  }),

  logCase('what was appended is not changed by the engine', [], async (stage) => {
    const { log, term } = await stage.reopen();
    const entry = deepFrozen(largeEntryOf(1, term, 20));
    await log.append(entry);
    await expectEntries(log, [entry]);
  }),
];

function deepFrozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFrozen(part);
  return Object.freeze(value);
}

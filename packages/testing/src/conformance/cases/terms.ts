/** Terms grow, and a newer one silences every older one. */
import { ok } from 'node:assert/strict';
import type { LogCase } from '../case.js';
import { logCase } from '../case.js';
import { appendRange, expectEntries, expectFailure, outcomeOf } from '../checks.js';
import { entryOf } from '../material.js';

export const termCases: readonly LogCase[] = [
  logCase('every opening starts a greater term, whether or not anything was appended', [], async (stage) => {
    let last = 0;
    for (let openings = 0; openings < 5; openings++) {
      const { log, term } = await stage.reopen();
      ok(Number.isSafeInteger(term) && term > last, `term ${term} follows term ${last}`);
      last = term;
      if (openings === 2) await log.append(entryOf(1, term));
    }
  }),

  logCase('an entry of an earlier term is refused, and the log stays as it is', [], async (stage) => {
    const first = await stage.reopen();
    const entries = await appendRange(first.log, first.term, 1, 3);
    const second = await stage.reopen();
    await expectEntries(second.log, entries);
    await expectFailure(second.log.append(entryOf(4, first.term)), 'refused', 'an entry of the earlier term');
    const third = await stage.reopen();
    await expectEntries(third.log, entries);
    await third.log.append(entryOf(4, third.term));
    await expectEntries(third.log, [...entries, entryOf(4, third.term)]);
  }),

  logCase('an earlier opener is refused once a newer one is open', ['rivals'], async (stage) => {
    const first = await stage.open();
    const entries = await appendRange(first.log, first.term, 1, 3);
    const second = await stage.open();
    await expectFailure(first.log.append(entryOf(4, first.term)), 'refused', 'an append after a newer opening');
    entries.push(...(await appendRange(second.log, second.term, 4, 6)));
    await expectFailure(first.log.append(entryOf(7, first.term)), 'refused', 'an append after newer entries');
    await expectEntries(second.log, entries);
  }),

  logCase(
    'of appends that cross a newer opening, all that resolved are read by it, and what it read stays',
    ['rivals'],
    async (stage) => {
      const first = await stage.open();
      const entries = Array.from({ length: 50 }, (_, i) => entryOf(i + 1, first.term));
      const outcomes = Promise.all(entries.map((entry) => outcomeOf(first.log.append(entry))));
      const second = await stage.open();
      const seen: number[] = [];
      for await (const { index } of second.log.read(1)) seen.push(index);
      const landed = (await outcomes).filter((outcome) => outcome === 'done').length;
      // An append that was under way may have landed without its caller having learned it, and whatever was read once is read again.
      ok(seen.length >= landed, `${landed} appends resolved, and the newer opener reads ${seen.length}`);
      await expectEntries(second.log, entries.slice(0, seen.length));
    },
  ),
];

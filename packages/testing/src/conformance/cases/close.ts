/** The end of an opener: what is under way is waited for or given up, and the place is free for the next one. */
import { ok } from 'node:assert/strict';
import type { SnapshotRow } from '@holdfast/core';
import type { LogCase } from '../case.js';
import { logCase } from '../case.js';
import { appendRange, expectEntries, expectSnapshot, outcomeOf } from '../checks.js';
import { entryOf, rowOf, rowsOf } from '../material.js';

export const closeCases: readonly LogCase[] = [
  logCase('close waits for the appends under way, and they are in the log', [], async (stage) => {
    const opened = await stage.open();
    const { log, term } = opened;
    const entries = Array.from({ length: 200 }, (_, i) => entryOf(i + 1, term));
    let resolved = 0;
    const appends = entries.map(async (entry) => {
      await log.append(entry);
      resolved += 1;
    });
    stage.release(opened);
    await log.close();
    // Reactions to appends that resolved before the close did run before this one.
    ok(resolved === entries.length, `${resolved} of ${entries.length} appends were acknowledged when close resolved`);
    await Promise.all(appends);
    const next = await stage.open();
    await expectEntries(next.log, entries);
  }),

  logCase('a log that was only opened can be closed, again and again', [], async (stage) => {
    for (let rounds = 0; rounds < 10; rounds++) {
      const opened = await stage.open();
      stage.release(opened);
      await opened.log.close();
    }
    const { log, term } = await stage.open();
    await expectEntries(log, await appendRange(log, term, 1, 3));
  }),

  logCase('close gives up a snapshot under way, and the log is as it was', ['restart'], async (stage) => {
    const opened = await stage.open();
    const { log, term } = opened;
    const entries = await appendRange(log, term, 1, 30);
    await log.saveSnapshot({ index: 10, term, rows: rowsOf(100, 1) });
    let closed = false;
    let takenAfter = 0;
    const rows = function* (): Generator<SnapshotRow> {
      for (let number = 0; ; number++) {
        if (closed) takenAfter += 1;
        yield rowOf(number, 2);
      }
    };
    const saving = outcomeOf(log.saveSnapshot({ index: 20, term, rows: rows() }));
    entries.push(...(await appendRange(log, term, 31, 33)));
    stage.release(opened);
    await log.close();
    closed = true;
    ok((await saving) !== 'done', 'a snapshot whose rows never end was saved');
    ok(takenAfter === 0, `${takenAfter} rows were taken after the close`);
    const next = await stage.open();
    await expectSnapshot(next.log, { index: 10, term, rows: rowsOf(100, 1) });
    await expectEntries(next.log, entries, 11);
  }),
];

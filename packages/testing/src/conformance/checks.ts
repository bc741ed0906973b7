/** What the cases expect, as errors that say what was found instead. */
import { fail, ok, strictEqual } from 'node:assert/strict';
import type { Entry, SnapshotRow } from '@holdfast/core';
import type { LogFailureKind, LogPort } from '@holdfast/server/internal';
import { canonical, entryOf } from './material.js';

/** Settles as LogFailure of this kind. By name and not by class: the engine may have been built against another copy of the server. */
export async function expectFailure(call: Promise<unknown>, kind: LogFailureKind, what: string): Promise<void> {
  const outcome = await outcomeOf(call);
  strictEqual(outcome, kind, `${what}: expected the LogFailure ${kind}, and it was: ${outcome}`);
}

/** `done`, the kind of its LogFailure, or the text of whatever else it rejected with. */
export async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (error instanceof Error && error.name === 'LogFailure' && 'kind' in error) return String(error.kind);
    return `another error, ${String(error)}`;
  }
}

export async function readAll(log: LogPort, from: number): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const entry of log.read(from)) found.push(entry);
  return found;
}

/** The log holds exactly `entries` from the first of them on. */
export async function expectEntries(log: LogPort, entries: readonly Entry[], from = 1): Promise<void> {
  expectSame(await readAll(log, from), entries.slice(from - 1), `entries from ${from} on`);
}

/** `found` is `expected`, entry by entry and value by value. */
export function expectSame(found: readonly Entry[], expected: readonly Entry[], what: string): void {
  const indices = (entries: readonly Entry[]): string => `${entries[0]?.index ?? 'none'} to ${entries.at(-1)?.index}`;
  if (found.length !== expected.length) {
    fail(`${what}: ${expected.length} (${indices(expected)}) expected, ${found.length} (${indices(found)}) found`);
  }
  found.forEach((entry, i) => {
    const other = expected[i];
    ok(other !== undefined);
    if (entry === other) return;
    strictEqual(canonical(entry), canonical(other), `${what}: entry ${other.index} differs`);
  });
}

/** The newest snapshot is that of the entry `index`, with these rows in this order. */
export async function expectSnapshot(
  log: LogPort,
  expected: { readonly index: number; readonly term: number; readonly rows: Iterable<SnapshotRow> } | null,
): Promise<void> {
  const snapshot = await log.loadSnapshot();
  if (expected === null || snapshot === null) {
    strictEqual(snapshot?.index ?? null, expected?.index ?? null, 'the index of the newest snapshot');
    return;
  }
  strictEqual(snapshot.index, expected.index, 'the index of the newest snapshot');
  strictEqual(snapshot.term, expected.term, 'the term of the newest snapshot');
  await expectRows(snapshot.rows, expected.rows);
}

export async function expectRows(
  found: AsyncIterable<readonly SnapshotRow[]>,
  expected: Iterable<SnapshotRow>,
): Promise<void> {
  const rows = expected[Symbol.iterator]();
  let count = 0;
  for await (const page of found) {
    for (const row of page) {
      const next = rows.next();
      if (next.done === true) fail(`the snapshot has more rows than the ${count} that were saved`);
      strictEqual(canonical(row), canonical(next.value), `row ${count} of the snapshot differs`);
      count++;
    }
  }
  if (rows.next().done !== true) fail(`the snapshot ends after ${count} rows, and more were saved`);
}

/** Appends entries `from` to `to` of `term`, all under way together; resolves with them when they are durable. */
export async function appendRange(log: LogPort, term: number, from: number, to: number): Promise<Entry[]> {
  const entries = Array.from({ length: to - from + 1 }, (_, i) => entryOf(from + i, term));
  await Promise.all(entries.map((entry) => log.append(entry)));
  return entries;
}

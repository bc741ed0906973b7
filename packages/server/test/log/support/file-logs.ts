/** File logs over a disk in memory, and the entries that tests put into them. */
import type { Command, Entry, SnapshotRow } from '@holdfast/core';
import { FileLog, type FileLogOptions } from '../../../src/log/file/file-log.js';
import { MemoryDisk } from './memory-disk.js';
import { TestClock } from './test-clock.js';

const SEGMENT_BYTES = 2_048;

export interface Opened {
  readonly log: FileLog;
  readonly disk: MemoryDisk;
  readonly clock: TestClock;
  readonly term: number;
  /** What an operator was told. */
  readonly notes: string[];
}

export function makeLog(
  disk: MemoryDisk,
  options: Partial<FileLogOptions> = {},
): Omit<Opened, 'term' | 'clock'> & { readonly clock: TestClock } {
  const clock = new TestClock();
  const notes: string[] = [];
  let salt = 17;
  const log = new FileLog({
    disk,
    clock,
    fsync: 'always',
    segmentBytes: SEGMENT_BYTES,
    note: (message) => notes.push(message),
    salt: () => salt++,
    ...options,
  });
  return { log, disk, clock, notes };
}

export async function openLog(disk = new MemoryDisk(), options: Partial<FileLogOptions> = {}): Promise<Opened> {
  const made = makeLog(disk, options);
  return { ...made, term: await made.log.open() };
}

/** An entry whose content says which one it is. */
export function entryAt(index: number, term: number, keyLength = 20): Entry {
  const key = `key-${index}-`.padEnd(keyLength, 'x');
  const acquire: Command = {
    type: 'acquire',
    session: 'session-of-22-letters-',
    request: index,
    acked: 0,
    key,
    mode: 'exclusive',
    waitMs: null,
    leaseMs: null,
    wantsPlace: false,
    meta: null,
  };
  return { index, term, nowMs: index * 10, commands: [acquire] };
}

/** Appends the entries `from` to `to`, one after the other. */
export async function appendAll(log: FileLog, term: number, from: number, to: number): Promise<void> {
  for (let index = from; index <= to; index++) await log.append(entryAt(index, term));
}

export async function readAll(log: FileLog, from = 1): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of log.read(from)) entries.push(entry);
  return entries;
}

export async function indicesFrom(log: FileLog, from = 1): Promise<number[]> {
  return (await readAll(log, from)).map(({ index }) => index);
}

/** A state that is a function of the index. */
export function* rowsAt(index: number, count = 5): Generator<SnapshotRow> {
  for (let i = 0; i < count; i++) yield ['row', index, i, 'x'.repeat(20)];
}

export async function loadRows(log: FileLog): Promise<{ index: number; term: number; rows: SnapshotRow[] } | null> {
  const saved = await log.loadSnapshot();
  if (saved === null) return null;
  const rows: SnapshotRow[] = [];
  for await (const page of saved.rows) rows.push(...page);
  return { index: saved.index, term: saved.term, rows };
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}

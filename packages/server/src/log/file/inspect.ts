/**
 * What a log's directory has in it, line by line, for people and their tools. Reads only, takes no lock, and tells of damage instead of ending
 * with it: it is for the moment when a log does not open. A live server may write while this reads, so the end may move.
 *
 * Hashes of secrets are not shown.
 */
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from '@holdfast/core';
import type { DiskFile } from './disk.js';
import { readListing, segmentName, snapshotName } from './names.js';
import { SNAPSHOTS_KEPT } from './recovery.js';
import { type FoundRecord, type Place, type WalkEnd, entriesOf, startOf, walk } from './scan.js';
import {
  type HeaderProblem,
  RECORD_HEADER_BYTES,
  SYNCED_BEFORE,
  decodeSegmentHeader,
  findSyncedRecord,
} from './segment.js';
import { SnapshotDamaged, readSnapshotHeader, readSnapshotRows } from './snapshot-reader.js';
import { openSystemFile } from './system-disk.js';
import { textOf } from './trouble.js';

/** A file was found that begins as a segment does. */
export interface SegmentLine {
  readonly type: 'segment';
  readonly file: string;
  readonly bytes: number;
  readonly firstIndex: number;
}

/** One group commit. */
export interface RecordLine {
  readonly type: 'record';
  readonly file: string;
  readonly offset: number;
  /** Of header and payload. */
  readonly bytes: number;
  readonly term: number;
  /** Index of its first entry; of the entry after it when it has none, which is how a term begins. */
  readonly firstIndex: number;
  /** Everything before it was durable when it was written. */
  readonly syncedBefore: boolean;
  readonly entries: readonly InspectedEntry[];
}

export interface InspectedEntry {
  readonly index: number;
  readonly nowMs: number;
  /** With '(hidden)' in the place of hashes. */
  readonly commands: readonly Command[];
}

export interface SnapshotLine {
  readonly type: 'snapshot';
  readonly file: string;
  readonly bytes: number;
  readonly index: number;
  readonly term: number;
  /** Rows by their kind. */
  readonly rows: Readonly<Record<string, number>>;
}

/** Something that is not as it was written. `torn`: what a crash leaves, and the next start cuts off. */
export interface ProblemLine {
  readonly type: 'problem';
  readonly file: string;
  readonly offset: number;
  readonly kind: 'torn' | 'damaged' | 'newer-format' | 'unreadable';
  readonly message: string;
}

/** The last line. */
export interface SummaryLine {
  readonly type: 'summary';
  readonly segments: number;
  readonly snapshots: number;
  readonly records: number;
  readonly entries: number;
  /** 0: no entry was found. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Problems that are not just a torn end. */
  readonly damaged: number;
}

export type InspectLine = SegmentLine | RecordLine | SnapshotLine | ProblemLine | SummaryLine;

const HIDDEN = '(hidden)';

/** A record that a live server is writing at this moment is whole when it is looked at again. */
const LOOKS_MAX = 3;

/** `path` is the directory. Rejects only when it cannot be listed. */
export async function* inspectLog(path: string): AsyncGenerator<InspectLine> {
  const directory = resolve(path);
  const listing = readListing(await readdir(directory));
  const totals = { records: 0, entries: 0, firstIndex: 0, lastIndex: 0, damaged: 0 };
  for await (const line of inspectFiles(directory, listing.snapshots, listing.segments)) {
    if (line.type === 'record') {
      const count = line.entries.length;
      totals.records++;
      totals.entries += count;
      if (count > 0 && totals.firstIndex === 0) totals.firstIndex = line.firstIndex;
      if (count > 0) totals.lastIndex = line.firstIndex + count - 1;
    } else if (line.type === 'problem' && line.kind !== 'torn') {
      totals.damaged++;
    }
    yield line;
  }
  yield { type: 'summary', segments: listing.segments.length, snapshots: listing.snapshots.length, ...totals };
}

async function* inspectFiles(
  directory: string,
  snapshots: readonly number[],
  segments: readonly number[],
): AsyncGenerator<InspectLine> {
  for (const index of snapshots) yield* inspectFile(directory, snapshotName(index), inspectSnapshot);
  yield* inspectReach(snapshots, segments);
  let before: Place | null = null;
  for (const firstIndex of segments) {
    const isLast = firstIndex === segments.at(-1);
    const from: Place | null = before;
    yield* inspectFile(directory, segmentName(firstIndex), async function* inspect(name, file) {
      before = yield* inspectSegment(name, file, from, isLast);
    });
  }
}

/** The entries after the older of the two newest snapshots have to be there. */
function* inspectReach(snapshots: readonly number[], segments: readonly number[]): Generator<InspectLine> {
  const [oldest = 0] = snapshots.slice(-SNAPSHOTS_KEPT);
  const [first] = segments;
  if (first === undefined ? oldest === 0 : first <= oldest + 1) return;
  const until = first === undefined ? 'on' : `to ${first - 1}`;
  const message = `the entries from ${oldest + 1} ${until} are missing`;
  yield { type: 'problem', file: segmentName(oldest + 1), offset: 0, kind: 'damaged', message };
}

async function* inspectFile(
  directory: string,
  name: string,
  inspect: (name: string, file: DiskFile) => AsyncGenerator<InspectLine>,
): AsyncGenerator<InspectLine> {
  let file: DiskFile;
  try {
    file = await openSystemFile(join(directory, name), 'r');
  } catch (error) {
    // A live server removes what it does not need any more.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    yield { type: 'problem', file: name, offset: 0, kind: 'unreadable', message: textOf(error) };
    return;
  }
  try {
    yield* inspect(name, file);
  } finally {
    await file.close();
  }
}

async function* inspectSnapshot(name: string, file: DiskFile): AsyncGenerator<InspectLine> {
  const header = await readSnapshotHeader(file);
  if (typeof header === 'string') {
    yield headerProblem(name, header);
    return;
  }
  const rows: Record<string, number> = {};
  let problem: ProblemLine | null = null;
  try {
    for await (const page of readSnapshotRows(file, header)) {
      for (const [kind] of page) rows[String(kind)] = (rows[String(kind)] ?? 0) + 1;
    }
  } catch (error) {
    const offset = error instanceof SnapshotDamaged ? error.offset : 0;
    problem = { type: 'problem', file: name, offset, kind: 'damaged', message: textOf(error) };
  }
  yield { type: 'snapshot', file: name, bytes: file.size, index: header.index, term: header.term, rows };
  if (problem !== null) yield problem;
}

/** Returns where the segment ends; null: it has no header that could be read. */
async function* inspectSegment(
  name: string,
  file: DiskFile,
  before: Place | null,
  isLast: boolean,
): AsyncGenerator<InspectLine, Place | null> {
  let bytes = await file.read(0, file.size);
  const header = decodeSegmentHeader(bytes);
  if (typeof header === 'string') {
    yield headerProblem(name, header);
    return null;
  }
  yield { type: 'segment', file: name, bytes: bytes.length, firstIndex: header.firstIndex };
  if (before !== null && (before.nextIndex !== header.firstIndex || before.previous !== header.previous)) {
    const message = `it does not continue the segment before it, which ends with entry ${before.nextIndex - 1}`;
    yield { type: 'problem', file: name, offset: 0, kind: 'damaged', message };
  }
  let { place, problem } = yield* inspectRecords(name, bytes, header.salt, startOf(header, 0));
  const looksMax = isLast ? LOOKS_MAX : 1;
  for (let looks = 1; problem !== null && looks < looksMax; looks++) {
    bytes = await file.read(0, file.size);
    ({ place, problem } = yield* inspectRecords(name, bytes, header.salt, place));
  }
  if (problem !== null) {
    const isTorn = isLast && findSyncedRecord(bytes, place.offset, header.salt, place.term) < 0;
    yield { type: 'problem', file: name, offset: place.offset, kind: isTorn ? 'torn' : 'damaged', message: problem };
  }
  return place;
}

function* inspectRecords(
  name: string,
  bytes: Uint8Array,
  salt: number,
  start: Place,
): Generator<RecordLine | ProblemLine, WalkEnd> {
  const records: FoundRecord[] = [];
  const end = walk(bytes, salt, start, (record) => records.push(record));
  for (const record of records) yield inspectRecord(name, bytes, record);
  return end;
}

function inspectRecord(name: string, bytes: Uint8Array, record: FoundRecord): RecordLine | ProblemLine {
  const { offset, length, term, firstIndex, flags } = record;
  try {
    const entries = entriesOf(bytes, record).map(({ index, nowMs, commands }) => ({
      index,
      nowMs,
      commands: commands.map(withoutHashes),
    }));
    const syncedBefore = (flags & SYNCED_BEFORE) !== 0;
    return {
      type: 'record',
      file: name,
      offset,
      bytes: RECORD_HEADER_BYTES + length,
      term,
      firstIndex,
      syncedBefore,
      entries,
    };
  } catch (error) {
    return { type: 'problem', file: name, offset, kind: 'unreadable', message: textOf(error) };
  }
}

function withoutHashes(command: Command): Command {
  switch (command.type) {
    case 'open-session':
      return command.secretHash === null ? command : { ...command, secretHash: HIDDEN };
    case 'resume-session':
      return { ...command, proofHash: HIDDEN, secretHash: HIDDEN };
    case 'confirm-session':
      return { ...command, secretHash: HIDDEN };
    default:
      return command;
  }
}

function headerProblem(name: string, problem: HeaderProblem): ProblemLine {
  const kind = problem === 'newer' ? 'newer-format' : 'damaged';
  const messages: Readonly<Record<HeaderProblem, string>> = {
    newer: 'a later format than this version of Holdfast reads',
    'cut-off': 'shorter than its header',
    'no-magic': 'it does not begin as such a file does',
    checksum: 'the checksum of its header does not match',
  };
  return { type: 'problem', file: name, offset: 0, kind, message: messages[problem] };
}

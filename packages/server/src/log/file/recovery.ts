/**
 * What happens before the log may be used: every record that is kept is checked, the end that a crash tore is cut off, and a log that lacks
 * anything that was acknowledged is refused. Nothing is ever skipped.
 */
import { LogFailure } from '../port.js';
import type { Disk, DiskFile } from './disk.js';
import { type Listing, readListing, segmentName, snapshotName } from './names.js';
import { type Place, type WalkEnd, startOf, walk } from './scan.js';
import {
  type HeaderProblem,
  SEGMENT_HEADER_BYTES,
  SEGMENT_VERSION,
  SYNCED_BEFORE,
  type SegmentHeader,
  decodeSegmentHeader,
  findSyncedRecord,
} from './segment.js';
import { readSnapshotHeader } from './snapshot-reader.js';
import type { Note } from './trouble.js';

/** Two are kept: when the newest cannot be read, the one before it and the entries after that are there. */
export const SNAPSHOTS_KEPT = 2;
/** Zeros written at once. */
const SLICE_BYTES = 1024 * 1024;

/** A segment of the log in use. */
export interface SegmentFacts {
  readonly firstIndex: number;
  readonly salt: number;
  /** Index of its last entry; `firstIndex - 1`: it has none. Invariant: the next segment's first index is one more. */
  lastIndex: number;
  /** Offset after its last record. */
  end: number;
}

/** The segment that is written to. */
export interface OpenSegment {
  readonly facts: SegmentFacts;
  readonly file: DiskFile;
}

export interface Recovered {
  /** Oldest first. */
  readonly segments: SegmentFacts[];
  /** Their indices, oldest first; at most SNAPSHOTS_KEPT. */
  readonly snapshots: number[];
  /** The last one with its file, open; null: there is no segment. */
  readonly segment: OpenSegment | null;
  readonly lastIndex: number;
  /** The latest term that anything speaks of; 0: none. */
  readonly term: number;
  /** The checksum of the last record; 0: there is none. */
  readonly previous: number;
}

interface Checked {
  readonly facts: SegmentFacts;
  readonly place: Place;
}

/** Rejects with LogFailure `damaged`, which names file and offset, when the log cannot be trusted. */
export async function recover(disk: Disk, note: Note): Promise<Recovered> {
  const listing = readListing(await disk.list());
  const snapshots = listing.snapshots.slice(-SNAPSHOTS_KEPT);
  let snapshotTerm = 0;
  for (const index of snapshots) snapshotTerm = Math.max(snapshotTerm, await checkSnapshot(disk, index));
  const needed = neededSegments(disk, listing, snapshots);
  const segments: SegmentFacts[] = [];
  let place: Place | null = null;
  let file: DiskFile | null = null;
  try {
    for (const firstIndex of needed) {
      await file?.close();
      file = await disk.open(segmentName(firstIndex), 'existing');
      const checked: Checked = await checkSegment(disk, file, firstIndex, place, firstIndex === needed.at(-1), note);
      segments.push(checked.facts);
      place = checked.place;
    }
    const lastIndex = place === null ? 0 : place.nextIndex - 1;
    checkReach(disk, lastIndex, snapshots.at(-1) ?? 0);
    await removeLeftovers(disk, listing, needed, snapshots);
    await disk.syncDirectory();
    const facts = segments.at(-1);
    const segment = file === null || facts === undefined ? null : { facts, file };
    const term = Math.max(snapshotTerm, place?.term ?? 0);
    return { segments, snapshots, segment, lastIndex, term, previous: place?.previous ?? 0 };
  } catch (error) {
    await file?.close();
    throw error;
  }
}

// ---- which files --------------------------------------------------------------------------------------------------------------

async function checkSnapshot(disk: Disk, index: number): Promise<number> {
  const name = snapshotName(index);
  const file = await disk.open(name, 'existing');
  try {
    const header = await readSnapshotHeader(file);
    if (typeof header === 'string') throw badHeader(disk, name, header, snapshotHint(name));
    if (header.index !== index)
      throw damaged(disk, name, 0, `it says that it is of entry ${header.index}`, snapshotHint(name));
    return header.term;
  } finally {
    await file.close();
  }
}

/** Told with every failure that comes from a snapshot. */
export function snapshotHint(name: string): string {
  return (
    `If ${name} cannot be restored from a copy, move it out of the directory: the log then starts from the snapshot before it, or from its ` +
    'first entry, and refuses again when what it needs for that is not there'
  );
}

/** First indices of the segments that are kept. A removal of old ones that was under way may have left any of them. */
function neededSegments(disk: Disk, { segments }: Listing, snapshots: readonly number[]): readonly number[] {
  const [oldest = 0] = snapshots;
  let from = 0;
  // With one snapshot nothing has been removed yet, or the newer one was moved away: entries before it are kept if they reach it.
  if (snapshots.length === SNAPSHOTS_KEPT || segments[0] !== 1) {
    while ((segments[from + 1] ?? Infinity) <= oldest + 1) from++;
  }
  const needed = segments.slice(from);
  const [first] = needed;
  if (first === undefined ? oldest > 0 : first > oldest + 1) {
    const until = first === undefined ? 'on' : `to ${first - 1}`;
    const after = oldest === 0 ? 'the log has no snapshot' : `snapshot ${oldest} does not have them`;
    throw new LogFailure(
      'damaged',
      `${disk.path}: the entries from ${oldest + 1} ${until} are missing, and ${after}. A segment was removed: restore it from a copy`,
    );
  }
  return needed;
}

function checkReach(disk: Disk, lastIndex: number, newest: number): void {
  if (lastIndex >= newest) return;
  throw new LogFailure(
    'damaged',
    `${disk.path}: the log ends at entry ${lastIndex}, before its snapshot of entry ${newest}: what was after it is lost. Restore the last ` +
      'segment from a copy; without one, move the snapshot out of the directory to go back to the state at the end of the log',
  );
}

async function removeLeftovers(
  disk: Disk,
  listing: Listing,
  needed: readonly number[],
  snapshots: readonly number[],
): Promise<void> {
  for (const name of listing.temporary) await disk.remove(name);
  for (const index of listing.segments) if (!needed.includes(index)) await disk.remove(segmentName(index));
  for (const index of listing.snapshots) if (!snapshots.includes(index)) await disk.remove(snapshotName(index));
}

// ---- one segment --------------------------------------------------------------------------------------------------------------

/** `before`: where the segment before it ends; null: it is the first one that is kept. */
async function checkSegment(
  disk: Disk,
  file: DiskFile,
  firstIndex: number,
  before: Place | null,
  isLast: boolean,
  note: Note,
): Promise<Checked> {
  const name = segmentName(firstIndex);
  const bytes = await file.read(0, file.size);
  const header = decodeSegmentHeader(bytes);
  if (typeof header === 'string') throw badHeader(disk, name, header, 'Restore the file from a copy');
  checkFollows(disk, name, firstIndex, header, before);
  let restart = SEGMENT_HEADER_BYTES;
  const walked = walk(bytes, header.salt, startOf(header, before?.term ?? 0), ({ flags, offset }) => {
    if ((flags & SYNCED_BEFORE) !== 0) restart = offset;
  });
  const { place, problem } = walked;
  if (problem !== null) checkTorn(disk, name, bytes, header.salt, walked, isLast);
  if (isLast) {
    if (problem !== null) cut(disk, file, name, bytes, place, note);
    // What was read may be in memory only. When the last sync of an earlier process failed, the system may even take it for written, so
    // it is written again: then a sync reaches it.
    file.write(bytes.subarray(restart, place.offset), restart);
  }
  await file.sync();
  const facts = { firstIndex, salt: header.salt, lastIndex: place.nextIndex - 1, end: place.offset };
  return { facts, place };
}

function checkFollows(disk: Disk, name: string, firstIndex: number, header: SegmentHeader, before: Place | null): void {
  if (header.firstIndex !== firstIndex) {
    throw damaged(
      disk,
      name,
      0,
      `it says that it begins at entry ${header.firstIndex}`,
      'Give the file its name again',
    );
  }
  if (before === null || (before.nextIndex === firstIndex && before.previous === header.previous)) return;
  const what =
    before.nextIndex < firstIndex
      ? `the entries from ${before.nextIndex} to ${firstIndex - 1} are missing before it`
      : 'it does not continue the segment before it';
  throw damaged(disk, name, 0, what, 'A segment was removed, cut or replaced: restore it from a copy');
}

/** A crash damages the end of the last segment, and nothing that was durable. Everything else is refused. */
function checkTorn(
  disk: Disk,
  name: string,
  bytes: Uint8Array,
  salt: number,
  { place, problem }: WalkEnd,
  isLast: boolean,
): void {
  const hint = 'This is no crash: the disk or another program changed it. Restore the file from a copy';
  const found = problem ?? 'nothing';
  if (!isLast) throw damaged(disk, name, place.offset, `${found}, and a segment after it`, hint);
  const later = findSyncedRecord(bytes, place.offset, salt, place.term);
  if (later < 0) return;
  throw damaged(
    disk,
    name,
    place.offset,
    `${found}, and at byte ${later} a record that was written when this was durable`,
    hint,
  );
}

/** Zeros from the place on: no later start may take a part of it for a record. */
function cut(
  disk: Disk,
  file: DiskFile,
  name: string,
  bytes: Uint8Array,
  { offset, nextIndex }: Place,
  note: Note,
): void {
  let end = bytes.length;
  while (end > offset && bytes[end - 1] === 0) end--;
  const zeros = new Uint8Array(Math.min(SLICE_BYTES, end - offset));
  for (let at = offset; at < end; at += zeros.length)
    file.write(zeros.subarray(0, Math.min(zeros.length, end - at)), at);
  note('the end of the log was torn and is cut off', {
    file: `${disk.path}/${name}`,
    offset,
    bytes: end - offset,
    lastIndex: nextIndex - 1,
  });
}

// ---- words --------------------------------------------------------------------------------------------------------------------

export function damaged(disk: Disk, name: string, offset: number, what: string, hint: string): LogFailure {
  return new LogFailure('damaged', `${disk.path}/${name} is damaged at byte ${offset}: ${what}. ${hint}`);
}

function badHeader(disk: Disk, name: string, problem: HeaderProblem, hint: string): LogFailure {
  switch (problem) {
    case 'newer':
      return new LogFailure(
        'damaged',
        `${disk.path}/${name} has a later format than ${SEGMENT_VERSION}, which is the latest that this version of Holdfast reads. Start the version that wrote it, or a newer one`,
      );
    case 'cut-off':
      return damaged(disk, name, 0, 'it is shorter than its header', hint);
    case 'no-magic':
      return damaged(disk, name, 0, 'it does not begin as such a file does', hint);
    case 'checksum':
      return damaged(disk, name, 0, 'the checksum of its header does not match', hint);
  }
}

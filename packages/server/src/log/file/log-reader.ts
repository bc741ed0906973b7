/** Reads entries back from the segments, a segment at a time. */
import type { Entry } from '@holdfast/core';
import { LogFailure } from '../port.js';
import type { Disk } from './disk.js';
import { segmentName } from './names.js';
import { type SegmentFacts, damaged } from './recovery.js';
import { type FoundRecord, entriesOf, startOf, walk } from './scan.js';
import { decodeSegmentHeader } from './segment.js';
import { textOf } from './trouble.js';

const HINT = 'It was whole when the log was opened, or it was written by another version of Holdfast';

/** The entries `from` to `to`. `segments` is the log's own list: old ones may go while this reads. */
export async function* readEntries(
  disk: Disk,
  segments: readonly SegmentFacts[],
  from: number,
  to: number,
): AsyncGenerator<Entry> {
  let next = from;
  while (next <= to) {
    const first = segments[0]?.firstIndex ?? 1;
    if (next < first)
      throw new LogFailure('truncated', `the entries before ${first} are gone, and ${next} is one of them`);
    const segment = segments.find(({ lastIndex }) => lastIndex >= next);
    if (segment === undefined) throw new LogFailure('truncated', `entry ${next} is gone`);
    // Appends go on meanwhile: the segment's end is where it is now.
    const { end } = segment;
    const bytes = await readBytes(disk, segments, segment, end);
    if (bytes === null) continue;
    for (const record of recordsOf(disk, segment, bytes, end)) {
      if (record.firstIndex + record.count <= next) continue;
      for (const entry of decode(disk, segment, bytes, record)) {
        if (entry.index < next) continue;
        if (entry.index > to) return;
        next = entry.index + 1;
        yield entry;
      }
    }
  }
}

/** null: the segment went meanwhile. */
async function readBytes(
  disk: Disk,
  segments: readonly SegmentFacts[],
  segment: SegmentFacts,
  end: number,
): Promise<Uint8Array | null> {
  try {
    const file = await disk.open(segmentName(segment.firstIndex), 'existing');
    try {
      return await file.read(0, end);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (segments.includes(segment)) throw error;
    return null;
  }
}

/** All records of the segment up to `end`, checked. */
function recordsOf(disk: Disk, { firstIndex, salt }: SegmentFacts, bytes: Uint8Array, end: number): FoundRecord[] {
  const records: FoundRecord[] = [];
  const header = decodeSegmentHeader(bytes);
  const name = segmentName(firstIndex);
  if (typeof header === 'string' || header.firstIndex !== firstIndex || header.salt !== salt) {
    throw damaged(disk, name, 0, 'its header has changed', HINT);
  }
  const { place } = walk(bytes, salt, startOf(header, 0), (record) => records.push(record));
  if (place.offset < end) throw damaged(disk, name, place.offset, 'no record with a matching checksum', HINT);
  return records;
}

function decode(disk: Disk, { firstIndex }: SegmentFacts, bytes: Uint8Array, record: FoundRecord): Entry[] {
  try {
    return entriesOf(bytes, record);
  } catch (error) {
    throw damaged(disk, segmentName(firstIndex), record.offset, `a record that cannot be read: ${textOf(error)}`, HINT);
  }
}

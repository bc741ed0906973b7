/** The names of the engine's files. A file's index has 16 digits, so the order of names is the order of indices. */

const DIGITS = 16;
const SEGMENT = /^wal-(\d{16})\.log$/;
const SNAPSHOT = /^snapshot-(\d{16})\.snap$/;
const TEMPORARY = /^(?:wal-next|snapshot-\d{16})\.tmp$/;

/** The segment that is prepared: its first index is not known yet. */
export const NEXT_SEGMENT_NAME = 'wal-next.tmp';

export function segmentName(firstIndex: number): string {
  return `wal-${digits(firstIndex)}.log`;
}

export function snapshotName(index: number): string {
  return `snapshot-${digits(index)}.snap`;
}

export function temporarySnapshotName(index: number): string {
  return `snapshot-${digits(index)}.tmp`;
}

/** What a directory has of ours, each list in order of its indices. Other files are none of the engine's business. */
export interface Listing {
  readonly segments: readonly number[];
  readonly snapshots: readonly number[];
  readonly temporary: readonly string[];
}

export function readListing(names: readonly string[]): Listing {
  return {
    segments: indicesOf(names, SEGMENT),
    snapshots: indicesOf(names, SNAPSHOT),
    temporary: names.filter((name) => TEMPORARY.test(name)),
  };
}

function indicesOf(names: readonly string[], pattern: RegExp): number[] {
  const indices: number[] = [];
  for (const name of names) {
    const index = pattern.exec(name)?.[1];
    if (index !== undefined) indices.push(Number(index));
  }
  return indices.toSorted((left, right) => left - right);
}

function digits(index: number): string {
  return String(index).padStart(DIGITS, '0');
}

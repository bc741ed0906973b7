import { describe, expect, test } from 'vitest';
import { InspectLines } from '../src/inspect-lines.js';

const segment = { type: 'segment', file: 'wal-1.log', bytes: 16 * 1024 * 1024, firstIndex: 1 } as const;
const begin = {
  type: 'record',
  file: 'wal-1.log',
  offset: 32,
  bytes: 32,
  term: 3,
  firstIndex: 1,
  syncedBefore: true,
  entries: [],
} as const;
const release = { type: 'release', session: 's', request: 4 } as const;
const open = {
  type: 'open-session',
  session: 's',
  client: 'a b=\u001b[2J',
  timeoutMs: 5_000,
  secretHash: null,
} as const;
const record = {
  ...begin,
  offset: 64,
  syncedBefore: false,
  entries: [
    { index: 1, nowMs: 1_500, commands: [open, release] },
    { index: 2, nowMs: 2_000, commands: [] },
  ],
} as const;
const summary = {
  type: 'summary',
  segments: 1,
  snapshots: 0,
  records: 2,
  entries: 2,
  firstIndex: 1,
  lastIndex: 2,
  damaged: 0,
} as const;

describe('what is found in a log, for people', () => {
  test('a segment is one line, once all of its records were seen', () => {
    const lines = new InspectLines(false);
    expect([segment, begin, record].flatMap((line) => lines.add(line))).toEqual([]);
    expect(lines.add(summary)).toEqual([
      'wal-1.log: entries 1 to 2 in 2 records, up to term 3, 16 MiB',
      'sound: entries 1 to 2 in 2 records of 1 segment, 0 snapshots',
    ]);
  });

  test('with records, every command is a line, and nothing in it reaches the terminal as it is', () => {
    const lines = new InspectLines(true);
    expect([segment, begin, record].flatMap((line) => lines.add(line))).toEqual([
      'wal-1.log:',
      '  at 32: term 3 begins',
      '  at 64: 2 entries of term 3, written before what precedes it was flushed',
      '    1 at 1.5s',
      '      open-session session=s client="a b=\\u001b[2J" timeoutMs=5000 secretHash=null',
      '      release session=s request=4',
      '    2 at 2s: time passes',
    ]);
  });

  test('a problem comes after the segment that it ends', () => {
    const lines = new InspectLines(false);
    lines.add(segment);
    const problem = { type: 'problem', file: 'wal-1.log', offset: 32, kind: 'damaged', message: 'bad' } as const;
    expect(lines.add(problem)).toEqual([
      'wal-1.log: no entries in 0 records, 16 MiB',
      'wal-1.log at byte 32: damaged: bad',
    ]);
    expect(lines.add({ ...problem, kind: 'torn' })).toEqual([
      'wal-1.log at byte 32: torn by a crash, and cut off at the next start: bad',
    ]);
    expect(lines.add({ ...problem, kind: 'newer-format' })).toEqual(['wal-1.log at byte 32: newer format: bad']);
    expect(lines.add({ ...summary, entries: 0, damaged: 2 })).toEqual([
      'not sound, 2 problems: no entries in 2 records of 1 segment, 0 snapshots',
    ]);
  });

  test('a snapshot says which state it is and of what it is made', () => {
    const rows = { holdfast: 1, session: 2, request: 40 };
    const line = { type: 'snapshot', file: 'snapshot-9.snap', bytes: 1_300, index: 9, term: 2, rows } as const;
    expect(new InspectLines(false).add(line)).toEqual([
      'snapshot-9.snap: the state after entry 9 of term 2, 1.3 KiB, rows: 1 holdfast, 2 session, 40 request',
    ]);
    expect(new InspectLines(false).add({ ...line, bytes: 1 })[0]).toContain(' 1 byte,');
  });
});

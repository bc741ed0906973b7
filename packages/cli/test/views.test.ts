import { describe, expect, test } from 'vitest';
import { detailLines, keyLines, serverLines } from '../src/views.js';

const wide = Number.POSITIVE_INFINITY;
const hold = {
  session: 's1',
  request: 1,
  mode: 'exclusive' as const,
  token: 42,
  sinceMs: 41_000,
  leaseMs: null,
  meta: { host: 'web-2', command: 'backup' },
};
const waiter = {
  session: 's2',
  request: 1,
  mode: 'shared' as const,
  place: 1,
  sinceMs: 2_000,
  waitMs: 3_000,
  meta: {},
};

test('keys are a table with their first holder', () => {
  expect(keyLines([{ key: 'nightly', holds: [hold], held: 1, waiting: 2 }], wide)).toEqual([
    'KEY      MODE       HOLDERS  WAITING  AGE  FIRST HOLDER',
    'nightly  exclusive        1        2  41s  backup web-2',
  ]);
});

describe('a key in detail', () => {
  test('names its holders and its queue', () => {
    const lines = detailLines({ key: 'nightly', holds: [hold], held: 1, waiting: 1, queue: [waiter] }, wide);
    expect(lines).toEqual([
      'nightly: 1 holder, 1 waiting',
      '',
      'HELD BY       MODE       TOKEN  FOR  LEASE LEFT  SESSION',
      'backup web-2  exclusive     42  41s    no limit  s1',
      '',
      'PLACE  WAITING  MODE    FOR  GIVES UP IN  SESSION',
      '    1  s2       shared   2s           3s  s2',
    ]);
  });

  test('says how many are not shown', () => {
    const lines = detailLines({ key: 'k', holds: [hold], held: 20, waiting: 150, queue: [waiter] }, wide);
    expect(lines).toContain('… and 19 more');
    expect(lines).toContain('… and 149 more');
  });

  test('a key that nobody wants is free', () => {
    expect(detailLines({ key: 'k', holds: [], held: 0, waiting: 0, queue: [] }, wide)).toEqual([
      'k is free: nobody holds it, nobody waits for it.',
    ]);
  });
});

test('a draining server says so', () => {
  const server = {
    node: 'n',
    version: '0.1.0',
    term: 1,
    position: 9,
    serverMs: 5,
    sessions: 1,
    keys: 2,
    holds: 3,
    waiting: 4,
  };
  expect(serverLines({ ...server, draining: true })).toContain('state     draining: takes no new locks');
  expect(serverLines({ ...server, draining: false })).toContain('state     serving');
});

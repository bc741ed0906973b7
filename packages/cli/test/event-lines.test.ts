import { expect, test } from 'vitest';
import { EventLines } from '../src/event-lines.js';

const at = new Date(2026, 0, 2, 3, 4, 5, 67);
const asked = {
  position: 1,
  key: 'orders/42',
  session: 's1',
  request: 7,
  mode: 'exclusive' as const,
  meta: { host: 'web-2', command: 'backup' },
};

test('a line has the time, what happened, the key, who and how', () => {
  const lines = new EventLines();
  expect(lines.line({ kind: 'queued', ...asked, place: 2 }, at)).toBe(
    '03:04:05.067  queued   orders/42  backup web-2  exclusive, place 2',
  );
  expect(lines.line({ kind: 'granted', ...asked, token: 42 }, at)).toBe(
    '03:04:05.067  granted  orders/42  backup web-2  exclusive, token 42',
  );
});

test('an ending names who asked, once', () => {
  const lines = new EventLines();
  const ended = {
    kind: 'ended' as const,
    position: 2,
    key: 'orders/42',
    session: 's1',
    request: 7,
    code: 'LEASE_OVER',
    token: 42,
  };
  lines.line({ kind: 'granted', ...asked, token: 42 }, at);
  expect(lines.line(ended, at)).toContain('backup web-2  lease over, token 42');
  expect(lines.line({ ...ended, token: null }, at)).toContain('s1            lease over, stopped waiting');
});

test('the present state names the first holder and counts the others', () => {
  const lines = new EventLines();
  const holds = [{ session: 's1', request: 7, mode: 'shared' as const, token: 42, meta: {} }];
  expect(lines.line({ kind: 'state', position: 3, key: 'k', holds, held: 3, waiting: 2 }, at)).toContain(
    's1 and 2 more  shared, token 42, 2 waiting',
  );
  expect(lines.line({ kind: 'state', position: 3, key: 'k', holds: [], held: 0, waiting: 1 }, at)).toContain('nobody');
  expect(lines.line({ kind: 'synced', position: 3 }, at)).toContain('synced');
});

test('after a gap nobody is remembered: their endings may have been missed', () => {
  const lines = new EventLines();
  lines.line({ kind: 'granted', ...asked, token: 42 }, at);
  expect(lines.line({ kind: 'gap' }, at)).toContain('missing');
  const ended = {
    kind: 'ended' as const,
    position: 2,
    key: 'orders/42',
    session: 's1',
    request: 7,
    code: 'RELEASED',
    token: 42,
  };
  expect(lines.line(ended, at)).not.toContain('backup');
});

test('columns grow with what was shown, but not without limit', () => {
  const lines = new EventLines();
  lines.line({ kind: 'granted', ...asked, key: 'k'.repeat(200), token: 1 }, at);
  expect(lines.line({ kind: 'granted', ...asked, key: 'short', token: 1 }, at)).toContain(
    `${'short'.padEnd(40)}  backup`,
  );
});

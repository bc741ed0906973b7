import { describe, expect, test } from 'vitest';
import { T, peek, quiet, scenario } from './support/scenario.js';
import { settle } from './support/virtual-clock.js';

const KEY_ROW = {
  key: 'orders/42',
  holds: [
    { session: 's1', request: 7, mode: 'exclusive', token: 10, sinceMs: 41, leaseMs: null, meta: { who: 'web-2' } },
  ],
  held: 1,
  waiting: 1,
  queue: [{ session: 's2', request: 3, mode: 'shared', place: 1, sinceMs: 12, waitMs: 400, meta: null }],
};

async function all<V>(rows: AsyncIterable<V>): Promise<V[]> {
  const list: V[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

describe('asking', () => {
  test('query tells who holds a key and who waits', async () => {
    const s = await scenario();
    const asking = s.client.query('orders/42');
    await settle();
    expect(s.socket.take()).toEqual([[8, 1, 'key', { key: 'orders/42' }]]);
    s.socket.say([73, 1, [KEY_ROW], false]);
    expect(await asking).toEqual({
      ...KEY_ROW,
      queue: [{ ...KEY_ROW.queue[0], meta: {} }],
    });
  });

  test('list gives the rows of all results, and ignores what it does not know', async () => {
    const s = await scenario();
    const listing = all(s.client.list('orders/**', { limit: 10 }));
    await settle();
    expect(s.socket.take()).toEqual([[8, 1, 'keys', { pattern: 'orders/**', limit: 10 }]]);
    s.socket.say([73, 1, [{ key: 'a', holds: [], held: 0, waiting: 1, shiny: true }], true]);
    await settle();
    s.socket.say([73, 1, [{ key: 'b', holds: KEY_ROW.holds, held: 20, waiting: 0 }], false]);
    expect(await listing).toEqual([
      { key: 'a', holds: [], held: 0, waiting: 1 },
      { key: 'b', holds: KEY_ROW.holds, held: 20, waiting: 0 },
    ]);
  });

  test('sessions and server are told as they are', async () => {
    const s = await scenario();
    const session = {
      session: 's1',
      client: 'demo',
      resumable: true,
      timeoutMs: T,
      connected: true,
      held: 1,
      waiting: 2,
      sinceMs: 3,
    };
    const server = {
      node: 'n1',
      version: '0.1.0',
      term: 1,
      position: 2,
      serverMs: 3,
      sessions: 4,
      keys: 5,
      holds: 6,
      waiting: 7,
      draining: false,
    };
    const listing = all(s.client.sessions());
    const asking = s.client.server();
    await settle();
    expect(s.socket.take().map((message) => message.slice(1, 3))).toEqual(
      [
        [2, 'server'],
        [1, 'sessions'],
      ].toReversed(),
    );
    s.socket.say([73, 2, [server], false], [73, 1, [session], false]);
    expect(await listing).toEqual([session]);
    expect(await asking).toEqual(server);
  });

  test('forceRelease tells how many holds it ended', async () => {
    const s = await scenario();
    const forcing = s.client.forceRelease('k', { token: 10, reason: 'stuck' });
    await settle();
    expect(s.socket.take()).toEqual([[11, 1, 'k', 10, 'stuck']]);
    s.socket.say([73, 1, [{ ended: 1 }], false]);
    expect(await forcing).toBe(1);
  });

  test('an error rejects with its code and class, and the next question is answered', async () => {
    const s = await scenario();
    const forcing = quiet(s.client.forceRelease('k'));
    await settle();
    s.socket.say([70, 11, 1, 'FORBIDDEN', 'never', 'not you']);
    expect(await peek(forcing)).toMatchObject({ code: 'FORBIDDEN', retry: 'never' });
    const listing = all(s.client.list());
    await settle();
    s.socket.say([73, 2, [], false]);
    expect(await listing).toEqual([]);
  });

  test('an answer that cannot be read is an error of its own', async () => {
    const s = await scenario();
    const asking = quiet(s.client.query('k'));
    await settle();
    s.socket.say([73, 1, [{ key: 'k', holds: 'none' }], false]);
    expect(await peek(asking)).toMatchObject({ code: 'BAD_ANSWER' });
    const empty = quiet(s.client.query('k'));
    await settle();
    s.socket.say([73, 2, [], false]);
    expect(await peek(empty)).toMatchObject({ code: 'BAD_ANSWER' });
  });

  test('a listing that is left early is forgotten', async () => {
    const s = await scenario();
    const rows = s.client.list();
    const first = rows.next();
    await settle();
    const row = { key: 'a', holds: [], held: 0, waiting: 1 };
    s.socket.say([73, 1, [row, row], true]);
    expect((await first).value).toEqual(row);
    await rows.return();
    s.socket.say([73, 1, [row], false]);
    expect(await rows.next()).toEqual({ done: true, value: undefined });
  });
});

describe('asking across connections', () => {
  test('a question without an answer is asked again on the next connection', async () => {
    const s = await scenario();
    const asking = s.client.query('orders/42');
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await settle();
    expect(s.socket.take().slice(1)).toEqual([[8, 1, 'key', { key: 'orders/42' }]]);
    s.socket.say([73, 1, [KEY_ROW], false]);
    expect((await asking).held).toBe(1);
  });

  test('a connection that breaks before it is restored changes nothing for a question that waits', async () => {
    const s = await scenario();
    const asking = s.client.query('orders/42');
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], false]);
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await settle();
    s.socket.say([73, 1, [KEY_ROW], false]);
    expect((await asking).held).toBe(1);
    const closing = s.client.close();
    s.socket.drop(1000);
    await closing;
    expect(s.clock.timerCount).toBe(0);
  });

  test('one that is answered in part fails: rows of two moments are no list', async () => {
    const s = await scenario();
    const listing = quiet(all(s.client.list()));
    await settle();
    s.socket.say([73, 1, [{ key: 'a', holds: [], held: 0, waiting: 1 }], true]);
    s.socket.drop();
    expect(await peek(listing)).toMatchObject({ code: 'DISCONNECTED', retry: 'after-reconnect' });
  });

  test('a forced release without an answer fails: it may have been done', async () => {
    const s = await scenario();
    const forcing = quiet(s.client.forceRelease('k'));
    await settle();
    s.socket.drop();
    expect(await peek(forcing)).toMatchObject({ code: 'DISCONNECTED' });
    const unsent = s.client.forceRelease('k');
    await s.redial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await settle();
    expect(s.socket.take().slice(1)).toEqual([[11, 2, 'k', null, '']]);
    s.socket.say([73, 2, [{ ended: 0 }], false]);
    expect(await unsent).toBe(0);
  });

  test('a question waits for a connection for one session time-out', async () => {
    const s = await scenario();
    s.socket.drop();
    const asking = quiet(s.client.server());
    await s.clock.advance(T - 1);
    expect(await peek(asking)).toBe('pending');
    await s.clock.advance(1);
    expect(await peek(asking)).toMatchObject({ code: 'DISCONNECTED' });
  });
});

test.each<[string, (s: Awaited<ReturnType<typeof scenario>>) => Promise<unknown>]>([
  ['a key that is none', (s) => s.client.query('')],
  ['a limit of nothing', (s) => all(s.client.list('**', { limit: 0 }))],
  ['a limit beyond the most', (s) => all(s.client.sessions({ limit: 1_000_001 }))],
  ['a token that is none', (s) => s.client.forceRelease('k', { token: 0.5 })],
  ['a reason that is too long', (s) => s.client.forceRelease('k', { reason: 'x'.repeat(257) })],
])('%s is an invalid argument', async (_what, ask) => {
  const s = await scenario();
  expect(await peek(ask(s))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect(s.socket.take()).toEqual([]);
});

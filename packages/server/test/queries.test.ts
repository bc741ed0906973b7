import { describe, expect, it } from 'vitest';
import { limits } from '../src/limits.js';
import { NUMBER, acquire, errorCodes, query, resultsOf } from './support/messages.js';
import { type Peer, TestNode } from './support/node.js';

/** A node with `count` held keys and one who asks. */
async function start(count = 0): Promise<{ node: TestNode; holder: Peer; asker: Peer }> {
  const node = await TestNode.begin();
  const holder = await node.open({ client: 'holder', timeoutMs: 60_000 });
  const asker = await node.open({ timeoutMs: 60_000 }, { holdsBytes: true });
  for (let first = 0; first < count; first += 100) {
    const numbers = Array.from({ length: Math.min(100, count - first) }, (_, i) => first + i);
    await holder.ask(...numbers.map((i) => acquire(i + 1, `${i % 2 === 0 ? 'even' : 'odd'}/${i}`)));
  }
  return { node, holder, asker };
}

/** Asks, reads everything at once, and waits until the last page has come. */
async function all(node: TestNode, asker: Peer, ...messages: Parameters<Peer['say']>): Promise<unknown[]> {
  const told = await asker.ask(...messages);
  for (let turns = 0; turns < 1_000 && resultsOf(told, 1).at(-1)?.[3] === true; turns++) {
    asker.socket.take();
    await node.clock.turn();
    told.push(...asker.socket.drain());
  }
  expect(resultsOf(told, 1).map(([, , , more]) => more)).toEqual(
    resultsOf(told, 1).map((_, i, { length }) => i < length - 1),
  );
  return resultsOf(told, 1).flatMap(([, , rows]) => [...rows]);
}

function keysOf(rows: readonly unknown[]): string[] {
  return rows.map((row) => (row as { key: string }).key);
}

describe('the query', () => {
  it('key tells who holds it and who waits, since when and how long still', async () => {
    const { node, holder, asker } = await start();
    const waiter = await node.open();
    await holder.ask(acquire(1, 'a', { shared: true, leaseMs: 10_000, meta: { who: 'me' } }));
    await node.clock.advance(1_000);
    await waiter.ask(acquire(1, 'a', { waitMs: 5_000 }), acquire(2, 'a', { shared: true }));
    await node.clock.advance(500);
    const hold = { session: holder.session, request: 1, mode: 'shared', token: NUMBER, sinceMs: 1_500, leaseMs: 8_500 };
    const first = { session: waiter.session, request: 1, mode: 'exclusive', place: 1, sinceMs: 500, waitMs: 4_500 };
    const second = { session: waiter.session, request: 2, mode: 'shared', place: 2, sinceMs: 500, waitMs: null };
    expect(await all(node, asker, query(1, 'key', { key: 'a' }))).toEqual([
      {
        key: 'a',
        holds: [{ ...hold, meta: { who: 'me' } }],
        held: 1,
        waiting: 2,
        queue: [
          { ...first, meta: null },
          { ...second, meta: null },
        ],
      },
    ]);
  });

  it('key of a key that nobody holds is one row without holds', async () => {
    const { node, asker } = await start();
    const row = { key: 'free', holds: [], held: 0, waiting: 0, queue: [] };
    expect(await all(node, asker, query(1, 'key', { key: 'free' }))).toEqual([row]);
  });

  it('key lists the first hundred of a long queue, in one result', async () => {
    const { holder, asker } = await start();
    await holder.ask(acquire(1, 'a'));
    const meta = { why: 'x'.repeat(1_000) };
    for (let first = 2; first < 152; first += 50) {
      await holder.ask(...Array.from({ length: 50 }, (_, i) => acquire(first + i, 'a', { meta })));
    }
    const told = await asker.ask(query(1, 'key', { key: 'a' }));
    expect(told).toMatchObject([[73, 1, [{ key: 'a', held: 1, waiting: 150 }], false]]);
    expect(resultsOf(told, 1)[0]?.[2][0]?.['queue']).toHaveLength(limits.queueListedMax);
  });

  it('keys gives all rows over its pages, each once', async () => {
    const { node, asker } = await start(1_500);
    const rows = await all(node, asker, query(1, 'keys', { limit: 1_000_000 }));
    expect(keysOf(rows).toSorted()).toEqual(
      Array.from({ length: 1_500 }, (_, i) => `${i % 2 === 0 ? 'even' : 'odd'}/${i}`).toSorted(),
    );
  });

  it('keys gives those of the pattern, and no more than the limit', async () => {
    const { node, asker } = await start(1_500);
    const odd = await all(node, asker, query(1, 'keys', { pattern: 'odd/*' }));
    expect(odd).toHaveLength(750);
    expect(await all(node, asker, query(1, 'keys', { pattern: 'odd/*', limit: 3 }))).toEqual(odd.slice(0, 3));
    expect(await all(node, asker, query(1, 'keys', {}))).toHaveLength(1_000);
    expect(await all(node, asker, query(1, 'keys', { pattern: 'odd/7' }))).toMatchObject([{ key: 'odd/7', held: 1 }]);
    expect(await all(node, asker, query(1, 'keys', { pattern: 'nothing' }))).toEqual([]);
  });

  it('keys with a malformed pattern is refused, and its call number is free again', async () => {
    const { node, asker } = await start();
    expect(errorCodes(await asker.ask(query(1, 'keys', { pattern: 'a\\' })))).toEqual(['BAD_PATTERN']);
    expect(await all(node, asker, query(1, 'keys'))).toEqual([]);
  });

  it('sessions tells each session, and whether it is connected', async () => {
    const { node, holder, asker } = await start(3);
    const away = await node.open({ resumable: true, timeoutMs: 60_000 });
    away.breaks();
    await node.clock.advance(700);
    const rows = await all(node, asker, query(1, 'sessions'));
    const common = {
      client: '',
      resumable: false,
      timeoutMs: 60_000,
      connected: true,
      held: 0,
      waiting: 0,
      sinceMs: 700,
    };
    expect(rows).toEqual([
      { ...common, session: holder.session, client: 'holder', held: 3 },
      { ...common, session: asker.session },
      { ...common, session: away.session, resumable: true, connected: false },
    ]);
    expect(await all(node, asker, query(1, 'sessions', { limit: 1 }))).toHaveLength(1);
  });

  it('server tells how this node stands, with server time now', async () => {
    const { node, asker } = await start(3);
    await node.clock.advance(1_234);
    const counts = { sessions: 2, keys: 3, holds: 3, waiting: 0 };
    expect(await all(node, asker, query(1, 'server'))).toEqual([
      {
        node: 'n1',
        version: '0',
        draining: false,
        term: 1,
        position: NUMBER,
        serverMs: node.nowMs(),
        ...counts,
      },
    ]);
    expect(node.nowMs()).toBeGreaterThan(node.machine.nowMs);
  });
});

describe('a long list', () => {
  it('pauses while its reader is behind, and goes on when it has read', async () => {
    const { node, asker } = await start(1_500);
    const told = await asker.ask(query(1, 'keys', { limit: 1_000_000 }));
    for (let turns = 0; turns < 100; turns++) await node.clock.turn();
    told.push(...asker.socket.drain());
    expect(asker.socket.bufferedBytes).toBeLessThanOrEqual(limits.outboxScanBytes + 2 * limits.pageBytesTarget);
    expect(resultsOf(told, 1).at(-1)?.[3]).toBe(true);
    const paused = asker.socket.messages.length;
    await node.clock.advance(1_000);
    expect(asker.socket.messages.length).toBe(paused);
    for (let i = 0; i < 200 && resultsOf(told, 1).at(-1)?.[3] !== false; i++) {
      asker.socket.take();
      await node.clock.advance(50);
      told.push(...asker.socket.drain());
    }
    expect(resultsOf(told, 1).flatMap(([, , rows]) => [...rows])).toHaveLength(1_500);
    expect(node.scanCount).toBe(0);
  });

  it('does not hold up the lists of others', async () => {
    const { node, asker } = await start(1_500);
    await asker.ask(query(1, 'keys', { limit: 1_000_000 }));
    for (let turns = 0; turns < 100; turns++) await node.clock.turn();
    const other = await node.open();
    expect(await all(node, other, query(1, 'keys', { limit: 1_000_000 }))).toHaveLength(1_500);
  });

  it.each([
    ['the connection breaks', (peer: Peer): void => peer.breaks()],
    ['the reader is cut off', (peer: Peer): void => void (peer.socket.bufferedBytes = 100 * limits.outboxBytesMax)],
  ])('is given up when %s', async (_, ends) => {
    const { node, asker } = await start(1_500);
    await asker.ask(query(1, 'keys', { limit: 1_000_000 }));
    for (let turns = 0; turns < 100; turns++) await node.clock.turn();
    expect(node.scanCount).toBe(1);
    ends(asker);
    asker.say([9, 1]);
    await node.clock.advance(1_000);
    expect(node.scanCount).toBe(0);
  });

  it('goes on over changes of the state: a key that lives throughout is there once', async () => {
    const { node, holder, asker } = await start(1_500);
    const told = await asker.ask(query(1, 'keys', { limit: 1_000_000 }));
    let number = 1_500;
    for (let i = 0; resultsOf(told, 1).at(-1)?.[3] === true; i++) {
      number += 1;
      await holder.ask([3, 2 * i + 2], acquire(number, `new/${i}`, { acked: i }));
      asker.socket.take();
      await node.clock.turn();
      told.push(...asker.socket.drain());
    }
    const keys = resultsOf(told, 1).flatMap(([, , rows]) => rows.map(({ key }) => String(key)));
    const even = keys.filter((key) => key.startsWith('even/'));
    expect(even.toSorted()).toEqual(Array.from({ length: 750 }, (_, i) => `even/${2 * i}`).toSorted());
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('counts towards the limit of open calls until it is over, and so does every question to a reader that is behind', async () => {
    const { node, asker } = await start(10);
    asker.socket.bufferedBytes = limits.outboxScanBytes + 1;
    const calls = Array.from({ length: limits.callsPerConnectionMax }, (_, i) =>
      query(i + 1, 'key', { key: 'even/0' }),
    );
    expect(await asker.ask(...calls)).toEqual([]);
    expect(errorCodes(await asker.ask(query(1, 'keys')))).toEqual(['BAD_MESSAGE']);
    expect(errorCodes(await asker.ask(query(1_000, 'keys')))).toEqual(['CALL_LIMIT']);
    asker.socket.take();
    await node.clock.advance(100);
    const answered = asker.socket.drain().map(([, call]) => call);
    expect(new Set(answered)).toEqual(new Set(calls.map(([, call]) => call)));
    expect(answered).toHaveLength(calls.length);
    expect(await all(node, asker, query(1, 'keys'))).toHaveLength(10);
  });
});

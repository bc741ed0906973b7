import { describe, expect, it } from 'vitest';
import type { ServerMessage } from '@holdfast/protocol';
import { limits } from '../src/limits.js';
import { VirtualClock } from '../../testing/src/index.js';
import { acquire, errorCodes, eventsOf, toldEvents, watch } from './support/messages.js';
import { type Peer, TestNode } from './support/node.js';

const NUMBER = expect.any(Number);

/** A node, somebody who acts and somebody who watches. */
async function start(): Promise<{ node: TestNode; actor: Peer; watcher: Peer }> {
  const node = await TestNode.begin();
  return { node, actor: await node.open({ timeoutMs: 60_000 }), watcher: await node.open({ timeoutMs: 60_000 }) };
}

/** Each of `count` holds made and given up in a step of its own. */
async function churn(
  actor: Peer,
  first: number,
  count: number,
  key = 'a',
  meta?: Record<string, string>,
): Promise<void> {
  for (let number = first; number < first + count; number++) {
    await actor.ask(acquire(number, key, { acked: number - 1, ...(meta === undefined ? {} : { meta }) }));
    await actor.ask([3, number]);
  }
}

function positions(messages: readonly ServerMessage[]): number[] {
  return eventsOf(messages).map(([, , position]) => position);
}

describe('a watch', () => {
  it('is accepted with the present position, and sees each event once, in order, with its position', async () => {
    const { node, actor, watcher } = await start();
    expect(await watcher.ask(watch(1, 'a'))).toEqual([[77, 1, node.position]]);
    const before = node.position;
    const meta = { who: 'me' };
    await actor.ask(acquire(1, 'a', { meta }));
    await actor.ask(acquire(2, 'a', { shared: true }), acquire(3, 'b'));
    await actor.ask(acquire(2, 'a'), [3, 9]);
    await actor.ask([3, 1]);
    await actor.ask([4, 2]);
    const told = watcher.socket.drain();
    expect(told).toEqual([
      [71, 1, before + 1, [['granted', 'a', actor.session, 1, 0, NUMBER, meta]]],
      [71, 1, before + 2, [['queued', 'a', actor.session, 2, 1, 1, null]]],
      [
        71,
        1,
        before + 4,
        [
          ['ended', 'a', actor.session, 1, 'RELEASED', NUMBER],
          ['granted', 'a', actor.session, 2, 1, NUMBER, null],
        ],
      ],
      [71, 1, before + 5, [['ended', 'a', actor.session, 2, 'CANCELLED', NUMBER]]],
    ]);
  });

  it('sees time-outs, leases and the ends of sessions, and nothing of requests that were refused', async () => {
    const { node, actor, watcher } = await start();
    await watcher.ask(watch(1, '**'));
    await actor.ask(acquire(1, 'a', { leaseMs: 1_000 }));
    await actor.ask(acquire(2, 'a', { waitMs: 500 }), acquire(3, 'a', { waitMs: 0 }));
    await node.clock.advance(1_000);
    await actor.ask(acquire(4, 'b'));
    actor.breaks();
    await node.clock.turn();
    const ended = toldEvents(watcher.socket.drain()).filter(([kind]) => kind === 'ended');
    expect(ended).toEqual([
      ['ended', 'a', actor.session, 2, 'WAIT_TIMEOUT', null],
      ['ended', 'a', actor.session, 1, 'LEASE_OVER', NUMBER],
      ['ended', 'b', actor.session, 4, 'SESSION_OVER', NUMBER],
    ]);
  });

  it('sees the keys of its pattern and no others, beside other watches of its connection', async () => {
    const { actor, watcher } = await start();
    await watcher.ask(watch(1, 'orders/42'), watch(2, 'orders/*'), watch(3, 'orders/**'), watch(4, String.raw`a\*`));
    await actor.ask(acquire(1, 'orders/42'), acquire(2, 'orders/1/2'), acquire(3, 'order'), acquire(4, 'a*'));
    await actor.ask(acquire(5, 'ab'));
    const told = watcher.socket.drain();
    const keys = [1, 2, 3, 4].map((number) => toldEvents(told, number).map(([, key]) => key));
    expect(keys).toEqual([['orders/42'], ['orders/42'], ['orders/42', 'orders/1/2'], ['a*']]);
  });

  it('with state is sent the present state first, up to 16 holds of each key, then synced', async () => {
    const { node, actor, watcher } = await start();
    for (let number = 1; number <= 20; number++) await actor.ask(acquire(number, 'a', { shared: true }));
    await actor.ask(acquire(21, 'a'), acquire(22, 'other'));
    const told = await watcher.ask(watch(1, 'a*', null, true));
    const events = toldEvents(told);
    expect(positions(told)).toEqual([node.position]);
    expect(events).toEqual([['state', 'a', expect.any(Array), 20, 1], ['synced']]);
    expect(events[0]?.[2]).toHaveLength(16);
    expect(events[0]?.[2]).toContainEqual([actor.session, 1, 1, NUMBER, null]);
  });

  it('with state of a key that nobody holds is synced at once', async () => {
    const { watcher } = await start();
    expect(toldEvents(await watcher.ask(watch(1, 'free', null, true)))).toEqual([['synced']]);
  });

  it('sees nothing more after unwatch, and its number is free again', async () => {
    const { actor, watcher } = await start();
    await watcher.ask(watch(1, 'a'));
    await watcher.ask([7, 1], [7, 8]);
    await actor.ask(acquire(1, 'a'));
    expect(watcher.socket.drain()).toEqual([]);
    expect(await watcher.ask(watch(1, 'b'))).toEqual([[77, 1, NUMBER]]);
  });

  it('that is given up while its state is being sent costs nothing more', async () => {
    const { node, actor } = await start();
    const meta = { why: 'x'.repeat(1_000) };
    for (let first = 1; first <= 400; first += 50) {
      await actor.ask(...Array.from({ length: 50 }, (_, i) => acquire(first + i, `key ${first + i}`, { meta })));
    }
    const reader = await node.open({ timeoutMs: 60_000 }, { holdsBytes: true });
    await reader.ask(watch(1, '**', null, true));
    await node.clock.advance(100);
    expect(node.scanCount).toBe(1);
    await reader.ask([7, 1]);
    reader.socket.take();
    await node.clock.advance(100);
    expect(node.scanCount).toBe(0);
    expect(reader.socket.drain()).toEqual([]);
  });

  it('ends with its connection', async () => {
    const { node, actor, watcher } = await start();
    await watcher.ask(watch(1, 'a'), watch(2, '**', null, true));
    watcher.breaks();
    await actor.ask(acquire(1, 'a'));
    expect(watcher.socket.drain()).toEqual([]);
    await node.clock.advance(5_000);
    expect(node.scanCount).toBe(0);
  });

  it('is refused when its pattern is malformed, its number in use, or the connection has too many', async () => {
    const { watcher } = await start();
    expect(errorCodes(await watcher.ask(watch(1, 'a\\')))).toEqual(['BAD_PATTERN']);
    expect(errorCodes(await watcher.ask(watch(1, '*'.repeat(34))))).toEqual(['BAD_PATTERN']);
    const many = Array.from({ length: limits.watchesPerConnectionMax }, (_, i) => watch(i + 1, `key ${i}`));
    expect(errorCodes(await watcher.ask(...many))).toEqual([]);
    expect(errorCodes(await watcher.ask(watch(1, 'b')))).toEqual(['BAD_MESSAGE']);
    expect(errorCodes(await watcher.ask(watch(1_000, 'b')))).toEqual(['WATCH_LIMIT']);
    expect(watcher.socket.closed).toBeNull();
    await watcher.ask([7, 1]);
    expect(errorCodes(await watcher.ask(watch(1_000, 'b')))).toEqual([]);
  });

  it('of a plain key or of a known pattern is still accepted when the server is full of patterns', async () => {
    const { node, watcher } = await start();
    for (let i = 0; i < limits.patternsMax; i += 100) {
      const peer = await node.open({ timeoutMs: 60_000 });
      await peer.ask(...Array.from({ length: 100 }, (_, j) => watch(j + 1, `${i + j}/*`)));
    }
    expect(errorCodes(await watcher.ask(watch(1, 'one/more/*')))).toEqual(['WATCH_LIMIT']);
    expect(errorCodes(await watcher.ask(watch(2, 'key'), watch(3, '0/*')))).toEqual([]);
  });
});

describe('a watch that begins again after a position', () => {
  it('is sent exactly what it missed', async () => {
    const { actor, watcher } = await start();
    const other = watcher;
    await other.ask(watch(1, '**'));
    await churn(actor, 1, 5);
    await churn(actor, 6, 1, 'b');
    const all = eventsOf(other.socket.drain());
    for (let seen = 0; seen < all.length; seen++) {
      const after = all[seen]?.[2] ?? 0;
      const again = eventsOf(await other.ask(watch(10 + seen, '**', after)), 10 + seen);
      expect(again.map(([, , position, events]) => [position, events])).toEqual(
        all.slice(seen + 1).map(([, , position, events]) => [position, events]),
      );
    }
  });

  it('goes on with what happens next, without gap and without repetition', async () => {
    const { node, actor, watcher } = await start();
    await watcher.ask(watch(1, 'a'));
    await churn(actor, 1, 3);
    const seen = eventsOf(watcher.socket.drain()).slice(0, 2);
    watcher.breaks();
    await churn(actor, 4, 3);
    const next = await node.open();
    const told = await next.ask(watch(1, 'a', seen.at(-1)?.[2] ?? 0));
    await churn(actor, 7, 1);
    told.push(...next.socket.drain());
    const kinds = [...seen, ...eventsOf(told)].flatMap(([, , , events]) => events).map((event) => [event[0], event[3]]);
    const expected = Array.from({ length: 7 }, (_, i) => [
      ['granted', i + 1],
      ['ended', i + 1],
    ]).flat();
    expect(kinds).toEqual(expected);
  });

  it('that is the present one misses nothing', async () => {
    const { node, actor, watcher } = await start();
    await churn(actor, 1, 3);
    const index = node.position;
    expect(await watcher.ask(watch(1, '**', index))).toEqual([[77, 1, index]]);
  });

  it('of an earlier life of a log that forgets gets a gap, never the wrong events', async () => {
    const before = await start();
    await churn(before.actor, 1, 40);
    const old = before.node.position;
    before.node.stop();
    const clock = new VirtualClock({ wallMs: before.node.clock.wallMs() + 1 });
    const node = await TestNode.begin({ clock });
    const watcher = await node.open();
    expect(node.position).toBeGreaterThan(old);
    const told = await watcher.ask(watch(1, '**', old));
    expect(told.map(([type]) => type)).toEqual([77, 72, 71]);
    expect(told[1]).toEqual([72, 1, old, node.position]);
  });

  it.each([
    ['before anything was remembered', 1],
    ['that never was', 2 ** 52],
  ])('%s is told of the gap, then sent the state', async (_, after) => {
    const { node, actor, watcher } = await start();
    await actor.ask(acquire(1, 'a'));
    const index = node.position;
    expect(await watcher.ask(watch(1, '**', after))).toEqual([
      [77, 1, index],
      [72, 1, Math.min(after, index), index],
      [71, 1, index, [['state', 'a', [[actor.session, 1, 0, NUMBER, null]], 1, 0], ['synced']]],
    ]);
  });

  it('finds the latest events for a minute after the last watch is gone, not longer', async () => {
    for (const [absentMs, type] of [
      [limits.recentEventsKeptMs, 71],
      [limits.recentEventsKeptMs + 1, 72],
    ] as const) {
      const { node, actor, watcher } = await start();
      const keeper = await node.open({ timeoutMs: 60_000 });
      await watcher.ask(watch(1, 'a'));
      const index = node.position;
      await churn(actor, 1, 1);
      watcher.breaks();
      await node.clock.advance(absentMs / 2);
      actor.handler.onPing();
      keeper.handler.onPing();
      await node.clock.advance(absentMs / 2);
      await churn(actor, 2, 1);
      const told = await keeper.ask(watch(1, 'a', index));
      expect(told[1]?.[0]).toBe(type);
    }
  });

  it('beyond the number of events that are kept is told of the gap', async () => {
    const { node, actor, watcher } = await start();
    await watcher.ask(watch(1, 'a'));
    const index = node.position;
    // Each step is one frame of grants and endings, so the events are many and the steps few.
    const perStep = 2_000;
    for (let step = 0; step < 8; step++) {
      const first = step * perStep + 1;
      const numbers = Array.from({ length: perStep }, (_, i) => first + i);
      await actor.ask(...numbers.flatMap((n) => [acquire(n, 'a', { acked: n - 1 }), [3, n] as const]));
      watcher.socket.drain();
    }
    const last = node.position;
    const next = await node.open();
    expect((await next.ask(watch(1, 'a', index)))[1]?.[0]).toBe(72);
    expect((await next.ask(watch(2, 'a', last - 1)))[1]?.[0]).toBe(71);
  });

  it('that misses more than its connection can take is told of the gap when it has caught up', async () => {
    const { node, actor, watcher } = await start();
    await watcher.ask(watch(1, 'a'));
    const index = node.position;
    const meta = { why: 'x'.repeat(1_000) };
    await churn(actor, 1, 400, 'a', meta);
    await actor.ask(acquire(401, 'a'));
    const next = await node.open({}, { holdsBytes: true });
    const told = await next.ask(watch(1, 'a', index, true));
    expect(toldEvents(told).some(([kind]) => kind === 'synced')).toBe(false);
    next.socket.take();
    await node.clock.advance(1_000);
    const later = next.socket.drain();
    const last = positions(told).at(-1) ?? 0;
    expect(later[0]).toEqual([72, 1, NUMBER, node.position]);
    expect(later[0]?.[2]).toBeGreaterThanOrEqual(last);
    expect(toldEvents(later)).toEqual([['state', 'a', [[actor.session, 401, 0, NUMBER, null]], 1, 0], ['synced']]);
  });
});

describe('a slow watcher', () => {
  it('gets a gap, then the state, then goes on; and the others are undisturbed', async () => {
    const { node, actor, watcher } = await start();
    const quick = await node.open({ timeoutMs: 60_000 });
    await quick.ask(watch(1, 'a'));
    await watcher.ask(watch(1, 'a'));
    await churn(actor, 1, 1);
    const seen = positions(watcher.socket.drain()).at(-1) ?? 0;
    watcher.socket.bufferedBytes = limits.outboxWatchBytes + 1;
    await churn(actor, 2, 3);
    await actor.ask(acquire(5, 'a'));
    await node.clock.advance(1_000);
    expect(watcher.socket.drain()).toEqual([]);
    expect(toldEvents(quick.socket.drain())).toHaveLength(9);

    watcher.socket.bufferedBytes = 0;
    await node.clock.advance(100);
    const index = node.position;
    expect(watcher.socket.drain()).toEqual([
      [72, 1, seen, index],
      [71, 1, index, [['state', 'a', [[actor.session, 5, 0, NUMBER, null]], 1, 0], ['synced']]],
    ]);
    await actor.ask([3, 5]);
    expect(watcher.socket.drain()).toEqual([
      [71, 1, index + 1, [['ended', 'a', actor.session, 5, 'RELEASED', NUMBER]]],
    ]);
  });

  it('that goes away while it is behind leaves nothing behind', async () => {
    const { node, actor, watcher } = await start();
    await watcher.ask(watch(1, 'a', null, true));
    watcher.socket.bufferedBytes = limits.outboxWatchBytes + 1;
    await churn(actor, 1, 2);
    watcher.breaks();
    await node.clock.advance(1_000);
    expect(node.scanCount).toBe(0);
    expect(watcher.socket.closed).toBeNull();
  });

  it('that falls behind while its state is sent gets the whole state again, once', async () => {
    const { node, actor } = await start();
    const meta = { why: 'x'.repeat(1_000) };
    const keyCount = 200;
    for (let first = 1; first <= keyCount; first += 50) {
      await actor.ask(...Array.from({ length: 50 }, (_, i) => acquire(first + i, `key ${first + i}`, { meta })));
    }
    const reader = await node.open({ timeoutMs: 60_000 }, { holdsBytes: true });
    reader.say(watch(1, '**', null, true));
    await node.clock.turn();
    reader.socket.bufferedBytes = limits.outboxWatchBytes + 1;
    await actor.ask([3, 1]);
    const told = reader.socket.drain();
    expect(told.some(([type]) => type === 72)).toBe(false);
    const later: ServerMessage[] = [];
    for (let i = 0; i < 100; i++) {
      reader.socket.take();
      await node.clock.advance(50);
      later.push(...reader.socket.drain());
    }
    expect(later[0]).toEqual([72, 1, node.position - 1, node.position]);
    const states = toldEvents(later).map(([kind, key]) => (kind === 'state' ? key : kind));
    expect(states).toEqual([...Array.from({ length: keyCount - 1 }, (_, i) => `key ${i + 2}`), 'synced']);
  });

  it('still gets its grants and answers', async () => {
    const { actor, watcher } = await start();
    await watcher.ask(watch(1, 'a'));
    watcher.socket.bufferedBytes = limits.outboxWatchBytes + 1;
    await actor.ask(acquire(1, 'a'));
    expect(await watcher.ask(acquire(1, 'b'))).toEqual([[66, 1, NUMBER, null]]);
  });

  it('is not made slow by its own state: events go on while a long one is sent', async () => {
    const { node, actor, watcher } = await start();
    const keyCount = 2_000;
    const meta = { why: 'x'.repeat(200) };
    for (let first = 0; first < keyCount; first += 100) {
      await actor.ask(...Array.from({ length: 100 }, (_, i) => acquire(first + i + 1, `key ${first + i}`, { meta })));
    }
    const reader = await node.open({ timeoutMs: 60_000 }, { holdsBytes: true });
    const told = await reader.ask(watch(1, '**', null, true));
    let number = keyCount;
    for (let i = 0; i < 1_000 && !toldEvents(told).some(([kind]) => kind === 'synced'); i++) {
      number += 1;
      await actor.ask(acquire(number, 'busy'), [3, number]);
      reader.socket.take(20_000);
      await node.clock.advance(10);
      told.push(...reader.socket.drain());
    }
    expect(told.filter(([type]) => type === 72)).toEqual([]);
    expect(toldEvents(told).at(-1)).toEqual(['synced']);
    const keys = toldEvents(told).filter(([kind, key]) => kind === 'state' && key !== 'busy');
    expect(keys).toHaveLength(keyCount);
    expect(watcher.socket.messages).toEqual([]);
  });
});

describe('a step with more events than a message should hold', () => {
  it('comes in several messages, and the position moves with the last one', async () => {
    const { node, actor, watcher } = await start();
    const count = 3_000;
    for (let first = 1; first <= count; first += 500) {
      await actor.ask(...Array.from({ length: 500 }, (_, i) => acquire(first + i, `key ${first + i}`)));
    }
    await watcher.ask(watch(1, '**'));
    const before = node.position;
    actor.breaks();
    await node.clock.turn();
    const { frameBytes } = watcher.socket;
    expect(Math.max(...frameBytes)).toBeLessThanOrEqual(limits.frameBytesTarget);
    const told = watcher.socket.drain();
    const at = positions(told);
    expect(at.length).toBeGreaterThan(1);
    expect(at).toEqual(at.map((_, i) => (i === at.length - 1 ? before + 1 : before)));
    expect(toldEvents(told).map((event) => event[1])).toEqual(Array.from({ length: count }, (_, i) => `key ${i + 1}`));
  });
});

import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../testing/src/index.js';
import { limits } from '../src/limits.js';
import { NUMBER, acquire, eventsOf, positions, toldEvents, watch } from './support/messages.js';
import { TestNode } from './support/node.js';
import { churn, start } from './support/watching.js';

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

import { describe, expect, it } from 'vitest';
import { limits } from '../src/limits.js';
import { NUMBER, acquire, errorCodes, positions, toldEvents, watch } from './support/messages.js';
import { start } from './support/watching.js';

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

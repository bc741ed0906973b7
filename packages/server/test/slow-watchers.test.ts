import { describe, expect, it } from 'vitest';
import type { ServerMessage } from '@holdfast/protocol';
import { limits } from '../src/limits.js';
import { NUMBER, acquire, positions, toldEvents, watch } from './support/messages.js';
import { churn, start } from './support/watching.js';

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
    expect(states.at(-1)).toBe('synced');
    expect(states.slice(0, -1).toSorted()).toEqual(
      Array.from({ length: keyCount - 1 }, (_, i) => `key ${i + 2}`).toSorted(),
    );
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

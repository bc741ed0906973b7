import { describe, expect, it } from 'vitest';
import { limits } from '../src/limits.js';
import { acquire } from './support/messages.js';
import { type Peer, TestNode } from './support/node.js';

/** `count` sessions that wait for `key` behind one more that holds it. */
async function queue(node: TestNode, key: string, count: number, place = true): Promise<[Peer, ...Peer[]]> {
  const holder = await node.open({ timeoutMs: 60_000 });
  await holder.ask(acquire(1, key));
  const waiters: Peer[] = [];
  for (let i = 0; i < count; i++) {
    const peer = await node.open({ timeoutMs: 60_000 });
    peer.say(acquire(1, key, { place }));
    waiters.push(peer);
  }
  await node.clock.turn();
  return [holder, ...waiters];
}

describe('a place in the queue', () => {
  it('is told at once on queueing, to those who asked only', async () => {
    const node = await TestNode.begin();
    const [, first, second] = await queue(node, 'a', 2);
    const silent = await node.open();
    expect(await silent.ask(acquire(1, 'a'))).toEqual([]);
    expect(first?.socket.drain()).toEqual([[67, 1, 1, 1]]);
    expect(second?.socket.drain()).toEqual([[67, 1, 2, 2]]);
    await node.clock.advance(1_000);
    expect(silent.socket.drain()).toEqual([]);
  });

  it('is not told again while it does not change', async () => {
    const node = await TestNode.begin();
    const [, first, second] = await queue(node, 'a', 2);
    first?.socket.drain();
    second?.socket.drain();
    await node.clock.advance(5_000);
    expect(first?.socket.drain()).toEqual([]);
    expect(second?.socket.drain()).toEqual([]);
  });

  it('is told as the queue moves, at most once a round', async () => {
    const node = await TestNode.begin();
    const [, first, second, third, fourth] = await queue(node, 'a', 4);
    const last = fourth;
    last?.socket.drain();
    first?.say([4, 1]);
    second?.say([4, 1]);
    await node.clock.advance(500);
    expect(last?.socket.drain()).toEqual([]);
    await node.clock.advance(500);
    expect(last?.socket.drain()).toEqual([[67, 1, 2, 2]]);
    third?.say([4, 1]);
    await node.clock.advance(999);
    expect(last?.socket.drain()).toEqual([]);
    await node.clock.advance(1);
    expect(last?.socket.drain()).toEqual([[67, 1, 1, 1]]);
  });

  it('is told again to a request that is sent again', async () => {
    const node = await TestNode.begin();
    const [, first] = await queue(node, 'a', 1);
    first?.socket.drain();
    expect(await first?.ask(acquire(1, 'a', { place: true }))).toEqual([[67, 1, 1, 1]]);
  });

  it('is told to a bounded number a round, and everybody gets a turn', async () => {
    const node = await TestNode.begin();
    const keyCount = 30;
    const perKey = 50;
    const holder = await node.open({ timeoutMs: 60_000 });
    const waiter = await node.open({ timeoutMs: 60_000 });
    const names = Array.from({ length: keyCount }, (_, i) => `key ${i}`);
    for (const name of names) await holder.ask(acquire(names.indexOf(name) + 1, name));
    let number = 0;
    for (const name of names) {
      await waiter.ask(...Array.from({ length: perKey }, () => acquire(++number, name, { place: true })));
    }
    // The holder leaves, so every queue moves by one.
    holder.breaks();
    await node.clock.turn();
    waiter.socket.drain();
    const rounds: number[] = [];
    for (let round = 0; round < 3; round++) {
      await node.clock.advance(limits.placesEveryMs);
      rounds.push(waiter.socket.drain().filter(([type]) => type === 67).length);
    }
    expect(rounds).toEqual([limits.placesPerRoundMax, keyCount * (perKey - 1) - limits.placesPerRoundMax, 0]);
  });

  it('is followed for the front of a long queue, and for the rest once they come there', async () => {
    const node = await TestNode.begin();
    const [holder, ...waiters] = await queue(node, 'a', limits.placesPerKeyMax + 2);
    for (const peer of waiters) peer.socket.drain();
    holder.breaks();
    await node.clock.advance(limits.placesEveryMs);
    const told = waiters.map((peer) => peer.socket.drain().filter(([type]) => type === 67));
    expect(told.slice(1, -1)).toEqual(
      Array.from({ length: limits.placesPerKeyMax }, (_, i) => [[67, 1, i + 1, limits.placesPerKeyMax + 1]]),
    );
    expect(told.at(-1)).toEqual([]);
    waiters[0]?.breaks();
    await node.clock.advance(limits.placesEveryMs);
    expect(waiters.at(-1)?.socket.drain()).toEqual([[67, 1, limits.placesPerKeyMax, limits.placesPerKeyMax]]);
  });

  it('of a queue that is over costs no timer', async () => {
    const node = await TestNode.begin();
    const [holder, first] = await queue(node, 'a', 1);
    holder.breaks();
    first?.breaks();
    await node.clock.advance(60_000);
    expect(node.clock.timerCount).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { TestNode } from './support/node.js';
import { acquire, granted } from './support/messages.js';

/** Deadlines share timers: they may be late by this. */
const GRAIN_MS = 25;

describe('pings', () => {
  it('come every third of the time-out and name the last pong that was heard, and when', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ timeoutMs: 3_000 });
    await node.clock.advance(1_000 + GRAIN_MS);
    expect(peer.socket.pings).toEqual([[1, 0, 0]]);
    await node.clock.advance(100);
    const heardMs = node.nowMs();
    peer.pong();
    await node.clock.advance(900 + GRAIN_MS);
    expect(peer.socket.pings.slice(1)).toEqual([[2, 1, heardMs]]);
    await node.clock.advance(1_000 + GRAIN_MS);
    expect(peer.socket.pings.slice(2)).toEqual([[3, 1, heardMs]]);
  });

  it('are not answered by a pong that names none of them', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ timeoutMs: 3_000 });
    await node.clock.advance(1_000 + GRAIN_MS);
    peer.handler.onPong(Uint8Array.of(0x93, 7, 0, 0));
    peer.handler.onPong(Uint8Array.of(1, 2, 3));
    await node.clock.advance(1_000 + GRAIN_MS);
    expect(peer.socket.pings.at(-1)).toEqual([2, 0, 0]);
  });

  it('are accompanied by beats, which name the last probe, for those who asked', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ timeoutMs: 3_000, beats: true });
    const plain = await node.open({ timeoutMs: 3_000 });
    await node.clock.advance(500);
    const heardMs = node.nowMs();
    expect(await peer.ask([9, 41])).toEqual([[74, 41, heardMs]]);
    await node.clock.advance(500 + GRAIN_MS);
    expect(peer.socket.drain()).toEqual([[75, 1, 41, heardMs]]);
    expect(plain.socket.drain()).toEqual([]);
  });

  it('stop when the connection is gone, and begin anew on the next one', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ timeoutMs: 3_000, resumable: true });
    await node.clock.advance(1_000 + GRAIN_MS);
    peer.pong();
    peer.breaks();
    await node.clock.advance(1_100);
    expect(peer.socket.pings).toHaveLength(1);
    const next = node.connect();
    await next.hello(peer.proof);
    await node.clock.advance(1_000 + GRAIN_MS);
    expect(next.socket.pings).toEqual([[1, 0, 0]]);
  });
});

describe('a session that is not heard for its time-out', () => {
  it('ends one time-out after a stall, also when it was heard before the timer noticed the stall', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ timeoutMs: 3_000 });
    node.clock.stall(20_000);
    peer.say([9, 1]);
    await node.clock.advance(2_900);
    expect(node.machine.session(peer.session)).toBeDefined();
    await node.clock.advance(300);
    expect(node.machine.session(peer.session)).toBeUndefined();
  });

  it('ends in one step, its holds are granted on, and its connection is told', async () => {
    const node = await TestNode.begin();
    const silent = await node.open({ timeoutMs: 3_000 });
    const waiter = await node.open({ timeoutMs: 60_000 });
    await silent.ask(acquire(1, 'a'));
    await waiter.ask(acquire(1, 'a'));
    await node.clock.advance(2_999);
    expect(waiter.socket.drain()).toEqual([]);
    await node.clock.advance(1 + 3 * GRAIN_MS);
    expect(waiter.socket.drain()).toEqual([granted(1)]);
    expect(silent.socket.drain()).toEqual([[70, 0, 0, 'SESSION_OVER', 'after-reconnect', expect.any(String)]]);
    expect(silent.socket.closed?.code).toBe(4410);
  });

  it.each([
    ['a frame', (peer: { say: (message: [10] | [7, number]) => void }) => peer.say([7, 1])],
    ['a ping', (peer: { handler: { onPing: () => void } }) => peer.handler.onPing()],
    [
      'a pong',
      (peer: { handler: { onPong: (payload: Uint8Array) => void } }) => peer.handler.onPong(new Uint8Array(0)),
    ],
  ] as const)('is one that sent nothing: %s counts as heard', async (_, sends) => {
    const node = await TestNode.begin();
    const peer = await node.open({ timeoutMs: 3_000 });
    for (let i = 0; i < 5; i++) {
      await node.clock.advance(2_900);
      sends(peer);
    }
    await node.clock.advance(2_900);
    expect(node.machine.sessionCount).toBe(1);
    await node.clock.advance(200);
    expect(node.machine.sessionCount).toBe(0);
  });

  it('is saved by a frame that is read in the poll after the timer', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ timeoutMs: 3_000 });
    await node.clock.advance(2_900);
    node.clock.stall(150);
    node.clock.atPoll(() => peer.say([7, 1]));
    await node.clock.settle();
    expect(node.stalls).toEqual([]);
    await node.clock.advance(2_000);
    expect(node.machine.sessionCount).toBe(1);
  });

  it('hears nothing while its end is under way, and what it asks for is not done', async () => {
    const { log, node } = await TestNode.onScript();
    const peer = await node.open({ timeoutMs: 3_000, beats: true });
    await peer.ask(acquire(1, 'a'));
    const waiter = await node.open({ timeoutMs: 60_000 });
    log.manual();
    await node.clock.advance(3_000 + 3 * GRAIN_MS);
    expect(log.underWay.map(({ commands }) => commands.map(({ type }) => type))).toEqual([['end-session']]);
    peer.socket.drain();
    const { length } = peer.socket.pings;
    peer.say([9, 1], acquire(2, 'b'), [8, 1, 'server', {}]);
    peer.handler.onPong(new Uint8Array(0));
    waiter.say([8, 1, 'server', {}]);
    await node.clock.advance(10_000);
    expect(peer.socket.drain()).toEqual([]);
    expect(peer.socket.pings).toHaveLength(length);
    expect(log.underWay).toHaveLength(1);
    log.automatic();
    await node.clock.turn();
    expect(peer.socket.closed?.code).toBe(4410);
  });

  it('gets no grant of an entry that was under way when its end was proposed', async () => {
    const { log, node } = await TestNode.onScript();
    const peer = await node.open({ timeoutMs: 3_000 });
    log.manual();
    await node.clock.advance(2_900);
    peer.say(acquire(1, 'a'));
    await node.clock.advance(3_200);
    expect(log.underWay).toHaveLength(2);
    log.commit();
    await node.clock.turn();
    expect(node.machine.heldCount).toBe(1);
    expect(peer.socket.drain()).toEqual([]);
  });

  it('lives on when the log did not take its end, and ends a time-out later', async () => {
    const { log, node } = await TestNode.onScript();
    const peer = await node.open({ timeoutMs: 3_000 });
    log.manual();
    await node.clock.advance(3_100);
    log.miss();
    log.automatic();
    await node.clock.turn();
    expect(await peer.ask([9, 1])).toEqual([[74, 1, expect.any(Number)]]);
    await node.clock.advance(2_900);
    expect(node.machine.sessionCount).toBe(1);
    await node.clock.advance(200);
    expect(node.machine.sessionCount).toBe(0);
  });
});

describe('a stall of this process', () => {
  it('of 3 s ends no session whose frames wait in the sockets, and is logged', async () => {
    const node = await TestNode.begin();
    const peers = [];
    for (let i = 0; i < 5; i++) peers.push(await node.open({ timeoutMs: 1_000 }));
    await node.clock.advance(500);
    node.clock.stall(3_000);
    for (const peer of peers) node.clock.atPoll(() => peer.say([7, 1]));
    await node.clock.settle();
    expect(node.machine.sessionCount).toBe(5);
    expect(node.stalls).toHaveLength(1);
    expect(node.stalls[0]).toBeGreaterThan(2_000);
  });

  it('does not count as silence, even of those whose frames come later than the poll', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ timeoutMs: 1_000 });
    await node.clock.advance(500);
    node.clock.stall(3_000);
    await node.clock.settle();
    await node.clock.advance(300);
    expect(node.machine.sessionCount).toBe(1);
    peer.pong();
    await node.clock.advance(900);
    expect(node.machine.sessionCount).toBe(1);
    await node.clock.advance(200);
    expect(node.machine.sessionCount).toBe(0);
  });
});

describe('a node that begins to lead', () => {
  it('gives every session a whole time-out, counted from its own start', async () => {
    const { log, node } = await TestNode.onScript();
    const peer = await node.open({ timeoutMs: 3_000, resumable: true });
    await peer.ask(acquire(1, 'a'));
    await node.clock.advance(2_000);
    node.stop();

    const next = await TestNode.begin({ log, clock: node.clock });
    await node.clock.advance(2_900);
    expect(next.machine.heldCount).toBe(1);
    const again = next.connect();
    const told = await again.hello(peer.proof);
    expect(told).toMatchObject([
      [64, { resumed: true }],
      [65, [[1, 'a', 0, expect.any(Number), null]], [], true],
    ]);
    await node.clock.advance(3_000 + GRAIN_MS);
    expect(next.machine.sessionCount).toBe(0);
  });

  it('ends the sessions that do not come back', async () => {
    const { log, node } = await TestNode.onScript();
    await node.open({ timeoutMs: 3_000, resumable: true });
    await node.open({ timeoutMs: 3_000 });
    node.stop();
    const next = await TestNode.begin({ log, clock: node.clock });
    await node.clock.advance(3_000 + GRAIN_MS);
    expect(next.machine.sessionCount).toBe(0);
  });
});

it('a stopped node has no timers', async () => {
  const node = await TestNode.begin();
  const peer = await node.open({ resumable: true });
  await peer.ask(acquire(1, 'a', { leaseMs: 5_000, place: true }));
  await peer.ask(acquire(2, 'a', { place: true }));
  node.connect();
  node.stop();
  expect(node.clock.timerCount).toBe(0);
});

import { describe, expect, it } from 'vitest';
import type { RestoreMessage, ServerMessage } from '@holdfast/protocol';
import { TestNode } from './support/node.js';
import { acquire, errorCodes, granted } from './support/messages.js';

const SESSION_OVER = [70, 0, 0, 'SESSION_OVER', 'after-reconnect', expect.any(String)];

function welcomed(messages: readonly ServerMessage[]): boolean {
  return messages[0]?.[0] === 64;
}

describe('the end of a connection', () => {
  it.each([1000, 1001, 1005])('by a close frame (%i) ends even a resumable session at once', async (code) => {
    const node = await TestNode.begin();
    const peer = await node.open({ resumable: true });
    const waiter = await node.open();
    await peer.ask(acquire(1, 'a'));
    await waiter.ask(acquire(1, 'a'));
    peer.closes(code);
    await node.clock.turn();
    expect(node.machine.sessionCount).toBe(1);
    expect(waiter.socket.drain()).toEqual([granted(1)]);
  });

  it('by a close frame with 4100 does not end a resumable session, and ends one that is not', async () => {
    const node = await TestNode.begin();
    const resumable = await node.open({ resumable: true });
    const plain = await node.open();
    resumable.closes(4100);
    plain.closes(4100);
    await node.clock.turn();
    expect([...node.machine.sessions()].map(({ id }) => id)).toEqual([resumable.session]);
  });

  it('by a dropped socket ends a session that is not resumable at once', async () => {
    const node = await TestNode.begin();
    const peer = await node.open();
    const waiter = await node.open();
    await peer.ask(acquire(1, 'a'));
    await waiter.ask(acquire(1, 'a'));
    peer.breaks();
    await node.clock.turn();
    expect(waiter.socket.drain()).toEqual([granted(1)]);
  });

  it('leaves a resumable session its time-out, counted from when it was last heard', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ resumable: true, timeoutMs: 3_000 });
    await node.clock.advance(2_000);
    await peer.ask(acquire(1, 'a'));
    await node.clock.advance(1_000);
    peer.breaks();
    await node.clock.advance(1_999);
    expect(node.machine.heldCount).toBe(1);
    await node.clock.advance(1 + 25);
    expect(node.machine.sessionCount).toBe(0);
  });

  it('while its hello is under way leaves no session behind', async () => {
    const { log, node } = await TestNode.onScript();
    log.manual();
    const peer = node.connect();
    peer.say([1, { resumable: true }]);
    peer.breaks();
    await node.clock.turn();
    log.automatic();
    await node.clock.settle();
    expect(node.machine.sessionCount).toBe(0);
    expect(peer.socket.messages).toEqual([]);
  });

  it('by goodbye ends the session and is answered with 1000', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ resumable: true });
    expect(await peer.ask([10])).toEqual([]);
    expect(peer.socket.closed?.code).toBe(1000);
    expect(node.machine.sessionCount).toBe(0);
  });
});

describe('a resume', () => {
  it('brings the whole truth: holds, queued requests with their places, and the numbers to go on from', async () => {
    const node = await TestNode.begin();
    const other = await node.open();
    await other.ask(acquire(1, 'b'));
    const peer = await node.open({ resumable: true });
    await peer.ask(acquire(1, 'a', { leaseMs: 60_000 }), acquire(2, 'b'), acquire(3, 'c', { shared: true }));
    await peer.ask(acquire(4, 'd'), [3, 4]);
    await peer.ask(acquire(5, 'e', { acked: 1 }));
    peer.breaks();
    await node.clock.advance(1_000);
    const next = node.connect();
    const told = await next.hello(peer.proof);
    const facts = { session: peer.session, resumed: true, acked: 1, lastRequest: 5, serverMs: node.nowMs() };
    expect(told).toMatchObject([
      [64, facts],
      [
        65,
        [
          [1, 'a', 0, expect.any(Number), expect.any(Number)],
          [3, 'c', 1, expect.any(Number), null],
          [5, 'e', 0, expect.any(Number), null],
        ],
        [[2, 'b', 0, 1]],
        true,
      ],
    ]);
  });

  it('wins over the older connection, which is closed with 4409 and not heard any more', async () => {
    const node = await TestNode.begin();
    const older = await node.open({ resumable: true });
    const newer = node.connect();
    expect(welcomed(await newer.hello(older.proof))).toBe(true);
    expect(older.socket.drain()).toEqual([[70, 0, 0, 'SESSION_REPLACED', 'never', expect.any(String)]]);
    expect(older.socket.closed?.code).toBe(4409);
    older.say(acquire(1, 'a'));
    older.handler.onCloseFrame(1000);
    older.breaks();
    await node.clock.turn();
    expect(node.machine.heldCount).toBe(0);
    expect(await newer.ask(acquire(1, 'a'))).toEqual([granted(1)]);
  });

  it('replaces the secret; the one it used is valid until a message comes, then not', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ resumable: true });
    const first = peer.proof;
    const second = node.connect();
    expect(welcomed(await second.hello(first))).toBe(true);
    expect(second.secret).not.toEqual(first.secret);
    // The welcome was lost: the client has the old secret only.
    const third = node.connect();
    expect(welcomed(await third.hello(first))).toBe(true);
    third.say([9, 1]);
    await node.clock.turn();
    const thief = node.connect();
    expect(await thief.hello(first)).toEqual([SESSION_OVER]);
    expect(await third.ask([9, 2])).toEqual([[74, 2, expect.any(Number)]]);
    expect(welcomed(await node.connect().hello(third.proof))).toBe(true);
  });

  it('keeps the used secret valid after a pong: a browser sends it though its page has not read the welcome', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ resumable: true });
    const second = node.connect();
    await second.hello(peer.proof);
    await node.clock.advance(2_000);
    second.pong();
    await node.clock.turn();
    expect(welcomed(await node.connect().hello(peer.proof))).toBe(true);
  });

  it('keeps the used secret valid when the log did not take the confirmation, and confirms later', async () => {
    const { log, node } = await TestNode.onScript();
    const peer = await node.open({ resumable: true });
    const second = node.connect();
    await second.hello(peer.proof);
    log.manual();
    second.say([9, 1]);
    await node.clock.turn();
    log.miss();
    log.automatic();
    await node.clock.turn();
    expect(node.machine.session(peer.session)?.olderHashes).not.toBeNull();
    second.say([9, 2]);
    await node.clock.turn();
    expect(node.machine.session(peer.session)?.olderHashes).toBeNull();
  });

  it('with a wrong secret is told SESSION_OVER, and the victim is unharmed', async () => {
    const node = await TestNode.begin();
    const victim = await node.open({ resumable: true });
    await victim.ask(acquire(1, 'a'));
    const thief = node.connect();
    expect(await thief.hello({ session: victim.session, secret: new Uint8Array(16) })).toEqual([SESSION_OVER]);
    expect(thief.socket.closed?.code).toBe(4410);
    expect(victim.socket.closed).toBeNull();
    expect(await victim.ask([9, 1])).toEqual([[74, 1, expect.any(Number)]]);
    expect(node.machine.heldCount).toBe(1);
  });

  it('of a session that never was, or that is not resumable, is told SESSION_OVER', async () => {
    const node = await TestNode.begin();
    const plain = await node.open();
    for (const session of ['nobody', plain.session]) {
      const peer = node.connect();
      expect(await peer.hello({ session, secret: new Uint8Array(16) })).toEqual([SESSION_OVER]);
      expect(peer.socket.closed?.code).toBe(4410);
    }
    expect(plain.socket.closed).toBeNull();
  });

  it('of two rivals in one turn: the later one wins, the other is closed with 4409, neither is left hanging', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ resumable: true });
    const [one, two] = [node.connect(), node.connect()];
    one.say([1, peer.proof]);
    two.say([1, peer.proof]);
    await node.clock.turn();
    expect(errorCodes(one.socket.messages)).toEqual(['SESSION_REPLACED']);
    expect(one.socket.closed?.code).toBe(4409);
    expect(peer.socket.closed?.code).toBe(4409);
    expect(welcomed(two.socket.drain())).toBe(true);
    expect(await two.ask([9, 1])).toEqual([[74, 1, expect.any(Number)]]);
  });

  it('whose connection is gone before it is committed changes nothing for the older one', async () => {
    const { log, node } = await TestNode.onScript();
    const peer = await node.open({ resumable: true });
    log.manual();
    const gone = node.connect();
    gone.say([1, peer.proof]);
    gone.breaks();
    await node.clock.turn();
    log.automatic();
    await node.clock.turn();
    expect(peer.socket.closed).toBeNull();
    expect(await peer.ask([9, 1])).toEqual([[74, 1, expect.any(Number)]]);
    expect(welcomed(await node.connect().hello(peer.proof))).toBe(true);
  });

  it('that comes after the end of the session was proposed is told SESSION_OVER', async () => {
    const { log, node } = await TestNode.onScript();
    const peer = await node.open({ resumable: true });
    log.manual();
    peer.closes(1000);
    const late = node.connect();
    expect(await late.hello(peer.proof)).toEqual([SESSION_OVER]);
    expect(late.socket.closed?.code).toBe(4410);
  });

  it('that the end of the session overtakes in its own step is told SESSION_OVER and not left hanging', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ resumable: true });
    const next = node.connect();
    next.say([1, peer.proof]);
    peer.closes(1000);
    await node.clock.turn();
    expect(next.socket.drain()).toEqual([SESSION_OVER]);
    expect(next.socket.closed?.code).toBe(4410);
    expect(node.machine.sessionCount).toBe(0);
  });

  it('that the end of the session overtakes in a later step is told that it is over', async () => {
    const { log, node } = await TestNode.onScript();
    const peer = await node.open({ resumable: true });
    log.manual();
    const next = node.connect();
    next.say([1, peer.proof]);
    await node.clock.turn();
    peer.closes(1000);
    await node.clock.turn();
    log.automatic();
    await node.clock.settle();
    expect(errorCodes(next.socket.messages)).toEqual(['SESSION_OVER']);
    expect(next.socket.closed?.code).toBe(4410);
    expect(node.machine.sessionCount).toBe(0);
  });

  it('under way counts as heard: a slow log does not end the session', async () => {
    const { log, node } = await TestNode.onScript();
    const peer = await node.open({ resumable: true, timeoutMs: 3_000 });
    peer.breaks();
    await node.clock.advance(2_900);
    log.manual();
    const next = node.connect();
    next.say([1, peer.proof]);
    await node.clock.advance(1_000);
    log.automatic();
    await node.clock.turn();
    expect(welcomed(next.socket.drain())).toBe(true);
    expect(next.socket.closed).toBeNull();
  });

  it('of thousands of requests comes in frames under the bound, and only the final part says so', async () => {
    const node = await TestNode.begin();
    const other = await node.open();
    const peer = await node.open({ resumable: true });
    const count = 5_000;
    const name = (number: number): string => `${number}/${'k'.repeat(1_000)}`;
    await other.ask(acquire(1, name(0)));
    for (let first = 1; first <= count; first += 50) {
      const requests = Array.from({ length: 50 }, (_, i) => first + i);
      await peer.ask(...requests.map((number) => acquire(number, number % 10 === 0 ? name(0) : name(number))));
    }
    peer.breaks();
    const next = node.connect();
    next.say([1, peer.proof]);
    await node.clock.turn();
    expect(Math.max(...next.socket.frameBytes)).toBeLessThanOrEqual(1_048_576);
    const restores = next.socket.messages.filter((message): message is RestoreMessage => message[0] === 65);
    expect(restores.length).toBeGreaterThan(1);
    expect(restores.map(([, , , last]) => last)).toEqual(restores.map((_, i) => i === restores.length - 1));
    const holds = restores.flatMap(([, held]) => held.map(([number, key]) => [number, key]));
    const queued = restores.flatMap(([, , waiting]) => waiting.map(([number, , , place]) => [number, place]));
    const numbers = Array.from({ length: count }, (_, i) => i + 1);
    expect(holds).toEqual(numbers.filter((number) => number % 10 !== 0).map((number) => [number, name(number)]));
    expect(queued).toEqual(numbers.filter((number) => number % 10 === 0).map((number, i) => [number, i + 1]));
  });
});

describe('a hello', () => {
  it('that the log did not take is told so, and its connection closed', async () => {
    const { log, node } = await TestNode.onScript();
    log.manual();
    const peer = node.connect();
    peer.say([1, {}]);
    await node.clock.turn();
    log.miss();
    await node.clock.turn();
    expect(peer.socket.drain()).toEqual([[70, 0, 0, 'UNAVAILABLE', 'same-request', expect.any(String)]]);
    expect(peer.socket.closed).not.toBeNull();
    expect(node.machine.sessionCount).toBe(0);
  });

  it('beyond the limit of sessions is told OVERLOADED', async () => {
    const node = await TestNode.begin({ limits: { sessionsMax: 1, requestsPerSessionMax: 10, queueLengthMax: 10 } });
    await node.open();
    const peer = node.connect();
    expect(errorCodes(await peer.hello())).toEqual(['OVERLOADED']);
    expect(peer.socket.closed?.code).toBe(4503);
  });
});

import { describe, expect, it } from 'vitest';
import { type ClientMessage, encodeFrame } from '@holdfast/protocol';
import { limits } from '../src/limits.js';
import { acquire, errorCodes, granted, query, released } from './support/messages.js';
import { TestNode } from './support/node.js';

const BAD = [70, 0, 0, 'BAD_MESSAGE', 'never', expect.any(String)];

describe('the first frame', () => {
  it('is a hello, and is answered by a welcome with everything a client needs', async () => {
    const node = await TestNode.begin();
    const peer = node.connect();
    const told = await peer.hello({ client: 'demo', resumable: true, timeoutMs: 6_000 });
    const bounds = { requests: 10_000, watches: 100, keyBytes: 1_024, frameBytes: 65_536 };
    expect(told).toMatchObject([
      [
        64,
        {
          resumed: false,
          timeoutMs: 6_000,
          pingMs: 2_000,
          acked: 0,
          lastRequest: 0,
          node: 'n1',
          term: 1,
          limits: bounds,
        },
      ],
    ]);
    expect(peer.secret).toHaveLength(16);
    expect(node.machine.session(peer.session)).toMatchObject({ client: 'demo', timeoutMs: 6_000, resumable: true });
  });

  it('gives no secret to a session that is not resumable', async () => {
    const node = await TestNode.begin();
    const [welcome] = await node.connect().hello();
    expect(welcome?.[1]).not.toHaveProperty('secret');
  });

  it.each<[string, ClientMessage[]]>([
    ['another message', [[9, 1]]],
    [
      'a hello with something behind it',
      [
        [1, {}],
        [9, 1],
      ],
    ],
    [
      'two hellos',
      [
        [1, {}],
        [1, {}],
      ],
    ],
  ])('that is %s closes the connection with 4400, after an error', async (_, frame) => {
    const node = await TestNode.begin();
    const peer = node.connect();
    peer.say(...frame);
    await node.clock.turn();
    expect(peer.socket.drain()).toEqual([BAD]);
    expect(peer.socket.closed?.code).toBe(4400);
    // Nothing of it reached the log: there is the entry that began the term.
    expect(node.machine.index).toBe(1);
  });

  it('is followed by nothing until the welcome', async () => {
    const { log, node } = await TestNode.onScript();
    log.manual();
    const peer = node.connect();
    peer.say([1, {}]);
    await node.clock.turn();
    peer.say([9, 1]);
    expect(peer.socket.drain()).toEqual([BAD]);
    expect(peer.socket.closed?.code).toBe(4400);
    log.automatic();
    await node.clock.settle();
    expect(node.machine.sessionCount).toBe(0);
  });

  it('is not repeated: a later hello closes the connection with 4400', async () => {
    const node = await TestNode.begin();
    const peer = await node.open();
    expect(await peer.ask([1, {}])).toEqual([BAD]);
    expect(peer.socket.closed?.code).toBe(4400);
    expect(node.machine.sessionCount).toBe(0);
  });

  it('comes within 5 s, else the connection is closed with 4408', async () => {
    const node = await TestNode.begin();
    const silent = node.connect();
    await node.clock.advance(2_000);
    const later = node.connect();
    await node.clock.advance(2_999);
    expect(silent.socket.closed).toBeNull();
    await node.clock.advance(1);
    expect(silent.socket.drain()).toEqual([[70, 0, 0, 'HELLO_TIMEOUT', 'after-reconnect', expect.any(String)]]);
    expect(silent.socket.closed?.code).toBe(4408);
    expect(later.socket.closed).toBeNull();
    await node.clock.advance(2_000);
    expect(later.socket.closed?.code).toBe(4408);
    expect(node.connections.size).toBe(0);
  });

  it('that waits in its socket when this process stalled is in time', async () => {
    const node = await TestNode.begin();
    const peer = node.connect();
    node.clock.stall(10_000);
    node.clock.atPoll(() => peer.say([1, {}]));
    await node.clock.settle();
    expect(peer.socket.closed).toBeNull();
    expect(node.machine.sessionCount).toBe(1);
  });

  it('of newcomers is never kept out by silent sockets: the oldest of those go', async () => {
    const node = await TestNode.begin();
    const greeted = await node.open();
    const silent = Array.from({ length: limits.newConnectionsMax }, () => node.connect());
    expect(silent.every(({ socket }) => socket.closed === null)).toBe(true);
    const newcomers = [node.connect(), node.connect()];
    expect(silent.slice(0, 3).map(({ socket }) => socket.closed?.code)).toEqual([4408, 4408, undefined]);
    for (const peer of newcomers) expect((await peer.hello())[0]?.[0]).toBe(64);
    expect(greeted.socket.closed).toBeNull();
  });
});

describe('a frame that is not of the protocol', () => {
  it('closes the connection with 4400, after an error', async () => {
    const node = await TestNode.begin();
    const malformed = [
      Uint8Array.of(),
      Uint8Array.of(0x90),
      Uint8Array.of(0xc1),
      Uint8Array.of(0x91, 0x91, 0x63),
      Uint8Array.of(...encodeFrame([[9, 1]]), 0),
    ];
    for (const bytes of malformed) {
      const peer = await node.open();
      peer.handler.onFrame(bytes);
      expect(peer.socket.drain()).toEqual([BAD]);
      expect(peer.socket.closed?.code).toBe(4400);
    }
    await node.clock.turn();
    expect(node.machine.sessionCount).toBe(0);
  });

  it('is a dropped connection for a resumable session', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ resumable: true });
    peer.handler.onFrame(Uint8Array.of(0xc1));
    await node.clock.turn();
    expect(node.machine.sessionCount).toBe(1);
    expect((await node.connect().hello(peer.proof))[0]?.[0]).toBe(64);
  });

  it('does nothing of what it holds, not even the part before the fault', async () => {
    const node = await TestNode.begin();
    const peer = await node.open({ resumable: true });
    const good = encodeFrame([acquire(1, 'a'), [9, 1]]);
    peer.handler.onFrame(good.subarray(0, good.length - 1));
    await node.clock.turn();
    expect(node.machine.heldCount).toBe(0);
  });

  it('that is text closes the connection with 1003', async () => {
    const node = await TestNode.begin();
    const peer = await node.open();
    peer.handler.onText();
    await node.clock.turn();
    expect(peer.socket.closed?.code).toBe(1003);
    expect(node.machine.sessionCount).toBe(0);
  });
});

describe('messages of a frame', () => {
  it('are handled in order, and answered in one frame', async () => {
    const node = await TestNode.begin();
    const peer = await node.open();
    peer.say(acquire(1, 'a'), [3, 1], acquire(2, 'a'), [4, 9]);
    await node.clock.turn();
    expect(peer.socket.frames).toEqual([
      [granted(1), released(1, 1), granted(2), [70, 4, 9, 'NOT_HELD', 'never', expect.any(String)]],
    ]);
  });

  it('after a goodbye are not handled', async () => {
    const node = await TestNode.begin();
    const peer = await node.open();
    const other = await node.open();
    await peer.ask([10], acquire(1, 'a'));
    expect(await other.ask(acquire(1, 'a'))).toEqual([granted(1)]);
  });

  it('that the log did not take are answered with UNAVAILABLE, each by its type and number', async () => {
    const { log, node } = await TestNode.onScript();
    const peer = await node.open();
    log.manual();
    peer.say(acquire(1, 'a'), [3, 2], [4, 3], [5, 4, null], [11, 5, 'a', null, '']);
    await node.clock.turn();
    log.miss();
    await node.clock.turn();
    const told = peer.socket.drain();
    expect(told).toEqual(
      [2, 3, 4, 5, 11].map((type, i) => [70, type, i + 1, 'UNAVAILABLE', 'same-request', expect.any(String)]),
    );
  });

  it('sent again are recognised, and nothing happens twice', async () => {
    const node = await TestNode.begin();
    const peer = await node.open();
    const [granted] = await peer.ask(acquire(1, 'a'));
    expect(await peer.ask(acquire(1, 'a'))).toEqual([granted]);
    const ended = await peer.ask([3, 1]);
    expect(await peer.ask([3, 1])).toEqual(ended);
    expect(await peer.ask(acquire(1, 'a'))).toEqual(ended);
    expect(errorCodes(await peer.ask(acquire(2, 'a', { acked: 1 }), acquire(1, 'a')))).toEqual(['REQUEST_SPENT']);
  });
});

describe('a node that drains', () => {
  it('tells everybody, refuses hellos with 4503 and acquires with DRAINING, and goes on with the rest', async () => {
    const node = await TestNode.begin();
    const peer = await node.open();
    await peer.ask(acquire(1, 'a'));
    const late = node.connect();
    void node.drain(5_000);
    await node.clock.turn();
    expect(peer.socket.drain()).toEqual([[76, { reason: 'DRAINING', urls: [], delayMs: 1_000 }]]);
    late.socket.drain();
    expect(errorCodes(await late.hello())).toEqual(['DRAINING']);
    expect(late.socket.closed?.code).toBe(4503);
    expect(await peer.ask(acquire(2, 'b'))).toEqual([[70, 2, 2, 'DRAINING', 'after-reconnect', expect.any(String)]]);
    expect(await peer.ask([5, 1, 500])).toEqual([[69, 1, expect.any(Number)]]);
    expect(await peer.ask([3, 1])).toEqual([released(1, 1)]);
  });
});

it('a fault of the server closes the one connection that met it with 4500, and is reported', async () => {
  const node = await TestNode.begin();
  const peer = await node.open();
  const other = await node.open();
  Object.defineProperty(node.machine, 'key', {
    value: () => {
      throw new Error('a fault');
    },
  });
  expect(errorCodes(await peer.ask(query(1, 'key', { key: 'a' })))).toEqual(['INTERNAL']);
  expect(peer.socket.closed?.code).toBe(4500);
  expect(node.faults).toHaveLength(1);
  expect(await other.ask([9, 1])).toEqual([[74, 1, expect.any(Number)]]);
});

it('force ends the holds of a key, tells the holder by whom and why, and answers with their number', async () => {
  const node = await TestNode.begin();
  const holder = await node.open();
  const operator = await node.open();
  await holder.ask(acquire(1, 'a'));
  expect(await operator.ask([11, 7, 'a', null, 'stuck'])).toEqual([[73, 7, [{ ended: 1 }], false]]);
  expect(holder.socket.drain()).toEqual([[68, 1, 1, 'REVOKED', { by: operator.session, reason: 'stuck' }]]);
});

import { describe, expect, it } from 'vitest';
import type { ServerMessage } from '@holdfast/protocol';
import { FakeSocket, VirtualClock } from '../../testing/src/index.js';
import { Flusher } from '../src/delivery/flusher.js';
import { Outbox } from '../src/delivery/outbox.js';
import { limits } from '../src/limits.js';
import { acquire, granted, released } from './support/messages.js';
import { TestNode } from './support/node.js';

function slowOutbox(): { clock: VirtualClock; socket: FakeSocket; outbox: Outbox } {
  const clock = new VirtualClock();
  const socket = new FakeSocket({ holdsBytes: true });
  const outbox = new Outbox(socket, new Flusher(() => clock.nowMs()));
  return { clock, socket, outbox };
}

/** A message of a little more than `bytes`. */
function large(bytes: number): ServerMessage {
  return [70, 0, 0, 'INTERNAL', 'never', 'x'.repeat(bytes)];
}

describe('a turn', () => {
  it('is one frame a connection, whatever was said in it', async () => {
    const node = await TestNode.begin();
    const peer = await node.open();
    const other = await node.open();
    peer.say(acquire(1, 'a'), acquire(2, 'b'));
    other.say(acquire(1, 'b'), acquire(2, 'c'));
    await node.clock.turn();
    expect(peer.socket.frames).toEqual([[granted(1), granted(2)]]);
    expect(other.socket.frames).toEqual([[granted(2)]]);
    peer.socket.drain();
    other.socket.drain();
    peer.say([3, 2]);
    await node.clock.turn();
    expect(peer.socket.frames).toEqual([[released(2, 1)]]);
    expect(other.socket.frames).toEqual([[granted(1)]]);
  });

  it('sends the frames with grants first', async () => {
    const node = await TestNode.begin();
    const order: string[] = [];
    const noting = (name: string): { onSend: () => void } => ({ onSend: () => void order.push(name) });
    const holder = await node.open({}, noting('holder'));
    const waiter = await node.open({}, noting('waiter'));
    await holder.ask(acquire(1, 'a'));
    await waiter.ask(acquire(1, 'a'));
    order.length = 0;
    await holder.ask([3, 1]);
    expect(order).toEqual(['waiter', 'holder']);
  });

  it('with more than a frame should hold is split, in order, under the bounds', async () => {
    const { clock, socket, outbox } = slowOutbox();
    const texts = Array.from({ length: 40 }, (_, i) => `${i}`.padStart(20_000, '.'));
    for (const text of texts) outbox.push([70, 0, 0, 'INTERNAL', 'never', text], 20_100);
    for (let i = 0; i < 3_000; i++) outbox.push([74, i, 0]);
    await clock.turn();
    expect(Math.max(...socket.frameBytes)).toBeLessThanOrEqual(limits.frameBytesTarget);
    expect(Math.max(...socket.frames.map(({ length }) => length))).toBeLessThanOrEqual(limits.frameMessagesTarget);
    const told = socket.drain();
    expect(told.slice(0, 40).map((message) => message[5])).toEqual(texts);
    expect(told.slice(40).map((message) => message[1])).toEqual(Array.from({ length: 3_000 }, (_, i) => i));
  });
});

describe('a reader that does not read', () => {
  it('is cut off when too many bytes wait for it', async () => {
    const { clock, socket, outbox } = slowOutbox();
    for (let i = 0; i < 100 && !outbox.closed; i++) {
      outbox.push(large(100_000), 100_100);
      await clock.turn();
    }
    expect(outbox.closed).toBe(true);
    expect(socket.closed?.code).toBe(4413);
    expect(socket.terminated).toBe(true);
    expect(socket.bufferedBytes).toBeLessThanOrEqual(limits.outboxBytesMax + 2 * 100_100);
  });

  it('is cut off when too many bytes wait for it, also if it takes a few of them now and then', async () => {
    const { clock, socket, outbox } = slowOutbox();
    for (let i = 0; i < 100 && !outbox.closed; i++) {
      outbox.push(large(100_000), 100_100);
      await clock.advance(100);
      socket.take(1_000);
    }
    expect(outbox.closed).toBe(true);
    expect(socket.bufferedBytes).toBeLessThanOrEqual(limits.outboxBytesMax + 2 * 100_100);
  });

  it('is not cut off for one turn that says more than the bound, as a restore may, and that it then reads', async () => {
    const { clock, socket, outbox } = slowOutbox();
    for (let i = 0; i < 30; i++) outbox.push(large(100_000), 100_100);
    await clock.turn();
    for (let i = 0; i < 30; i++) {
      socket.take(100_000);
      outbox.push([74, i, 0]);
      await clock.advance(1_000);
    }
    expect(outbox.closed).toBe(false);
  });

  it('is cut off when it takes nothing for a while', async () => {
    const { clock, socket, outbox } = slowOutbox();
    outbox.push(large(1_000), 1_100);
    await clock.advance(limits.outboxStuckMs);
    outbox.push([74, 1, 0]);
    await clock.turn();
    expect(outbox.closed).toBe(false);
    await clock.advance(1);
    outbox.push([74, 2, 0]);
    await clock.turn();
    expect(socket.closed?.code).toBe(4413);
    expect(socket.terminated).toBe(true);
  });

  it('is cut off at a ping, when there is nothing else to say to it', async () => {
    const { clock, socket, outbox } = slowOutbox();
    outbox.push(large(300_000), 300_100);
    await clock.advance(limits.outboxStuckMs + 1);
    outbox.ping(Uint8Array.of(0x93, 1, 0, 0));
    await clock.turn();
    expect(socket.terminated).toBe(true);
    expect(socket.pings).toEqual([]);
  });

  it('is not cut off while it reads slowly', async () => {
    const { clock, socket, outbox } = slowOutbox();
    for (let i = 0; i < 100; i++) {
      outbox.push(large(10_000), 10_100);
      await clock.advance(limits.outboxStuckMs - 1);
      socket.take(1);
    }
    expect(outbox.closed).toBe(false);
  });

  it('is not blamed for the time in which nothing was said', async () => {
    const { clock, socket, outbox } = slowOutbox();
    outbox.push([74, 1, 0]);
    await clock.turn();
    socket.take();
    await clock.advance(3_600_000);
    outbox.push(large(1_000), 1_100);
    await clock.turn();
    expect(outbox.closed).toBe(false);
    outbox.push([74, 2, 0]);
    await clock.turn();
    expect(outbox.closed).toBe(false);
  });

  it('is congested by what this turn has still to send, too', () => {
    const { outbox } = slowOutbox();
    for (let i = 0; i < 30; i++) outbox.push(large(10_000), 10_100);
    expect(outbox.congested).toBe(true);
  });

  it('gets no pings behind the bytes that it has not read', () => {
    const { socket, outbox } = slowOutbox();
    socket.bufferedBytes = limits.outboxWatchBytes + 1;
    outbox.ping(Uint8Array.of(0x93, 1, 0, 0));
    expect(socket.pings).toEqual([]);
    socket.take();
    outbox.ping(Uint8Array.of(0x93, 1, 0, 0));
    expect(socket.pings).toEqual([[1, 0, 0]]);
  });

  it('costs the others nothing', async () => {
    const node = await TestNode.begin();
    const slow = await node.open();
    const other = await node.open();
    slow.socket.bufferedBytes = 10 * limits.outboxBytesMax;
    await slow.ask([9, 1]);
    expect(slow.socket.terminated).toBe(true);
    expect(await other.ask(acquire(1, 'a'))).toEqual([granted(1)]);
  });
});

describe('after the close', () => {
  it('nothing is sent, and the last error goes out before it with everything said earlier', async () => {
    const { clock, socket, outbox } = slowOutbox();
    outbox.push([74, 1, 0]);
    outbox.close(4400, 'BAD_MESSAGE', [70, 0, 0, 'BAD_MESSAGE', 'never', 'text']);
    expect(socket.messages).toEqual([
      [74, 1, 0],
      [70, 0, 0, 'BAD_MESSAGE', 'never', 'text'],
    ]);
    expect(socket.closed?.code).toBe(4400);
    outbox.push([74, 2, 0]);
    outbox.pushGrant([66, 1, 1]);
    outbox.ping(Uint8Array.of(0x93, 1, 0, 0));
    outbox.close(1000, 'again');
    await clock.settle();
    expect(socket.messages).toHaveLength(2);
    expect(socket.closed?.code).toBe(4400);
  });
});

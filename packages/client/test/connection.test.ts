import { describe, expect, test } from 'vitest';
import type { ClientMessage, ServerMessage, WelcomeFacts } from '@holdfast/protocol';
import { FRAME_BYTES_MAX } from '@holdfast/protocol';
import type { ConnectionEnd, ConnectionEvents } from '../src/connection.js';
import { Connection } from '../src/connection.js';
import { FakeNetwork } from './support/fake-socket.js';
import { Scenario } from './support/scenario.js';
import { VirtualClock, settle } from './support/virtual-clock.js';

class Recorder implements ConnectionEvents {
  readonly frames: (readonly ServerMessage[])[] = [];
  readonly ends: [ConnectionEnd, boolean][] = [];
  helloMs: number | null = null;

  hello(beats: boolean) {
    return { beats };
  }
  welcomed(_facts: WelcomeFacts, helloMs: number): void {
    this.helloMs = helloMs;
  }
  frame(messages: readonly ServerMessage[]): void {
    this.frames.push(messages);
  }
  pinged(): void {}
  ended(end: ConnectionEnd, wasOpen: boolean): void {
    this.ends.push([end, wasOpen]);
  }
}

function connect(limits?: Partial<WelcomeFacts['limits']>) {
  const clock = new VirtualClock();
  const network = new FakeNetwork(clock);
  const events = new Recorder();
  const connection = new Connection('ws://one', network.dial, clock, events);
  const socket = network.latest;
  const welcome = new Scenario().welcome({
    limits: { requests: 1, watches: 1, keyBytes: 1_024, frameBytes: FRAME_BYTES_MAX, ...limits },
  });
  return { clock, events, connection, socket, welcome };
}

const release = (number: number): ClientMessage => [3, number];
const acquire = (number: number): ClientMessage => [2, number, 0, 'k'.repeat(1_000), 0, null, null, 0, null];

describe('a connection', () => {
  test('says hello and then nothing until the welcome', async () => {
    const { connection, socket, welcome, events, clock } = connect();
    connection.send(release(1));
    socket.open();
    await clock.advance(5);
    connection.send(release(2));
    await settle();
    expect(socket.frames).toHaveLength(1);
    socket.say(welcome, [66, 1, 10]);
    expect(events.helloMs).toBe(clock.nowMs() - 5);
    expect(events.frames).toEqual([[[66, 1, 10, null]]]);
    connection.send(release(3));
    await settle();
    expect(socket.frames.slice(1)).toEqual([[release(3)]]);
  });

  test('splits what is too many messages for a frame', async () => {
    const { connection, socket, welcome } = connect();
    socket.open();
    socket.say(welcome);
    for (let i = 1; i <= 10_000; i++) connection.send(release(i));
    await settle();
    const frames = socket.frames.slice(1);
    expect(frames.map((frame) => frame.length)).toEqual([4_096, 4_096, 1_808]);
    expect(frames.flat()).toEqual(Array.from({ length: 10_000 }, (_, i) => release(i + 1)));
  });

  test.each([FRAME_BYTES_MAX, 4_000])(
    'splits what is too long for a frame of %i bytes, in order',
    async (frameBytes) => {
      const { connection, socket, welcome } = connect({ frameBytes });
      socket.open();
      socket.say(welcome);
      for (let i = 1; i <= 300; i++) connection.send(acquire(i));
      await settle();
      expect(Math.max(...socket.frameBytes.slice(1))).toBeLessThanOrEqual(frameBytes);
      expect(
        socket.frames
          .slice(1)
          .flat()
          .map((message) => message[1]),
      ).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    },
  );

  test('the send time is that of the first message of the turn', async () => {
    const { connection, socket, welcome, clock } = connect();
    socket.open();
    socket.say(welcome);
    const firstMs = clock.nowMs();
    connection.send(release(1));
    clock.stall(50);
    expect(connection.sendTimeMs()).toBe(firstMs);
    await settle();
    expect(connection.sendTimeMs()).toBe(firstMs + 50);
  });

  test('a close sends what was said in its turn first, and calls nothing back any more', async () => {
    const { connection, socket, welcome, events, clock } = connect();
    socket.open();
    socket.say(welcome);
    connection.send(release(1));
    connection.close(4100);
    expect(socket.frames.at(-1)).toEqual([release(1)]);
    expect(socket.closedWith).toBe(4100);
    socket.say([66, 1, 1]);
    socket.ping(1, 0, 0);
    socket.text();
    await clock.advance(1_000);
    expect(socket.isTerminated).toBe(true);
    expect([events.frames, events.ends]).toEqual([[], []]);
  });

  test('tells its end once, and whether there had been a welcome', () => {
    const early = connect();
    early.socket.open();
    early.socket.drop(1006, 'refused');
    expect(early.events.ends).toEqual([[{ code: 1006, reason: 'refused', cause: undefined }, false]]);
    const late = connect();
    late.socket.open();
    late.socket.say(late.welcome);
    late.socket.bytes(new Uint8Array([1, 2, 3]));
    late.socket.drop();
    expect(late.events.ends).toHaveLength(1);
    expect(late.events.ends[0]).toMatchObject([{ code: 1002 }, true]);
  });

  test('a ping before the welcome and one that is not ours are answered by the socket and otherwise ignored', () => {
    const { socket, events } = connect();
    socket.open();
    socket.ping(1, 0, 0);
    expect(events.ends).toEqual([]);
  });
});

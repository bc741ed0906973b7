import { describe, expect, test } from 'vitest';
import { FIRST_DEADLINE_MS, T, scenario } from './support/scenario.js';
import { settle } from './support/virtual-clock.js';

describe('keeping fresh', () => {
  test('each ping is answered by a probe while something is held or waited for, and by none otherwise', async () => {
    const s = await scenario();
    s.ping();
    await settle();
    expect(s.socket.take()).toEqual([]);
    const acquiring = s.client.acquire('k');
    await settle();
    s.ping();
    await settle();
    expect(s.socket.take()).toEqual([
      [2, 1, 0, 'k', 0, null, null, 0, null],
      [9, 1],
    ]);
    s.socket.say([66, 1, 10]);
    const lock = await acquiring;
    s.ping();
    await settle();
    expect(s.socket.take()).toEqual([[9, 2]]);
    void lock.release();
    await settle();
    s.socket.say([68, 1, 1]);
    s.socket.take();
    s.ping();
    await settle();
    expect(s.socket.take()).toEqual([]);
  });

  test('a pong counts from when it was sent, once a later ping names it', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    await s.clock.advance(1_000);
    s.socket.ping(1, 0, 0);
    await s.clock.advance(1_000);
    expect(lock.validForMs()).toBe(FIRST_DEADLINE_MS - 2_000);
    s.socket.ping(2, 1, s.serverMs - 1_000);
    expect(lock.validForMs()).toBe(FIRST_DEADLINE_MS - 1_000);
  });

  test('a grant on old knowledge is followed by a probe at once', async () => {
    const s = await scenario();
    const acquiring = s.client.acquire('k');
    await settle();
    s.socket.take();
    await s.clock.advance(T / 3 + 1);
    s.socket.say([66, 1, 10]);
    await acquiring;
    expect(s.socket.take()).toEqual([[9, 1]]);
  });

  test('a grant on fresh knowledge is not', async () => {
    const s = await scenario();
    await s.hold('k', 10);
    await settle();
    expect(s.socket.take()).toEqual([]);
  });

  test('a lock lives as long as pings and probes go round', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    await s.live(20 * T);
    expect(lock.isHeld()).toBe(true);
    expect(lock.validForMs()).toBeGreaterThan(T / 2);
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'a client that is stopped for almost half a session time-out keeps its lock (begun %i tenths of a ping into the cycle)',
    async (tenths) => {
      const s = await scenario();
      const lock = await s.hold('k', 10);
      await s.live(2 * T);
      await s.clock.advance((tenths / 10) * (T / 3));
      s.clock.stall(T / 2 - 1);
      // What the program does first after the stop: its overdue timers run, then the socket is read.
      await s.clock.advance(0);
      s.ping();
      await settle();
      s.answerProbes();
      expect(lock.isHeld()).toBe(true);
      await s.live(T);
      expect(lock.isHeld()).toBe(true);
    },
  );

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'a service that stalls for 3 s with a time-out of 5 s costs no lock and no place (begun %i tenths of a ping into the cycle)',
    async (tenths) => {
      const s = await scenario();
      const lock = await s.hold('k', 10);
      const waiting = s.client.acquire('other');
      await s.live(2 * T);
      await s.clock.advance((tenths / 10) * (T / 3));
      await s.clock.advance(3_000);
      expect(lock.isHeld()).toBe(true);
      s.socket.say([66, 2, 11]);
      s.ping();
      await settle();
      s.answerProbes();
      expect((await waiting).token).toBe(11);
      await s.live(T);
      expect(lock.isHeld()).toBe(true);
    },
  );

  test('without pings in sight the service is asked for beats, and each is answered by a probe', async () => {
    const s = await scenario({ seesPings: false });
    expect(s.socket.frames[0]).toMatchObject([[1, { beats: true }]]);
    const lock = await s.hold('k', 10);
    await s.clock.advance(1_500);
    s.socket.say([75, 1, 0, 0]);
    await settle();
    expect(s.socket.take()).toEqual([[9, 1]]);
    await s.clock.advance(1_500);
    s.socket.say([75, 2, 1, s.serverMs - 1_500]);
    expect(lock.validForMs()).toBe(FIRST_DEADLINE_MS - 1_500);
  });

  test('beats are not asked for when pings are seen', async () => {
    const s = await scenario();
    expect(s.socket.frames[0]).toMatchObject([[1, { beats: false }]]);
  });
});

describe('what counts as heard', () => {
  test('an answer to a repeated acquire proves only the first sending: it may be the answer to that one', async () => {
    const s = await scenario();
    const lock = await s.hold('held', 9);
    const acquiring = s.client.acquire('k');
    await settle();
    await s.clock.advance(2_000);
    await s.breakAndRedial();
    const helloMs = s.clock.nowMs();
    await s.clock.advance(200);
    s.socket.say(s.welcome({ resumed: true, secret: new Uint8Array(16) }), [
      65,
      [[1, 'held', 0, 9, null]],
      [[2, 'k', 0, 1]],
      true,
    ]);
    await settle();
    await s.clock.advance(1_000);
    expect(s.socket.take().map(([type]) => type)).toEqual([1, 2]);
    s.socket.say([66, 2, 10]);
    await acquiring;
    expect(lock.validForMs()).toBe(FIRST_DEADLINE_MS - (s.clock.nowMs() - helloMs));
  });

  test('a number that was never sent proves nothing', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    await s.clock.advance(1_000);
    s.socket.say([74, 99, s.serverMs]);
    s.socket.ping(7, 6, s.serverMs);
    expect(lock.validForMs()).toBe(FIRST_DEADLINE_MS - 1_000);
  });

  test('pings and probes of an earlier connection prove nothing on the next', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    s.socket.ping(1, 0, 0);
    await s.breakAndRedial();
    const helloMs = s.clock.nowMs();
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'k', 0, 10, null]], [], true]);
    await s.clock.advance(500);
    s.socket.ping(1, 0, 0);
    await s.clock.advance(500);
    s.socket.ping(2, 0, 0);
    expect(lock.validForMs()).toBe(FIRST_DEADLINE_MS - (s.clock.nowMs() - helloMs));
  });
});

test('an idle client sets no guard timer', async () => {
  const s = await scenario();
  const lock = await s.hold('k', 10);
  void lock.release();
  await settle();
  s.socket.say([68, 1, 1]);
  await s.clock.advance(T / 20);
  // The one that looks for silence.
  expect(s.clock.timerCount).toBe(1);
});

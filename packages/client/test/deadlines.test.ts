import { describe, expect, test } from 'vitest';
import { LockLostError } from '../src/errors.js';
import { SERVER_AHEAD_MS, T, peek, quiet, scenario } from './support/scenario.js';
import { settle } from './support/virtual-clock.js';

const MARGIN = T / 50;
const FIRST_DEADLINE = T - MARGIN;

describe('the session deadline', () => {
  test('is counted from the send time of what is known to have been heard, not from its answer', async () => {
    const s = await scenario();
    const acquiring = s.client.acquire('k');
    await settle();
    await s.clock.advance(400);
    s.socket.say([66, 1, 10]);
    const lock = await acquiring;
    expect(lock.validForMs()).toBe(FIRST_DEADLINE - 400);
  });

  test('when it passes, the lock is lost with DEADLINE, its signal aborts and the service is told to release', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const { signal } = lock;
    const states: string[] = [];
    lock.on('state', (state) => states.push(state));
    await s.clock.advance(FIRST_DEADLINE - 1);
    expect(lock.isHeld()).toBe(true);
    expect(signal.aborted).toBe(false);
    await s.clock.advance(1);
    expect(states).toEqual(['lost']);
    expect(signal.reason).toBeInstanceOf(LockLostError);
    expect(signal.reason).toMatchObject({ why: 'DEADLINE', token: 10 });
    expect(s.socket.take()).toEqual([[3, 1]]);
    s.socket.say([68, 1, 1]);
    expect((await s.hold('k', 11)).isHeld()).toBe(true);
  });

  test('the abort comes from a timer, without anybody asking', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    let aborted = false;
    lock.signal.addEventListener('abort', () => (aborted = true));
    await s.clock.advance(FIRST_DEADLINE);
    expect(aborted).toBe(true);
  });

  test('whoever asks after a stall is told of the loss before any timer has run', async () => {
    const questions: [string, (lock: Awaited<ReturnType<typeof held>>['lock']) => unknown, unknown][] = [
      ['isHeld()', (lock) => lock.isHeld(), false],
      ['validForMs()', (lock) => lock.validForMs(), 0],
      ['state', (lock) => lock.state, 'lost'],
      ['reason', (lock) => lock.reason?.why, 'DEADLINE'],
      ['signal.aborted', (lock) => lock.signal.aborted, true],
    ];
    async function held() {
      const s = await scenario();
      const lock = await s.hold('k', 10);
      // Asked for before the loss, so that the property has to look for itself.
      expect(lock.signal.aborted).toBe(false);
      return { s, lock };
    }
    for (const [what, ask, answer] of questions) {
      const { s, lock } = await held();
      s.clock.stall(FIRST_DEADLINE);
      expect(ask(lock), what).toBe(answer);
    }
    const { s, lock } = await held();
    s.clock.stall(FIRST_DEADLINE);
    expect(() => lock.signal.throwIfAborted()).toThrow(LockLostError);
  });

  test('once noticed it is final: what is heard later does not bring the lock back', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    s.ping();
    await settle();
    const probe = s.socket.take().find(([type]) => type === 9);
    s.clock.stall(FIRST_DEADLINE);
    expect(lock.isHeld()).toBe(false);
    s.socket.say([74, probe?.[1] as number, s.serverMs]);
    expect(lock.isHeld()).toBe(false);
    expect(lock.state).toBe('lost');
  });

  test('a frame that proves a later hearing keeps the lock, when it is the first thing that is noticed after a stall', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    await s.clock.advance(3_000);
    s.ping();
    await settle();
    const probe = s.socket.take().find(([type]) => type === 9);
    s.clock.stall(2_000);
    s.socket.say([74, probe?.[1] as number, s.serverMs - 2_000]);
    expect(lock.isHeld()).toBe(true);
    expect(lock.validForMs()).toBe(FIRST_DEADLINE - 2_000);
  });

  test('a frame that proves nothing does not hide the loss: it is noticed before the frame is handled', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const order: string[] = [];
    lock.signal.addEventListener('abort', () => order.push('lost'));
    void s.client.acquire('other', { onPlace: () => order.push('handled') });
    await settle();
    s.clock.stall(2 * T);
    s.socket.say([67, 2, 1, 1]);
    expect(order).toEqual(['lost', 'handled']);
  });

  test('a ping that names an old pong does not hide the loss either', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    s.ping();
    s.clock.stall(2 * T);
    s.ping();
    expect(lock.isHeld()).toBe(false);
  });

  test('an acquire that is granted past the deadline is given back and asked again with a new number', async () => {
    const s = await scenario();
    const acquiring = s.client.acquire('k', { wait: '20s', meta: { who: 'me' } });
    await settle();
    s.socket.take();
    s.clock.stall(6_000);
    s.socket.say([66, 1, 10]);
    expect(await peek(acquiring)).toBe('pending');
    expect(s.socket.take()).toEqual([
      [4, 1],
      [2, 2, 0, 'k', 0, 14_000, null, 0, { who: 'me' }],
    ]);
    s.socket.say([68, 1, 1, 'CANCELLED'], [66, 2, 11]);
    const lock = await acquiring;
    expect(lock.token).toBe(11);
    expect(lock.isHeld()).toBe(true);
  });

  test('a signal still gives up a request that was asked again', async () => {
    const s = await scenario();
    const controller = new AbortController();
    const acquiring = quiet(s.client.acquire('k', { signal: controller.signal }));
    await settle();
    s.clock.stall(6_000);
    s.socket.say([66, 1, 10]);
    await settle();
    s.socket.take();
    controller.abort(new Error('enough'));
    expect(await peek(acquiring)).toMatchObject({ message: 'enough' });
    await settle();
    expect(s.socket.take()).toEqual([[4, 2]]);
    s.socket.say([68, 1, 1, 'CANCELLED'], [68, 2, 2, 'CANCELLED']);
    expect((await s.hold('k', 12)).isHeld()).toBe(true);
  });

  test('a release that has no answer by the deadline resolves: the hold is over by then', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const releasing = lock.release();
    await s.clock.advance(FIRST_DEADLINE - 1);
    expect(await peek(releasing)).toBe('pending');
    await s.clock.advance(1);
    await releasing;
    expect(lock.state).toBe('released');
  });

  test('every lock of the session is lost in one step, before the first listener is told', async () => {
    const s = await scenario();
    const first = await s.hold('a', 10);
    const second = await s.hold('b', 11);
    let seen: boolean | null = null;
    first.on('state', () => (seen = second.isHeld()));
    await s.clock.advance(FIRST_DEADLINE);
    expect(seen).toBe(false);
    expect(second.state).toBe('lost');
  });
});

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
    expect(lock.validForMs()).toBe(FIRST_DEADLINE - 2_000);
    s.socket.ping(2, 1, s.serverMs - 1_000);
    expect(lock.validForMs()).toBe(FIRST_DEADLINE - 1_000);
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
    expect(lock.validForMs()).toBe(FIRST_DEADLINE - 1_500);
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
    expect(lock.validForMs()).toBe(FIRST_DEADLINE - (s.clock.nowMs() - helloMs));
  });

  test('a number that was never sent proves nothing', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    await s.clock.advance(1_000);
    s.socket.say([74, 99, s.serverMs]);
    s.socket.ping(7, 6, s.serverMs);
    expect(lock.validForMs()).toBe(FIRST_DEADLINE - 1_000);
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
    expect(lock.validForMs()).toBe(FIRST_DEADLINE - (s.clock.nowMs() - helloMs));
  });
});

describe('clock jumps', () => {
  test.each([60_000, 1_001, -1_001, -60_000])(
    'a wall clock that moves alone by %i ms loses every lock at the first look',
    async (ms) => {
      const s = await scenario();
      const lock = await s.hold('k', 10);
      expect(lock.signal.aborted).toBe(false);
      s.clock.suspend(ms);
      expect(lock.signal.aborted).toBe(true);
      expect(lock.reason).toMatchObject({ why: 'CLOCK_JUMP' });
      await settle();
      expect(s.socket.take()).toContainEqual([3, 1]);
    },
  );

  test('a wall clock that drifts by no more than a second between two looks does no harm', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    for (let i = 0; i < 10; i++) {
      s.clock.suspend(1_000);
      expect(lock.isHeld()).toBe(true);
    }
  });

  test('what was sent before the jump proves nothing after it; the next proof makes locks possible again', async () => {
    const s = await scenario();
    const acquiring = s.client.acquire('k');
    await settle();
    s.socket.take();
    await s.clock.advance(10);
    s.clock.suspend(3_600_000);
    s.socket.say([66, 1, 10]);
    expect(await peek(acquiring)).toBe('pending');
    expect(s.socket.take()).toEqual([
      [9, 1],
      [4, 1],
      [2, 2, 0, 'k', 0, null, null, 0, null],
    ]);
    s.socket.say([74, 1, s.serverMs], [68, 1, 1, 'CANCELLED'], [66, 2, 11]);
    const lock = await acquiring;
    expect(lock.token).toBe(11);
    expect(lock.isHeld()).toBe(true);
  });

  test('a guard looks for jumps while something is held, without anybody asking', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    let aborted = false;
    lock.signal.addEventListener('abort', () => (aborted = true));
    s.clock.suspend(10_000);
    await s.clock.advance(T / 20);
    expect(aborted).toBe(true);
  });
});

describe('leases', () => {
  test('end in server time, counted from when the service was last known to have heard', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10, { lease: '1s', leaseEndMs: s.serverMs + 1_000 });
    expect(lock.validForMs()).toBe(980);
    await s.clock.advance(979);
    expect(lock.isHeld()).toBe(true);
    await s.clock.advance(1);
    expect(lock.state).toBe('lost');
    expect(lock.reason).toMatchObject({ why: 'LEASE_OVER' });
    expect(s.socket.take()).toEqual([[3, 1]]);
  });

  test('the latest pair of times counts', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10, { lease: '1h', leaseEndMs: s.serverMs + 3_600_000 });
    await s.clock.advance(1_000);
    s.ping();
    await settle();
    const probe = s.socket.take().find(([type]) => type === 9);
    // The service heard the probe 200 ms after it was sent, by its clock.
    s.socket.say([74, probe?.[1] as number, s.clock.nowMs() + SERVER_AHEAD_MS + 200]);
    await s.live(T);
    const leftMs = 3_600_000 - 1_000 - T;
    expect(lock.validForMs()).toBeLessThan(leftMs);
  });

  test('are watched by a timer of their own', async () => {
    const s = await scenario();
    await s.hold('other', 9);
    const lock = await s.hold('k', 10, { lease: 100, leaseEndMs: s.serverMs + 100 });
    let aborted = false;
    lock.signal.addEventListener('abort', () => (aborted = true));
    await s.clock.advance(98);
    expect(aborted).toBe(true);
  });

  test('one that ran out on the way is not used: the acquire rejects and the next one proceeds', async () => {
    const s = await scenario();
    const acquiring = quiet(s.client.acquire('k', { lease: 10 }));
    await settle();
    s.socket.take();
    await s.clock.advance(20);
    s.socket.say([66, 1, 10, s.serverMs - 1]);
    expect(await peek(acquiring)).toMatchObject({ code: 'LOCK_LOST', why: 'LEASE_OVER' });
    expect(s.socket.take()).toEqual([[3, 1]]);
    s.socket.say([68, 1, 1]);
    expect((await s.hold('k', 11)).isHeld()).toBe(true);
  });

  test('an extend that has no answer counts if it makes the lease shorter, and not if it makes it longer', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10, { lease: '3s', leaseEndMs: s.serverMs + 3_000 });
    void quiet(lock.extend('1m'));
    expect(lock.validForMs()).toBe(2_940);
    const shorter = quiet(lock.extend('1s'));
    expect(lock.validForMs()).toBe(980);
    await s.clock.advance(980);
    expect(lock.state).toBe('lost');
    expect(await peek(shorter)).toMatchObject({ why: 'LEASE_OVER' });
  });

  test('a lease that only an unanswered extend may have set is watched by a timer too', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    let aborted = false;
    lock.signal.addEventListener('abort', () => (aborted = true));
    void quiet(lock.extend(100));
    await s.clock.advance(98);
    expect(aborted).toBe(true);
  });

  test('an extend that is said again may have been handled the first time', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    void quiet(lock.extend('1s'));
    await settle();
    await s.clock.advance(300);
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'k', 0, 10, null]], [], true]);
    await settle();
    expect(s.socket.take().slice(1)).toEqual([[5, 1, 1_000]]);
    expect(lock.validForMs()).toBe(980 - 400);
  });

  test('do not make a lock last longer than the session', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10, { lease: '1h', leaseEndMs: s.serverMs + 3_600_000 });
    expect(lock.validForMs()).toBe(FIRST_DEADLINE);
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

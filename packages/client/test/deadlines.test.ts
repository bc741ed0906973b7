import { describe, expect, test } from 'vitest';
import { LockLostError } from '../src/errors.js';
import { FIRST_DEADLINE_MS, T, peek, quiet, scenario } from './support/scenario.js';
import { settle } from './support/virtual-clock.js';

describe('the session deadline', () => {
  test('is counted from the send time of what is known to have been heard, not from its answer', async () => {
    const s = await scenario();
    const acquiring = s.client.acquire('k');
    await settle();
    await s.clock.advance(400);
    s.socket.say([66, 1, 10]);
    const lock = await acquiring;
    expect(lock.validForMs()).toBe(FIRST_DEADLINE_MS - 400);
  });

  test('when it passes, the lock is lost with DEADLINE, its signal aborts and the service is told to release', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const { signal } = lock;
    const states: string[] = [];
    lock.on('state', (state) => states.push(state));
    await s.clock.advance(FIRST_DEADLINE_MS - 1);
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
    await s.clock.advance(FIRST_DEADLINE_MS);
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
      s.clock.stall(FIRST_DEADLINE_MS);
      expect(ask(lock), what).toBe(answer);
    }
    const { s, lock } = await held();
    s.clock.stall(FIRST_DEADLINE_MS);
    expect(() => lock.signal.throwIfAborted()).toThrow(LockLostError);
  });

  test('once noticed it is final: what is heard later does not bring the lock back', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    s.ping();
    await settle();
    const probe = s.socket.take().find(([type]) => type === 9);
    s.clock.stall(FIRST_DEADLINE_MS);
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
    expect(lock.validForMs()).toBe(FIRST_DEADLINE_MS - 2_000);
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
    await s.clock.advance(FIRST_DEADLINE_MS - 1);
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
    await s.clock.advance(FIRST_DEADLINE_MS);
    expect(seen).toBe(false);
    expect(second.state).toBe('lost');
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

import { describe, expect, test } from 'vitest';
import { LockLostError } from '../src/errors.js';
import { T, peek, quiet, scenario } from './support/scenario.js';
import { settle } from './support/virtual-clock.js';

describe('release', () => {
  test('resolves when the service has confirmed it, and the lock is not held from the call on', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const releasing = quiet(lock.release());
    expect(lock.isHeld()).toBe(false);
    expect(lock.state).toBe('released');
    expect(lock.validForMs()).toBe(0);
    expect(await peek(releasing)).toBe('pending');
    expect(s.socket.take()).toEqual([[3, 1]]);
    s.socket.say([68, 1, 1]);
    await releasing;
    expect(lock.state).toBe('released');
    expect(lock.signal.aborted).toBe(false);
  });

  test('may be called again: one release is sent, and all calls wait for it', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const releases = [lock.release(), lock.release(), lock[Symbol.asyncDispose]()];
    await settle();
    expect(s.socket.take()).toEqual([[3, 1]]);
    s.socket.say([68, 1, 1]);
    await Promise.all(releases);
    await lock.release();
    await settle();
    expect(s.socket.take()).toEqual([]);
  });

  test('a release that crosses the end of the lease is a release, and the repeated ending is ignored (8.5)', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const releasing = quiet(lock.release());
    await settle();
    s.socket.say([68, 1, 10, 'LEASE_OVER']);
    s.socket.say([68, 1, 10, 'LEASE_OVER']);
    await releasing;
    expect(lock.state).toBe('released');
    const next = await s.hold('k', 11);
    expect(next.isHeld()).toBe(true);
  });

  test('a release that crosses a release by force resolves, and says that the lock was lost', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const releasing = quiet(lock.release());
    await settle();
    s.socket.say([68, 1, 10, 'REVOKED', { by: 'ops', reason: 'stuck' }]);
    await releasing;
    expect(lock.state).toBe('lost');
    expect(lock.reason).toMatchObject({ why: 'REVOKED', detail: { by: 'ops', reason: 'stuck' } });
  });

  test('a grant that comes after the release is ignored', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    void lock.release();
    await settle();
    s.socket.take();
    s.socket.say([66, 1, 10]);
    await settle();
    expect(lock.isHeld()).toBe(false);
    expect(s.socket.take()).toEqual([]);
  });

  test('a release of what the service does not know resolves, and says that the lock was lost', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const releasing = quiet(lock.release());
    await settle();
    s.socket.say([70, 3, 1, 'NOT_HELD', 'never', 'no such hold']);
    await releasing;
    expect(lock.reason).toMatchObject({ why: 'RELEASED_BY_SERVER' });
  });

  test('a release that the log did not take is said again until it is', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const releasing = quiet(lock.release());
    await settle();
    s.socket.take();
    s.socket.say([70, 3, 1, 'UNAVAILABLE', 'same-request', 'later']);
    await s.clock.advance(100);
    expect(s.socket.take().filter(([type]) => type === 3)).toEqual([[3, 1]]);
    s.socket.say([68, 1, 1]);
    await releasing;
  });

  test('a release that is refused for good rejects', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const releasing = quiet(lock.release());
    await settle();
    s.socket.say([70, 3, 1, 'FORBIDDEN', 'never', 'no']);
    expect(await peek(releasing)).toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('losing by the word of the service', () => {
  test.each([
    ['LEASE_OVER', 'LEASE_OVER'],
    ['REVOKED', 'REVOKED'],
    ['RELEASED', 'RELEASED_BY_SERVER'],
    ['SHINY_NEW', 'RELEASED_BY_SERVER'],
  ])(
    'an unasked ending with %s makes the lock lost with %s, aborts its signal and tells its listeners',
    async (code, why) => {
      const s = await scenario();
      const lock = await s.hold('k', 10);
      const states: string[] = [];
      lock.on('state', (state) => states.push(state));
      const { signal } = lock;
      expect(signal.aborted).toBe(false);
      s.socket.say([68, 1, 1, code, { by: 'ops' }]);
      expect(signal.aborted).toBe(true);
      expect(signal.reason).toBeInstanceOf(LockLostError);
      expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', why, token: 10, key: 'k', detail: { by: 'ops' } });
      expect(() => signal.throwIfAborted()).toThrow(signal.reason as Error);
      expect(lock.state).toBe('lost');
      expect(lock.reason).toBe(signal.reason);
      expect(states).toEqual(['lost']);
      await lock.release();
      expect(s.socket.take()).toEqual([]);
    },
  );

  test('a signal that is first asked for after the loss has aborted', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    s.socket.say([68, 1, 1, 'REVOKED']);
    expect(lock.signal.aborted).toBe(true);
    expect(lock.signal.reason).toMatchObject({ why: 'REVOKED' });
  });

  test('a listener that throws is reported, and the others are told', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const fault = new Error('mine');
    const told: string[] = [];
    lock.on('state', () => {
      throw fault;
    });
    const forget = lock.on('state', () => told.push('forgotten'));
    lock.on('state', (state) => told.push(state));
    forget();
    s.socket.say([68, 1, 1, 'REVOKED']);
    expect(told).toEqual(['lost']);
    expect(s.reports).toEqual([fault]);
  });
});

describe('extend', () => {
  test('resolves with the new lease, in order', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10, { lease: '1s', leaseEndMs: s.serverMs + 1_000 });
    const first = quiet(lock.extend('2s'));
    const second = quiet(lock.extend('3s'));
    await settle();
    expect(s.socket.take()).toEqual([
      [5, 1, 2_000],
      [5, 1, 3_000],
    ]);
    s.socket.say([69, 1, s.serverMs + 2_000]);
    await first;
    expect(await peek(second)).toBe('pending');
    s.socket.say([69, 1, s.serverMs + 3_000]);
    await second;
    expect(lock.validForMs()).toBe(2_940);
  });

  test('without an argument takes the limit away', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10, { lease: '1s', leaseEndMs: s.serverMs + 1_000 });
    const extending = quiet(lock.extend());
    await settle();
    expect(s.socket.take()).toEqual([[5, 1, null]]);
    s.socket.say([69, 1]);
    await extending;
    expect(lock.validForMs()).toBe(T - T / 50);
  });

  test('of a hold that the service does not know makes the lock lost', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const extending = quiet(lock.extend('1s'));
    await settle();
    s.socket.say([70, 5, 1, 'NOT_HELD', 'never', 'no']);
    expect(await peek(extending)).toBeInstanceOf(LockLostError);
    expect(lock.state).toBe('lost');
  });

  test('that the log did not take rejects so that it can be called again, and the old lease stands', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10, { lease: '4s', leaseEndMs: s.serverMs + 4_000 });
    const extending = quiet(lock.extend('1s'));
    await settle();
    expect(lock.validForMs()).toBe(980);
    s.socket.say([70, 5, 1, 'UNAVAILABLE', 'same-request', 'later']);
    expect(await peek(extending)).toMatchObject({ code: 'UNAVAILABLE', retry: 'same-request' });
    expect(lock.validForMs()).toBe(3_920);
  });

  test('rejects when the lock is lost meanwhile, lost already or released', async () => {
    const s = await scenario();
    const lost = await s.hold('k', 10);
    const extending = quiet(lost.extend('1s'));
    await settle();
    s.socket.say([68, 1, 1, 'REVOKED']);
    expect(await peek(extending)).toMatchObject({ why: 'REVOKED' });
    expect(await peek(lost.extend('1s'))).toMatchObject({ why: 'REVOKED' });
    const released = await s.hold('k', 11);
    void released.release();
    expect(await peek(released.extend('1s'))).toMatchObject({ code: 'RELEASED' });
  });

  test('with no duration is an invalid argument', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    expect(await peek(lock.extend('soon'))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

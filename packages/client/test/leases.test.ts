import { describe, expect, test } from 'vitest';
import { FIRST_DEADLINE_MS, SERVER_AHEAD_MS, T, peek, quiet, scenario } from './support/scenario.js';
import { settle } from './support/virtual-clock.js';

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
    expect(lock.validForMs()).toBe(FIRST_DEADLINE_MS);
  });
});

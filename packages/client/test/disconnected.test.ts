import { describe, expect, test } from 'vitest';
import { T, peek, quiet, scenario } from './support/scenario.js';
import { settle } from './support/virtual-clock.js';

describe('while there is no connection', () => {
  test('an acquire waits, and is sent when there is one', async () => {
    const s = await scenario();
    s.socket.drop();
    const acquiring = s.client.acquire('k', { wait: '10s' });
    await s.redial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await settle();
    expect(s.socket.take().slice(1)).toMatchObject([[2, 1, 0, 'k', 0, 9_900, null, 0, null]]);
    s.socket.say([66, 1, 10]);
    expect((await acquiring).isHeld()).toBe(true);
  });

  test('a wait that ends rejects with WAIT_TIMEOUT, and is cancelled once resumed if it had been sent', async () => {
    const s = await scenario();
    const sent = quiet(s.client.acquire('sent', { wait: '2s' }));
    await settle();
    s.socket.drop();
    const unsent = quiet(s.client.acquire('unsent', { wait: '1s' }));
    await s.clock.advance(999);
    expect(await peek(unsent)).toBe('pending');
    await s.clock.advance(1);
    expect(await peek(unsent)).toMatchObject({ code: 'WAIT_TIMEOUT', key: 'unsent' });
    expect(await peek(sent)).toBe('pending');
    await s.clock.advance(1_000);
    expect(await peek(sent)).toMatchObject({ code: 'WAIT_TIMEOUT', key: 'sent' });
    s.socket.drop();
    await s.redial();
    s.socket.take();
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'sent', 0, 10, null]], [], true]);
    await settle();
    expect(s.socket.take()).toEqual([[4, 1]]);
    s.socket.say([68, 1, 1, 'CANCELLED']);
    expect((await s.hold('sent', 11)).isHeld()).toBe(true);
  });

  test('a wait ends here although nothing else is watched', async () => {
    const s = await scenario();
    const acquiring = quiet(s.client.acquire('k', { wait: '2s' }));
    await settle();
    s.socket.drop();
    await s.clock.advance(2_000);
    expect(await peek(acquiring)).toMatchObject({ code: 'WAIT_TIMEOUT' });
  });

  test('a wait that is with the service ends there, not here', async () => {
    const s = await scenario();
    await s.hold('held', 9);
    const acquiring = quiet(s.client.acquire('k', { wait: '2s' }));
    await s.live(2 * T);
    expect(await peek(acquiring)).toBe('pending');
    s.socket.say([68, 2, 1, 'WAIT_TIMEOUT']);
    expect(await peek(acquiring)).toMatchObject({ code: 'WAIT_TIMEOUT' });
  });

  test('a try waits for a connection for one session time-out', async () => {
    const s = await scenario();
    s.socket.drop();
    const trying = quiet(s.client.tryAcquire('k'));
    await s.clock.advance(T - 1);
    expect(await peek(trying)).toBe('pending');
    await s.clock.advance(1);
    expect(await peek(trying)).toMatchObject({ code: 'DISCONNECTED', retry: 'after-reconnect' });
  });

  test('a signal gives up what was never sent without a word to the service', async () => {
    const s = await scenario();
    s.socket.drop();
    const controller = new AbortController();
    const acquiring = quiet(s.client.acquire('k', { signal: controller.signal }));
    controller.abort(new Error('enough'));
    expect(await peek(acquiring)).toMatchObject({ message: 'enough' });
    await s.redial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await settle();
    expect(s.socket.take().slice(1)).toEqual([]);
    expect((await s.hold('k', 10)).isHeld()).toBe(true);
  });

  test('a release is said once there is a connection', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    s.socket.drop();
    const releasing = lock.release();
    expect(lock.state).toBe('released');
    await s.redial();
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'k', 0, 10, null]], [], true]);
    await settle();
    expect(s.socket.take().slice(1)).toEqual([[3, 1]]);
    expect(await peek(releasing)).toBe('pending');
    s.socket.say([68, 1, 1]);
    await releasing;
  });

  test('an extend is said once there is a connection, and rejects if the lock is lost before', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10, { lease: '4s', leaseEndMs: s.serverMs + 4_000 });
    s.socket.drop();
    const extending = quiet(lock.extend('1s'));
    expect(lock.validForMs()).toBe(3_920);
    await s.redial();
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'k', 0, 10, s.serverMs + 3_900]], [], true]);
    await settle();
    expect(s.socket.take().slice(1)).toEqual([[5, 1, 1_000]]);
    s.socket.drop();
    await s.clock.advance(1_000);
    expect(await peek(extending)).toMatchObject({ why: 'LEASE_OVER' });
  });
});

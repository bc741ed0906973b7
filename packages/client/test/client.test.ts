import { describe, expect, test } from 'vitest';
import { LockLostError } from '../src/errors.js';
import { T, peek, quiet, scenario, untyped } from './support/scenario.js';
import { settle } from './support/virtual-clock.js';

describe('withLock', () => {
  test('acquires, calls, releases, and gives what the function gave', async () => {
    const s = await scenario();
    const working = s.client.withLock('k', { lease: '1m' }, async (lock) => {
      await settle();
      return `done under ${lock.token}`;
    });
    await settle();
    s.socket.say([66, 1, 10, s.serverMs + 60_000]);
    await settle();
    await settle();
    expect(s.socket.take().map(([type]) => type)).toEqual([2, 3]);
    s.socket.say([68, 1, 1]);
    expect(await working).toBe('done under 10');
  });

  test('the options may be left out', async () => {
    const s = await scenario();
    const working = s.client.withLock('k', (lock) => lock.key);
    await settle();
    s.socket.say([66, 1, 10]);
    await settle();
    s.socket.say([68, 1, 1]);
    expect(await working).toBe('k');
  });

  test('the error of the function wins, and the lock is released', async () => {
    const s = await scenario();
    const fault = new Error('mine');
    const working = quiet(
      s.client.withLock('k', () => {
        throw fault;
      }),
    );
    await settle();
    s.socket.say([66, 1, 10]);
    await settle();
    expect(s.socket.take().map(([type]) => type)).toEqual([2, 3]);
    s.socket.say([68, 1, 1]);
    expect(await peek(working)).toBe(fault);
    expect((await s.hold('k', 11)).isHeld()).toBe(true);
  });

  test('rejects when the lock was lost meanwhile', async () => {
    const s = await scenario();
    let finish = (): void => undefined;
    const working = quiet(s.client.withLock('k', () => new Promise<void>((resolve) => (finish = resolve))));
    await settle();
    s.socket.say([66, 1, 10]);
    await settle();
    s.socket.say([68, 1, 1, 'REVOKED', { by: 'ops' }]);
    finish();
    expect(await peek(working)).toBeInstanceOf(LockLostError);
  });

  test('rejects when the deadline passed during the work, even if no timer has run', async () => {
    const s = await scenario();
    const working = quiet(s.client.withLock('k', () => s.clock.stall(T)));
    await settle();
    s.socket.say([66, 1, 10]);
    expect(await peek(working)).toMatchObject({ why: 'DEADLINE' });
  });

  test('an error of the function wins over the loss', async () => {
    const s = await scenario();
    const fault = new Error('mine');
    const working = quiet(
      s.client.withLock('k', () => {
        s.clock.stall(T);
        throw fault;
      }),
    );
    await settle();
    s.socket.say([66, 1, 10]);
    expect(await peek(working)).toBe(fault);
  });

  test('without a grant the function is not called', async () => {
    const s = await scenario();
    let called = false;
    const working = quiet(s.client.withLock('k', { wait: 0 }, () => (called = true)));
    await settle();
    s.socket.say([68, 1, 1, 'HELD']);
    expect(await peek(working)).toMatchObject({ code: 'HELD' });
    expect(called).toBe(false);
    expect(await peek(untyped(s.client).withLock('k', {}))).toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});

describe('close', () => {
  test('says goodbye, releases what is held, and rejects what waits', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const releasing = (await s.hold('j', 11)).release();
    const waiting = quiet(s.client.acquire('l'));
    const asking = quiet(s.client.server());
    await settle();
    s.socket.take();
    const states: string[] = [];
    s.client.on('state', (state) => states.push(state));
    lock.on('state', (state) => states.push(state));
    const closing = s.client.close();
    expect(lock.state).toBe('released');
    expect(s.client.state).toBe('closed');
    expect(await peek(waiting)).toMatchObject({ code: 'CLOSED' });
    expect(await peek(asking)).toMatchObject({ code: 'CLOSED' });
    await releasing;
    expect(states).toEqual(['released', 'closed']);
    expect(s.socket.take()).toEqual([[10]]);
    expect(await peek(closing)).toBe('pending');
    s.socket.drop(1000);
    await closing;
    expect(s.clock.timerCount).toBe(0);
    await lock.release();
    expect(lock.signal.aborted).toBe(false);
  });

  test('may be called again, and everything after it rejects with CLOSED', async () => {
    const s = await scenario();
    const closings = [s.client.close(), s.client.close(), s.client[Symbol.asyncDispose]()];
    await settle();
    s.socket.drop(1000);
    await Promise.all(closings);
    await s.client.close();
    expect(await peek(s.client.acquire('k'))).toMatchObject({ code: 'CLOSED' });
    expect(await peek(s.client.tryAcquire('k'))).toMatchObject({ code: 'CLOSED' });
    expect(await peek(s.client.query('k'))).toMatchObject({ code: 'CLOSED' });
    expect(await peek(s.client.list().next())).toMatchObject({ code: 'CLOSED' });
    expect(await peek(s.client.forceRelease('k'))).toMatchObject({ code: 'CLOSED' });
    expect(() => s.client.watch('k')).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    await s.clock.advance(60_000);
    expect(s.network.sockets).toHaveLength(1);
  });

  test('does not wait for ever: a service that does not answer is left', async () => {
    const s = await scenario();
    const closing = s.client.close();
    await s.clock.advance(2_000);
    await closing;
    expect(s.socket.closedWith).toBe(1000);
    await s.clock.advance(1_000);
    expect(s.socket.isTerminated).toBe(true);
    expect(s.clock.timerCount).toBe(0);
  });

  test('without a connection it ends at once', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    s.socket.drop();
    await s.client.close();
    expect(lock.state).toBe('released');
    await s.clock.advance(60_000);
    expect(s.network.sockets).toHaveLength(1);
    expect(s.clock.timerCount).toBe(0);
  });

  test('during a try at a connection the try is given up', async () => {
    const s = await scenario();
    s.socket.drop();
    await s.clock.advance(100);
    await s.client.close();
    expect(s.socket.closedWith).toBe(1000);
  });

  test('from a listener is safe', async () => {
    const s = await scenario();
    const first = await s.hold('a', 10);
    const second = await s.hold('b', 11);
    first.on('state', () => void s.client.close());
    s.socket.say([68, 1, 1, 'REVOKED'], [68, 2, 2, 'REVOKED']);
    expect(first.state).toBe('lost');
    expect(second.state).toBe('released');
    await settle();
    s.socket.drop(1000);
    await s.client.close();
  });
});

describe('listeners', () => {
  test('of the state are told each change, and can be taken away', async () => {
    const s = await scenario();
    const states: string[] = [];
    const forget = s.client.on('state', (state) => states.push(state));
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    forget();
    s.socket.drop();
    expect(states).toEqual(['reconnecting', 'connected']);
  });

  test('that throw are reported and disturb nobody', async () => {
    const s = await scenario();
    const fault = new Error('mine');
    s.client.on('state', () => {
      throw fault;
    });
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    expect(s.client.state).toBe('connected');
    expect(s.reports).toEqual([fault, fault]);
  });

  test('of unknown events are an invalid argument', async () => {
    const s = await scenario();
    expect(() => untyped(s.client).on('stat', () => undefined)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

import { describe, expect, test } from 'vitest';
import { NEXT_SECRET, T, peek, quiet, scenario } from './support/scenario.js';
import { settle } from './support/virtual-clock.js';

describe('a session that is over', () => {
  test('loses its holds; what waited is asked again in a new session, with the rest of its wait (8.6)', async () => {
    const s = await scenario();
    const lock = await s.hold('a', 10);
    const held = await s.hold('b', 11);
    const waiting = s.client.acquire('c', { wait: '1m' });
    const releasing = held.release();
    const sessions: string[] = [];
    s.client.on('session', (session) => sessions.push(session));
    await settle();
    await s.breakAndRedial();
    s.socket.say([70, 0, 0, 'SESSION_OVER', 'after-reconnect', 'too late']);
    s.socket.drop(4410);
    await releasing;
    expect(held.state).toBe('released');
    expect(lock.state).toBe('lost');
    expect(lock.reason).toMatchObject({ why: 'SESSION_OVER' });
    await s.redial();
    expect(s.socket.take()).toMatchObject([[1, { resumable: true, timeoutMs: T }]]);
    expect(s.socket.frames[0]?.[0]?.[1]).not.toHaveProperty('session');
    s.socket.say(s.welcome({ session: 's2', secret: NEXT_SECRET }));
    await settle();
    expect(sessions).toEqual(['s2']);
    expect(s.client.session).toBe('s2');
    const leftMs = 60_000 - (s.clock.nowMs() - 1_000);
    expect(s.socket.take()).toEqual([[2, 3, 0, 'c', 0, leftMs, null, 0, null]]);
    s.socket.say([66, 3, 12]);
    expect((await waiting).token).toBe(12);
  });

  test('the close code alone says it too', async () => {
    const s = await scenario();
    const lock = await s.hold('a', 10);
    await s.breakAndRedial();
    s.socket.drop(4410);
    expect(lock.reason).toMatchObject({ why: 'SESSION_OVER' });
  });

  test('what is given up before the next session begins is not said there', async () => {
    const s = await scenario();
    const controller = new AbortController();
    const acquiring = quiet(s.client.acquire('k', { signal: controller.signal }));
    await s.breakAndRedial();
    s.socket.drop(4410);
    controller.abort(new Error('enough'));
    expect(await peek(acquiring)).toMatchObject({ message: 'enough' });
    await s.redial();
    s.socket.say(s.welcome({ session: 's2' }));
    await settle();
    expect(s.socket.take().slice(1)).toEqual([]);
    expect((await s.hold('k', 11)).isHeld()).toBe(true);
  });

  test('is followed by a new one at the same address', async () => {
    const s = await scenario({ urls: ['ws://one', 'ws://two'] });
    await s.breakAndRedial();
    s.socket.drop(4410);
    await s.redial();
    expect(s.socket.url).toBe('ws://one');
  });

  test('a client that is closed by a listener of the loss stays closed', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    await s.breakAndRedial();
    lock.on('state', () => void s.client.close());
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true], [66, 5, 5]);
    expect(s.client.state).toBe('closed');
    await settle();
    expect(s.socket.take().slice(1)).toEqual([[10]]);
    s.socket.drop(1000);
    await s.client.close();
    expect(s.clock.timerCount).toBe(0);
  });

  test('a client that is closed by a listener when its session is replaced by a new one stays closed', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    await s.breakAndRedial();
    lock.on('state', () => void s.client.close());
    const told: unknown[] = [];
    s.client.on('session', (session) => told.push(session));
    s.socket.say(s.welcome({ session: 's2' }));
    await settle();
    expect(s.client.state).toBe('closed');
    expect(told).toEqual([]);
    expect(s.socket.take().slice(1)).toEqual([[10]]);
  });

  test('acknowledges nothing of the old session in the new one', async () => {
    const s = await scenario();
    const lock = await s.hold('a', 10);
    void lock.release();
    await settle();
    s.socket.say([68, 1, 9]);
    await s.breakAndRedial();
    s.socket.drop(4410);
    await s.redial();
    s.socket.say(s.welcome({ session: 's2' }));
    s.socket.take();
    void s.client.acquire('k');
    await settle();
    expect(s.socket.take()).toEqual([[2, 2, 0, 'k', 0, null, null, 0, null]]);
  });

  test('what an earlier session heard says nothing about the new one', async () => {
    const s = await scenario();
    await s.breakAndRedial();
    s.socket.drop(4410);
    await s.redial();
    const helloMs = s.clock.nowMs();
    await s.clock.advance(100);
    s.socket.say(s.welcome({ session: 's2' }));
    const acquiring = s.client.acquire('k');
    await settle();
    s.socket.say([66, 1, 10]);
    expect((await acquiring).validForMs()).toBe(helloMs + 100 + 4_900 - s.clock.nowMs());
  });

  test('an acquire that is asked again there proves its sending there', async () => {
    const s = await scenario();
    const acquiring = s.client.acquire('k');
    await s.breakAndRedial();
    s.socket.drop(4410);
    await s.redial();
    await s.clock.advance(100);
    s.socket.say(s.welcome({ session: 's2' }));
    const sentMs = s.clock.nowMs();
    await s.clock.advance(300);
    s.socket.say([66, 1, 10]);
    expect((await acquiring).validForMs()).toBe(sentMs + 4_900 - s.clock.nowMs());
  });

  test('a session that another process resumed is not fought for: the client is closed (8.8)', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const waiting = quiet(s.client.acquire('j'));
    const states: string[] = [];
    s.client.on('state', (state) => states.push(state));
    await settle();
    s.socket.say([70, 0, 0, 'SESSION_REPLACED', 'never', 'a newer connection']);
    s.socket.drop(4409);
    expect(lock.state).toBe('lost');
    expect(lock.reason).toMatchObject({ why: 'SESSION_REPLACED' });
    expect(await peek(waiting)).toMatchObject({ code: 'SESSION_REPLACED', name: 'ConnectionError' });
    expect(states).toEqual(['closed']);
    expect(await peek(s.client.acquire('k'))).toMatchObject({ code: 'SESSION_REPLACED' });
    await s.clock.advance(60_000);
    expect(s.network.sockets).toHaveLength(1);
    expect(s.clock.timerCount).toBe(0);
  });
});

describe('a session that is not resumable', () => {
  test('is over with its connection: everything held is lost at once', async () => {
    const s = await scenario({ resumable: false, welcome: { secret: undefined } as never });
    expect(s.socket.frames[0]).toMatchObject([[1, { resumable: false }]]);
    const lock = await s.hold('k', 10);
    const waiting = s.client.acquire('j');
    await settle();
    s.socket.drop();
    expect(lock.state).toBe('lost');
    expect(lock.reason).toMatchObject({ why: 'SESSION_OVER' });
    await s.redial();
    expect(s.socket.take()[0]?.[1]).not.toHaveProperty('session');
    s.socket.say(s.welcome({ session: 's2' }));
    await settle();
    expect(s.socket.take()).toEqual([[2, 2, 0, 'j', 0, null, null, 0, null]]);
    s.socket.say([66, 2, 11]);
    expect((await waiting).token).toBe(11);
  });
});

test('secrets are in no error and in no listing of a client', async () => {
  const { inspect } = await import('node:util');
  const s = await scenario({ token: 'hunter2' });
  const lock = await s.hold('k', 10);
  await s.breakAndRedial();
  s.socket.drop(4410);
  const text = inspect([s.client, lock, lock.reason], { depth: 20, showHidden: true });
  expect(text).not.toContain('hunter2');
  expect(text).toContain('SESSION_OVER');
  expect(text).not.toContain('7, 7, 7, 7');
});

import { describe, expect, test } from 'vitest';
import { NEXT_SECRET, SECRET, T, peek, quiet, scenario } from './support/scenario.js';
import { settle } from './support/virtual-clock.js';

describe('a dropped connection of a resumable session', () => {
  test('puts locks in jeopardy, and a resume that lists them brings them back', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const states: string[] = [];
    lock.on('state', (state) => states.push(state));
    const { signal } = lock;
    await s.breakAndRedial();
    expect(lock.state).toBe('jeopardy');
    expect(lock.isHeld()).toBe(true);
    expect(s.client.state).toBe('reconnecting');
    expect(s.socket.frames[0]).toEqual([
      [1, { session: 's1', secret: SECRET, resumable: false, client: '', timeoutMs: T, beats: false }],
    ]);
    s.socket.say(s.welcome({ resumed: true, secret: NEXT_SECRET }), [65, [[1, 'k', 0, 10, null]], [], true]);
    expect(lock.state).toBe('held');
    expect(s.client.state).toBe('connected');
    expect(s.client.session).toBe('s1');
    expect(states).toEqual(['jeopardy', 'held']);
    expect(signal.aborted).toBe(false);
  });

  test('the hello of the resume counts as heard', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    await s.clock.advance(3_000);
    await s.breakAndRedial();
    const helloMs = s.clock.nowMs();
    await s.clock.advance(200);
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'k', 0, 10, null]], [], true]);
    expect(lock.validForMs()).toBe(helloMs + 4_900 - s.clock.nowMs());
  });

  test('a welcome that comes before the loss was noticed keeps the lock: the session went on', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    await s.clock.advance(4_700);
    await s.breakAndRedial();
    s.clock.stall(1_000);
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'k', 0, 10, null]], [], true]);
    expect(lock.isHeld()).toBe(true);
  });

  test('the deadline runs on: past it the lock is lost, and released once the session is resumed', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    s.socket.drop();
    await s.clock.advance(5);
    expect(lock.state).toBe('jeopardy');
    s.clock.stall(T);
    expect(lock.state).toBe('lost');
    expect(lock.reason).toMatchObject({ why: 'DEADLINE' });
    await lock.release();
    await s.redial();
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'k', 0, 10, null]], [], true]);
    await settle();
    expect(lock.state).toBe('lost');
    expect(s.socket.take().slice(1)).toEqual([[3, 1]]);
  });

  test('a hold that the resume does not list is lost, and the key can be acquired again', async () => {
    const s = await scenario();
    const kept = await s.hold('kept', 10);
    const gone = await s.hold('gone', 11);
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'kept', 0, 10, null]], [], true]);
    expect(kept.state).toBe('held');
    expect(gone.state).toBe('lost');
    expect(gone.reason).toMatchObject({ why: 'RELEASED_BY_SERVER' });
    await settle();
    s.socket.take();
    expect((await s.hold('gone', 12)).isHeld()).toBe(true);
  });

  test('the list may come in parts; nothing is concluded or sent before the last', async () => {
    const s = await scenario();
    const first = await s.hold('a', 10);
    const second = await s.hold('b', 11);
    const third = await s.hold('c', 12);
    await s.breakAndRedial();
    s.socket.take();
    void s.client.acquire('d');
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'a', 0, 10, null]], [], false]);
    await settle();
    expect(s.client.state).toBe('reconnecting');
    expect(second.state).toBe('jeopardy');
    expect(s.socket.take()).toEqual([]);
    s.socket.say([65, [[2, 'b', 0, 11, null]], [], true]);
    await settle();
    expect([first.state, second.state, third.state]).toEqual(['held', 'held', 'lost']);
    expect(s.socket.take()).toEqual([[2, 4, 0, 'd', 0, null, null, 0, null]]);
  });

  test('a grant between the parts is a hold that was listed', async () => {
    const s = await scenario();
    const acquiring = s.client.acquire('k');
    await settle();
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [[1, 'k', 0, 1]], false], [66, 1, 10], [65, [], [], true]);
    expect((await acquiring).state).toBe('held');
  });

  test('an ending between the parts ends the hold', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    await s.breakAndRedial();
    s.socket.say(
      s.welcome({ resumed: true }),
      [65, [[1, 'k', 0, 10, null]], [], false],
      [68, 1, 1, 'REVOKED'],
      [65, [], [], true],
    );
    expect(lock.reason).toMatchObject({ why: 'REVOKED' });
  });

  test('a grant that was lost on the way comes with the list', async () => {
    const s = await scenario();
    const acquiring = s.client.acquire('k', { lease: '3s' });
    await settle();
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'k', 0, 10, s.serverMs + 3_000]], [], true]);
    const lock = await acquiring;
    expect(lock.token).toBe(10);
    expect(lock.validForMs()).toBeLessThanOrEqual(2_940);
    await settle();
    expect(s.socket.take().slice(1)).toEqual([]);
  });

  test('the lease of a hold is the one that the service lists', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10, { lease: '1s', leaseEndMs: s.serverMs + 1_000 });
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'k', 0, 10, s.serverMs + 3_000]], [], true]);
    expect(lock.validForMs()).toBe(2_940);
  });

  test('what is listed but not known here is given back', async () => {
    const s = await scenario();
    await s.breakAndRedial();
    s.socket.take();
    s.socket.say(s.welcome({ resumed: true }), [65, [[50, 'x', 0, 10, null]], [[51, 'y', 0, 1]], true]);
    await settle();
    expect(s.socket.take()).toEqual([
      [4, 50],
      [4, 51],
    ]);
  });

  test('what was unanswered is said again in its old order with its old numbers (8.7)', async () => {
    const s = await scenario();
    const a = await s.hold('a', 10);
    const b = await s.hold('b', 11);
    const first = s.client.acquire('c');
    void a.release();
    const extending = b.extend('1m');
    const controller = new AbortController();
    void quiet(s.client.acquire('d', { signal: controller.signal }));
    await settle();
    controller.abort();
    await settle();
    const before = s.socket.take();
    await s.breakAndRedial();
    s.socket.take();
    s.socket.say(s.welcome({ resumed: true, secret: NEXT_SECRET }), [
      65,
      [
        [1, 'a', 0, 10, null],
        [2, 'b', 0, 11, null],
      ],
      [[3, 'c', 0, 1]],
      true,
    ]);
    await settle();
    const again = s.socket.take();
    expect(before).toEqual([
      [2, 3, 0, 'c', 0, null, null, 0, null],
      [3, 1],
      [5, 2, 60_000],
      [2, 4, 0, 'd', 0, null, null, 0, null],
      [4, 4],
    ]);
    expect(again).toEqual([
      [2, 3, 0, 'c', 0, null, null, 0, null],
      [3, 1],
      [5, 2, 60_000],
      [4, 4],
    ]);
    s.socket.say([68, 1, 1], [69, 2, s.serverMs + 60_000], [70, 4, 4, 'NOT_HELD', 'never', 'unknown'], [66, 3, 12]);
    await a.release();
    await extending;
    expect((await first).token).toBe(12);
    expect(a.state).toBe('released');
  });

  test('a repeat says what is left of the wait, and never a try', async () => {
    const s = await scenario();
    void quiet(s.client.acquire('k', { wait: '2s' }));
    void quiet(s.client.acquire('j', { wait: 250 }));
    await settle();
    await s.clock.advance(100);
    await s.breakAndRedial();
    s.socket.take();
    s.clock.stall(1_000);
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await settle();
    const waits = s.socket
      .take()
      .filter(([type]) => type === 2)
      .map((message) => message[5 as never]);
    expect(waits[0]).toBe(2_000 - 1_200);
    expect(waits[1]).toBe(1);
  });

  test('repeats acknowledge no more than was handled before the connection was lost', async () => {
    const s = await scenario();
    const a = await s.hold('a', 10);
    const b = await s.hold('b', 11);
    void s.client.acquire('c');
    void a.release();
    await settle();
    await s.breakAndRedial();
    s.socket.take();
    // Ending 1, of request 1, was lost with the old connection; ending 2 overtakes the answer to the repeat.
    s.socket.say(
      s.welcome({ resumed: true }),
      [65, [[2, 'b', 0, 11, null]], [], false],
      [68, 2, 2, 'REVOKED'],
      [65, [], [], true],
    );
    await settle();
    expect(b.state).toBe('lost');
    expect(s.socket.take()).toEqual([
      [2, 3, 0, 'c', 0, null, null, 0, null],
      [3, 1],
    ]);
    s.socket.say([68, 1, 1]);
    await a.release();
    void s.client.acquire('d');
    await settle();
    expect(s.socket.take()).toEqual([[2, 4, 2, 'd', 0, null, null, 0, null]]);
  });

  test('an answer that was remembered ends the request: its hold was over before it was known here', async () => {
    const s = await scenario();
    const acquiring = quiet(s.client.acquire('k', { lease: 10 }));
    await settle();
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    s.socket.say([68, 1, 1, 'LEASE_OVER']);
    expect(await peek(acquiring)).toMatchObject({ code: 'LOCK_LOST', why: 'LEASE_OVER' });
    s.socket.take();
    expect((await s.hold('k', 12)).isHeld()).toBe(true);
  });

  test('a lost welcome does not strand the client: the old secret is used until a new one has come', async () => {
    const s = await scenario();
    await s.breakAndRedial();
    expect(s.socket.frames[0]).toMatchObject([[1, { secret: SECRET }]]);
    await s.breakAndRedial();
    expect(s.socket.frames[0]).toMatchObject([[1, { secret: SECRET }]]);
    s.socket.say(s.welcome({ resumed: true, secret: NEXT_SECRET }), [65, [], [], true]);
    await s.breakAndRedial();
    expect(s.socket.frames[0]).toMatchObject([[1, { secret: NEXT_SECRET }]]);
  });

  test('a connection that breaks in the middle of the list is resumed anew', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], false]);
    await s.breakAndRedial();
    expect(lock.state).toBe('jeopardy');
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'k', 0, 10, null]], [], true]);
    expect(lock.state).toBe('held');
  });
});

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

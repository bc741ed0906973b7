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

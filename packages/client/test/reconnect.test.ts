import { describe, expect, test } from 'vitest';
import { BACKOFF_MAX_MS, backoffMs } from '../src/backoff.js';
import { Route } from '../src/route.js';
import { judge } from '../src/verdict.js';
import { Scenario, T, peek, quiet, scenario } from './support/scenario.js';
import { VirtualClock, settle } from './support/virtual-clock.js';
import { FakeNetwork } from './support/fake-socket.js';
import { createClient } from '../src/create.js';

describe('backoff', () => {
  test('doubles from 50 ms to 2 s, and waits between an eighth and the whole of it', () => {
    for (const [failures, ceilingMs] of [
      [0, 50],
      [1, 100],
      [4, 800],
      [5, 1_600],
      [6, 2_000],
      [5_000, 2_000],
    ] as const) {
      expect(backoffMs(failures, 0)).toBe(ceilingMs / 8);
      expect(backoffMs(failures, 0.999_999_9)).toBeCloseTo(ceilingMs, 2);
    }
    expect(BACKOFF_MAX_MS).toBe(2_000);
  });

  test('500 clients of a server that is down for 60 s try less than once a second each, and without a common peak', async () => {
    const clock = new VirtualClock();
    let state = 42;
    // A linear congruential generator: the same numbers in each run.
    const random = (): number => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
    const perSecond = new Map<number, number>();
    const clients: Promise<unknown>[] = [];
    const beginMs = clock.nowMs();
    for (let i = 0; i < 500; i++) {
      const network = new FakeNetwork(clock);
      const dial: typeof network.dial = (url, protocols, callbacks) => {
        const second = Math.floor((clock.nowMs() - beginMs) / 1_000);
        perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
        queueMicrotask(() => callbacks.closed(1006, ''));
        return network.dial(url, protocols, callbacks);
      };
      clients.push(quiet(createClient({ clock, random, dial, urls: 'ws://one', options: { connectTimeout: '60s' } })));
    }
    await clock.advance(60_000);
    const tries = [...perSecond.values()].reduce((sum, count) => sum + count, 0);
    expect(tries / 500 / 60).toBeLessThanOrEqual(1);
    const later = [...perSecond].filter(([second]) => second >= 5).map(([, count]) => count);
    expect(Math.max(...later)).toBeLessThanOrEqual((3 * tries) / 60);
    for (const client of clients) expect(await peek(client)).toMatchObject({ code: 'CONNECT_FAILED' });
  });
});

describe('route', () => {
  test('stays with the address that worked until it fails, then goes round', () => {
    const route = new Route(['ws://a', 'ws://b', 'ws://c']);
    expect(route.next()).toBe('ws://a');
    route.failed('ws://a');
    expect(route.next()).toBe('ws://b');
    route.worked('ws://b');
    expect(route.next()).toBe('ws://b');
    expect(route.next()).toBe('ws://b');
    route.failed('ws://b');
    expect(route.next()).toBe('ws://c');
    route.failed('ws://c');
    expect(route.next()).toBe('ws://a');
  });

  test('tries what a server recommends first, each once, and stays with the one that works', () => {
    const route = new Route(['ws://a']);
    route.worked('ws://a');
    route.hint(['ws://x', 'ws://y'], 'ws://a');
    expect(route.next()).toBe('ws://x');
    route.failed('ws://x');
    expect(route.next()).toBe('ws://y');
    route.worked('ws://y');
    expect(route.next()).toBe('ws://y');
    route.failed('ws://y');
    expect(route.next()).toBe('ws://a');
  });

  test('takes no recommendation that is no address, carries a password or leads away from TLS', () => {
    const route = new Route(['wss://a']);
    route.hint(['http://x', 'nonsense', 'wss://user:secret@x', 'ws://x', 'wss://y'], 'wss://a');
    expect(route.next()).toBe('wss://y');
    expect(route.next()).toBe('wss://a');
  });
});

describe('the end of a connection', () => {
  const end = (code: number) => ({ code, reason: '', cause: undefined });

  test.each([
    [1000, 'resume', 'DISCONNECTED'],
    [1001, 'resume', 'DISCONNECTED'],
    [1006, 'resume', 'DISCONNECTED'],
    [1012, 'resume', 'DISCONNECTED'],
    [4400, 'stop', 'BAD_MESSAGE'],
    [4401, 'stop', 'UNAUTHENTICATED'],
    [4403, 'stop', 'FORBIDDEN'],
    [4408, 'resume', 'HELLO_TIMEOUT'],
    [4409, 'stop', 'SESSION_REPLACED'],
    [4410, 'renew', 'SESSION_OVER'],
    [4413, 'resume', 'SLOW_READER'],
    [4421, 'resume', 'NOT_LEADER'],
    [4500, 'resume', 'INTERNAL'],
    [4503, 'resume', 'OVERLOADED'],
    [4999, 'resume', 'DISCONNECTED'],
  ])('with %i means %s', (code, next, error) => {
    expect(judge(null, end(code))).toMatchObject({ next, error: { code: error } });
  });

  test('is judged by what the service said before it, and by its class when the code is not known', () => {
    expect(judge([70, 0, 0, 'DRAINING', 'after-reconnect', 'bye'], end(4503))).toMatchObject({
      next: 'resume',
      error: { code: 'DRAINING', message: 'bye' },
    });
    expect(judge([70, 0, 0, 'SHINY_NEW', 'never', 'no'], end(4999))).toMatchObject({ next: 'stop' });
    expect(judge([70, 0, 0, 'SHINY_NEW', 'same-request', 'no'], end(4999))).toMatchObject({ next: 'resume' });
  });

  test("keeps the platform's error as its cause", () => {
    const cause = new Error('ECONNREFUSED');
    expect(judge(null, { code: 1006, reason: '', cause }).error.cause).toBe(cause);
  });
});

describe('the first connect', () => {
  test('offers the subprotocol and says who it is', async () => {
    const s = await scenario({ name: 'demo 1.0 on web-1', timeout: '10s', token: 'hunter2' });
    expect(s.socket.protocols).toEqual(['holdfast.v1']);
    expect(s.socket.frames[0]).toEqual([
      [1, { client: 'demo 1.0 on web-1', resumable: true, timeoutMs: 10_000, beats: false, auth: 'hunter2' }],
    ]);
    expect(s.client.state).toBe('connected');
    expect(s.client.session).toBe('s1');
    expect(s.client.node).toBe('n1');
  });

  test('is tried again until its time-out, then rejects with the latest error as cause', async () => {
    const s = new Scenario();
    const connecting = quiet(s.begin({ connectTimeout: '3s' }));
    const fault = new Error('ECONNREFUSED');
    for (let i = 0; i < 4; i++) {
      await s.clock.advance(200);
      s.socket.drop(1006, '', fault);
    }
    expect(s.network.sockets.length).toBeGreaterThan(3);
    expect(await peek(connecting)).toBe('pending');
    await s.clock.advance(3_000);
    const error = await peek(connecting);
    expect(error).toMatchObject({ code: 'CONNECT_FAILED', retry: 'after-reconnect', name: 'ConnectionError' });
    expect((error as Error).cause).toMatchObject({ code: 'DISCONNECTED', cause: fault });
    const tries = s.network.sockets.length;
    s.socket.drop();
    await s.clock.advance(60_000);
    expect(s.network.sockets).toHaveLength(tries);
    expect(s.clock.timerCount).toBe(0);
  });

  test.each([
    ['UNAUTHENTICATED', 4401],
    ['FORBIDDEN', 4403],
  ])('rejects at once when the service says %s', async (code, close) => {
    const s = new Scenario();
    const connecting = quiet(s.begin({ token: 'wrong' }));
    await settle();
    s.socket.open();
    s.socket.say([70, 0, 0, code, 'never', 'not you']);
    s.socket.drop(close);
    expect(await peek(connecting)).toMatchObject({ code, retry: 'never', message: 'not you' });
    await s.clock.advance(60_000);
    expect(s.network.sockets).toHaveLength(1);
  });

  test('rejects with the reason of its signal, and gives the try up', async () => {
    const s = new Scenario();
    const controller = new AbortController();
    const connecting = quiet(s.begin({ signal: controller.signal }));
    await settle();
    controller.abort(new Error('enough'));
    expect(await peek(connecting)).toMatchObject({ message: 'enough' });
    expect(s.socket.closedWith).toBe(1000);
    await s.clock.advance(60_000);
    expect(s.network.sockets).toHaveLength(1);
    expect(await peek(s.begin({ signal: controller.signal }))).toMatchObject({ message: 'enough' });
    expect(s.network.sockets).toHaveLength(1);
  });

  test('a try without a welcome is given up, and the next address is tried', async () => {
    const s = new Scenario();
    void quiet(s.begin({ urls: ['ws://one', 'ws://two'] }));
    await settle();
    s.socket.open();
    const first = s.socket;
    await s.clock.advance(2_500);
    expect(first.closedWith).toBe(4100);
    await s.clock.advance(1_000);
    expect(first.isTerminated).toBe(true);
    expect(s.network.sockets[1]?.url).toBe('ws://two');
  });

  test.each([
    ['no address', []],
    ['an address that is none', 'nonsense'],
    ['another protocol', 'http://localhost:7420'],
    ['an address with a password', 'ws://user:secret@localhost'],
  ])('%s is an invalid argument, and its text is not repeated', async (_what, urls) => {
    const error = await peek(new Scenario().begin({ urls }));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect((error as Error).message).not.toContain('secret');
  });

  test.each([
    ['timeout', { timeout: '500ms' }],
    ['timeout', { timeout: '61s' }],
    ['name', { name: 'x'.repeat(129) }],
    ['token', { token: 'x'.repeat(8_193) }],
    ['resumable', { resumable: 1 as never }],
    ['connectTimeout', { connectTimeout: 0 }],
  ])('%s out of its limits is an invalid argument', async (_what, options) => {
    expect(await peek(new Scenario().begin(options))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('reconnecting', () => {
  test('goes on for ever, to the address that worked first', async () => {
    const s = await scenario({ urls: ['ws://one', 'ws://two'] });
    s.socket.drop();
    for (let i = 0; i < 20; i++) {
      await s.clock.advance(2_000);
      s.socket.drop();
    }
    const urls = s.network.sockets.map(({ url }) => url);
    expect(urls.slice(0, 4)).toEqual(['ws://one', 'ws://one', 'ws://two', 'ws://one']);
    expect(s.client.state).toBe('reconnecting');
  });

  test('only a welcome resets the backoff, not an open socket', async () => {
    const s = await scenario({ random: () => 0.999_999 });
    s.socket.drop();
    await s.clock.advance(50);
    expect(s.network.sockets).toHaveLength(2);
    s.socket.open();
    s.socket.drop();
    await s.clock.advance(99);
    expect(s.network.sockets).toHaveLength(2);
    await s.clock.advance(1);
    expect(s.network.sockets).toHaveLength(3);
    s.socket.open();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    s.socket.drop();
    await s.clock.advance(50);
    expect(s.network.sockets).toHaveLength(4);
  });

  test('a drain is sat out until the service closes; then a random part of its delay is waited, and its addresses come first (8.10)', async () => {
    const s = await scenario({ random: () => 0.5 });
    const lock = await s.hold('k', 10);
    s.socket.say([76, { reason: 'DRAINING', urls: ['ws://next:7420'], delayMs: 2_000 }]);
    await s.clock.advance(500);
    expect(lock.state).toBe('held');
    expect(s.socket.closedWith).toBeNull();
    const acquiring = s.client.acquire('j');
    await settle();
    s.socket.say([70, 2, 2, 'DRAINING', 'after-reconnect', 'leaving']);
    await s.clock.advance(200);
    expect(s.socket.closedWith).toBeNull();
    s.socket.drop(1012);
    await s.clock.advance(999);
    expect(s.network.sockets).toHaveLength(1);
    await s.clock.advance(1);
    expect(s.network.sockets).toHaveLength(2);
    expect(s.socket.url).toBe('ws://next:7420');
    s.socket.open();
    s.socket.say(s.welcome({ resumed: true }), [65, [[1, 'k', 0, 10, null]], [], true]);
    await settle();
    expect(lock.state).toBe('held');
    expect(s.socket.take().slice(1)).toEqual([[2, 2, 0, 'j', 0, null, null, 0, null]]);
    s.socket.say([66, 2, 11]);
    expect((await acquiring).isHeld()).toBe(true);
  });

  test('a node that does not lead sends the client to the one that does', async () => {
    const s = new Scenario();
    const connecting = s.begin();
    await settle();
    s.socket.open();
    s.socket.say([76, { reason: 'NOT_LEADER', urls: ['ws://leader:7420'], delayMs: 0 }]);
    s.socket.drop(4421);
    await s.clock.advance(100);
    expect(s.socket.url).toBe('ws://leader:7420');
    s.socket.open();
    s.socket.say(s.welcome());
    await connecting;
    s.socket.drop();
    await s.clock.advance(100);
    expect(s.socket.url).toBe('ws://leader:7420');
  });

  test('silence for the session time-out means that the connection is dead', async () => {
    const s = await scenario();
    const old = s.socket;
    await s.clock.advance(T + T / 20);
    expect(old.closedWith).toBe(4100);
    await s.clock.advance(100);
    expect(s.network.sockets).toHaveLength(2);
    await s.clock.advance(1_000);
    expect(old.isTerminated).toBe(true);
  });

  test('after a stall of this process, what waits in the socket is read before the connection is called dead', async () => {
    const s = await scenario();
    s.clock.stall(3 * T);
    await s.clock.advance(0);
    s.ping();
    await s.clock.advance(T - 1);
    expect(s.socket.closedWith).toBeNull();
    expect(s.client.state).toBe('connected');
  });

  test.each<[string, (s: Scenario) => void]>([
    ['a frame that cannot be read', (s) => s.socket.bytes(new Uint8Array([0xc1]))],
    ['a text message', (s) => s.socket.text()],
  ])('%s ends the connection, and the session is resumed', async (_what, breakIt) => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const old = s.socket;
    breakIt(s);
    expect(old.closedWith).toBe(4100);
    expect(lock.state).toBe('jeopardy');
    await s.redial();
    expect(s.socket.frames[0]).toMatchObject([[1, { session: 's1' }]]);
  });

  test('what arrives on a connection that was given up is not handled', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    const old = s.socket;
    await s.clock.advance(T + T / 20);
    old.say([68, 1, 1, 'REVOKED']);
    old.ping(1, 0, 0);
    old.drop();
    expect(lock.reason).toMatchObject({ why: 'DEADLINE' });
  });
});

import { describe, expect, test } from 'vitest';
import type { WatchEvent as WireEvent } from '@holdfast/protocol';
import type { WatchEvent } from '../src/watch-events.js';
import { WATCH_BUFFER_MAX } from '../src/watches.js';
import { peek, quiet, scenario } from './support/scenario.js';
import { settle } from './support/virtual-clock.js';

const granted = (key: string, request: number): WireEvent => ['granted', key, 's9', request, 0, 10 + request, null];

/** What a watch has now, without waiting for more. */
async function drain(watch: AsyncIterator<WatchEvent>): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for (;;) {
    const result = await peek(watch.next());
    if (result === 'pending' || result instanceof Error || result.done === true) return events;
    events.push(result.value);
  }
}

describe('watch', () => {
  test('gives every kind of event as a typed object with its position', async () => {
    const s = await scenario();
    const watch = s.client.watch('orders/**');
    await settle();
    expect(s.socket.take()).toEqual([[6, 1, 'orders/**', null, false]]);
    s.socket.say([77, 1, 100]);
    s.socket.say([
      71,
      1,
      101,
      [
        ['queued', 'orders/1', 's9', 4, 1, 2, { who: 'me' }],
        ['granted', 'orders/1', 's9', 4, 1, 77, null],
        ['ended', 'orders/1', 's9', 4, 'RELEASED', 77],
        ['ended', 'orders/1', 's9', 5, 'WAIT_TIMEOUT', null],
      ],
    ]);
    expect(await drain(watch)).toEqual([
      {
        kind: 'queued',
        position: 101,
        key: 'orders/1',
        session: 's9',
        request: 4,
        mode: 'shared',
        place: 2,
        meta: { who: 'me' },
      },
      {
        kind: 'granted',
        position: 101,
        key: 'orders/1',
        session: 's9',
        request: 4,
        mode: 'shared',
        token: 77,
        meta: {},
      },
      { kind: 'ended', position: 101, key: 'orders/1', session: 's9', request: 4, code: 'RELEASED', token: 77 },
      { kind: 'ended', position: 101, key: 'orders/1', session: 's9', request: 5, code: 'WAIT_TIMEOUT', token: null },
    ]);
  });

  test('can begin with the present state', async () => {
    const s = await scenario();
    const watch = s.client.watch('**', { state: true });
    await settle();
    expect(s.socket.take()).toEqual([[6, 1, '**', null, true]]);
    s.socket.say([77, 1, 100], [71, 1, 100, [['state', 'a', [['s9', 4, 0, 77, null]], 1, 3], ['synced']]]);
    expect(await drain(watch)).toEqual([
      {
        kind: 'state',
        position: 100,
        key: 'a',
        holds: [{ session: 's9', request: 4, mode: 'exclusive', token: 77, meta: {} }],
        held: 1,
        waiting: 3,
      },
      { kind: 'synced', position: 100 },
    ]);
  });

  test('begins with the call: what happens before the loop is not missed', async () => {
    const s = await scenario();
    const watch = s.client.watch('**');
    await settle();
    s.socket.say([77, 1, 100], [71, 1, 101, [granted('a', 1)]]);
    await s.clock.advance(1_000);
    const seen: string[] = [];
    for await (const event of watch) {
      seen.push(event.kind);
      break;
    }
    expect(seen).toEqual(['granted']);
    await settle();
    expect(s.socket.take()).toEqual([
      [6, 1, '**', null, false],
      [7, 1],
    ]);
  });

  test('asks again after its last position on the next connection, with a number of its own', async () => {
    const s = await scenario();
    const watch = s.client.watch('**', { after: 50 });
    await settle();
    expect(s.socket.take()).toEqual([[6, 1, '**', 50, false]]);
    s.socket.say([77, 1, 100], [71, 1, 101, [granted('a', 1)]]);
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await settle();
    expect(s.socket.take().slice(1)).toEqual([[6, 2, '**', 101, false]]);
    s.socket.say([71, 1, 102, [granted('stale', 9)]], [71, 2, 102, [granted('b', 2)]]);
    expect((await drain(watch)).map((event) => ('key' in event ? event.key : event.kind))).toEqual(['a', 'b']);
  });

  test('a quiet watch goes on after the position at which it began', async () => {
    const s = await scenario();
    s.client.watch('**');
    await settle();
    s.socket.say([77, 1, 100]);
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await settle();
    expect(s.socket.take().slice(1)).toEqual([[6, 2, '**', 100, false]]);
  });

  test('a state that was cut off is asked for again as a whole, behind a gap', async () => {
    const s = await scenario();
    const watch = s.client.watch('**', { state: true });
    await settle();
    s.socket.say([77, 1, 100], [71, 1, 99, [['state', 'a', [], 0, 1]]]);
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await settle();
    expect(s.socket.take().slice(1)).toEqual([[6, 2, '**', null, true]]);
    s.socket.say([71, 2, 105, [['state', 'b', [], 0, 1], ['synced']]]);
    expect((await drain(watch)).map(({ kind }) => kind)).toEqual(['state', 'gap', 'state', 'synced']);
  });

  test('tells what the service has lost, and goes on from there (8.9)', async () => {
    const s = await scenario();
    const watch = s.client.watch('**');
    await settle();
    s.socket.say([77, 1, 900]);
    s.socket.say([72, 1, 900, 1_500]);
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await settle();
    expect(s.socket.take().slice(1)).toEqual([[6, 2, '**', null, true]]);
    s.socket.say([71, 2, 1_600, [['synced']]], [71, 2, 1_601, [granted('a', 1)]]);
    expect(await drain(watch)).toMatchObject([
      { kind: 'gap', after: 900, position: 1_500 },
      { kind: 'synced', position: 1_600 },
      { kind: 'granted', position: 1_601 },
    ]);
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await settle();
    expect(s.socket.take().slice(1)).toEqual([[6, 3, '**', 1_601, false]]);
  });

  test('keeps no more than its buffer: a slow consumer is caught up from the service, which says what it has lost', async () => {
    const s = await scenario();
    const watch = s.client.watch('**');
    await settle();
    s.socket.say([77, 1, 0]);
    s.socket.take();
    for (let position = 1; position <= WATCH_BUFFER_MAX + 1; position++)
      s.socket.say([71, 1, position, [granted('k', position)]]);
    await settle();
    expect(s.socket.take()).toEqual([[7, 1]]);
    for (let position = 1; position <= 50; position++)
      s.socket.say([71, 1, WATCH_BUFFER_MAX + 1 + position, [granted('k', position)]]);
    for (let i = 1; i <= WATCH_BUFFER_MAX; i++) expect((await watch.next()).value).toMatchObject({ position: i });
    await settle();
    expect(s.socket.take()).toEqual([]);
    expect((await watch.next()).value).toMatchObject({ position: WATCH_BUFFER_MAX + 1 });
    await settle();
    expect(s.socket.take()).toEqual([[6, 2, '**', WATCH_BUFFER_MAX + 1, false]]);
    s.socket.say([77, 2, 9_000], [72, 2, WATCH_BUFFER_MAX + 1, 9_000], [71, 2, 9_000, [['synced']]]);
    expect(await drain(watch)).toMatchObject([
      { kind: 'gap', after: WATCH_BUFFER_MAX + 1, position: 9_000 },
      { kind: 'synced' },
    ]);
  });

  test('a watch that was taken back is not asked for on the next connection until its buffer is empty', async () => {
    const s = await scenario();
    const watch = s.client.watch('**');
    await settle();
    s.socket.say([77, 1, 0]);
    const many = Array.from({ length: WATCH_BUFFER_MAX + 1 }, (_, i) => granted('k', i));
    s.socket.say([71, 1, 1, many]);
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    await settle();
    expect(s.socket.take().slice(1)).toEqual([]);
    for (let i = 0; i <= WATCH_BUFFER_MAX; i++) await watch.next();
    await settle();
    expect(s.socket.take()).toEqual([[6, 2, '**', 1, false]]);
  });

  test('a state that is larger than the buffer is taken in as a whole', async () => {
    const s = await scenario();
    const watch = s.client.watch('**', { state: true });
    await settle();
    s.socket.take();
    const states = Array.from({ length: WATCH_BUFFER_MAX + 10 }, (_, i): WireEvent => ['state', `k${i}`, [], 0, 1]);
    s.socket.say([77, 1, 5], [71, 1, 4, states], [71, 1, 5, [['synced']]]);
    await settle();
    expect(s.socket.take()).toEqual([[7, 1]]);
    expect((await drain(watch)).at(-1)).toEqual({ kind: 'synced', position: 5 });
    await settle();
    expect(s.socket.take()).toEqual([[6, 2, '**', 5, false]]);
  });

  test('several calls of next() are answered in their order', async () => {
    const s = await scenario();
    const watch = s.client.watch('**');
    const first = watch.next();
    const second = watch.next();
    await settle();
    s.socket.say([77, 1, 0], [71, 1, 1, [granted('a', 1), granted('b', 2)]]);
    expect((await first).value).toMatchObject({ key: 'a' });
    expect((await second).value).toMatchObject({ key: 'b' });
  });

  test('a refused pattern is thrown into the loop, and other watches go on', async () => {
    const s = await scenario();
    const bad = s.client.watch('a\\');
    const good = s.client.watch('a');
    await settle();
    s.socket.say([70, 6, 1, 'BAD_PATTERN', 'never', 'a backslash before nothing']);
    expect(await peek(bad.next())).toMatchObject({ code: 'BAD_PATTERN', retry: 'never' });
    expect(await bad.next()).toEqual({ done: true, value: undefined });
    s.socket.say([77, 2, 0], [71, 2, 1, [granted('a', 1)]]);
    expect((await good.next()).value).toMatchObject({ key: 'a' });
  });

  test('a refusal that asks for a new connection is not told to the caller: the watch is asked for there', async () => {
    const s = await scenario();
    const watch = s.client.watch('a');
    await settle();
    s.socket.say([70, 6, 1, 'DRAINING', 'after-reconnect', 'leaving']);
    const next = watch.next();
    await s.breakAndRedial();
    s.socket.say(s.welcome({ resumed: true }), [65, [], [], true]);
    s.socket.say([77, 2, 0], [71, 2, 1, [granted('a', 1)]]);
    expect((await next).value).toMatchObject({ key: 'a' });
  });

  test('its signal throws the reason into the loop and takes the watch back', async () => {
    const s = await scenario();
    const controller = new AbortController();
    const watch = s.client.watch('a', { signal: controller.signal });
    const next = quiet(watch.next());
    await settle();
    s.socket.take();
    controller.abort(new Error('enough'));
    expect(await peek(next)).toMatchObject({ message: 'enough' });
    await settle();
    expect(s.socket.take()).toEqual([[7, 1]]);
    const late = s.client.watch('a', { signal: controller.signal });
    expect(await peek(late.next())).toMatchObject({ message: 'enough' });
    await settle();
    expect(s.socket.take()).toEqual([]);
  });

  test('ends with the client', async () => {
    const s = await scenario();
    const watch = s.client.watch('a');
    const next = watch.next();
    void s.client.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test('throws when the client was refused for good', async () => {
    const s = await scenario();
    const watch = s.client.watch('a');
    const next = quiet(watch.next());
    s.socket.drop(4409);
    expect(await peek(next)).toMatchObject({ code: 'SESSION_REPLACED' });
  });
});

test.each([
  ['an empty pattern', '', {}],
  ['a pattern that is too long', 'x'.repeat(1_025), {}],
  ['a position that is none', 'a', { after: -1 }],
  ['a position together with the state', 'a', { after: 1, state: true }],
])('%s is an invalid argument', async (_what, pattern, options) => {
  const s = await scenario();
  expect(() => s.client.watch(pattern, options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});

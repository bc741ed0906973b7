import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { AcquireError, HoldfastError } from '../src/errors.js';
import { peek, quiet, scenario, untyped } from './support/scenario.js';
import { settle } from './support/virtual-clock.js';

describe('acquire', () => {
  test('says nothing but key and number when nothing else was asked for, and resolves when granted', async () => {
    const s = await scenario();
    const acquiring = quiet(s.client.acquire('orders/42'));
    expect(await peek(acquiring)).toBe('pending');
    expect(s.socket.take()).toEqual([[2, 1, 0, 'orders/42', 0, null, null, 0, null]]);
    s.socket.say([66, 1, 1_002_438_656]);
    const lock = await acquiring;
    expect(lock.key).toBe('orders/42');
    expect(lock.mode).toBe('exclusive');
    expect(lock.token).toBe(1_002_438_656);
    expect(lock.state).toBe('held');
    expect(lock.isHeld()).toBe(true);
  });

  test('says mode, wait, lease, place and meta as they were asked for', async () => {
    const s = await scenario();
    void s.client.acquire('k', {
      mode: 'shared',
      wait: '1.5s',
      lease: '2m',
      meta: { who: 'me' },
      onPlace: () => undefined,
    });
    await settle();
    expect(s.socket.take()).toEqual([[2, 1, 0, 'k', 1, 1_500, 120_000, 1, { who: 'me' }]]);
  });

  test('an infinite wait is a wait without limit', async () => {
    const s = await scenario();
    void s.client.acquire('k', { wait: Number.POSITIVE_INFINITY });
    await settle();
    expect(s.socket.take()).toEqual([[2, 1, 0, 'k', 0, null, null, 0, null]]);
  });

  test('all that is said in one turn is one frame, in order', async () => {
    const s = await scenario();
    const lock = await s.hold('a', 10);
    const frames = s.socket.frames.length;
    void s.client.acquire('b');
    void lock.release();
    void s.client.acquire('c');
    await settle();
    expect(s.socket.frames.slice(frames)).toEqual([
      [
        [2, 2, 0, 'b', 0, null, null, 0, null],
        [3, 1],
        [2, 3, 0, 'c', 0, null, null, 0, null],
      ],
    ]);
  });

  test('tells the place in the queue as often as the service does, until the grant', async () => {
    const s = await scenario();
    const places: [number, number][] = [];
    const acquiring = quiet(s.client.acquire('k', { onPlace: (place, length) => places.push([place, length]) }));
    await settle();
    s.socket.say([67, 1, 3, 5]);
    s.socket.say([67, 1, 1, 4]);
    s.socket.say([66, 1, 10]);
    await acquiring;
    s.socket.say([67, 1, 9, 9]);
    expect(places).toEqual([
      [3, 5],
      [1, 4],
    ]);
  });

  test('a place listener that throws is reported and the request goes on', async () => {
    const s = await scenario();
    const fault = new Error('mine');
    const acquiring = quiet(
      s.client.acquire('k', {
        onPlace: () => {
          throw fault;
        },
      }),
    );
    await settle();
    s.socket.say([67, 1, 1, 1], [66, 1, 10]);
    expect((await acquiring).token).toBe(10);
    expect(s.reports).toEqual([fault]);
  });

  test.each([
    ['WAIT_TIMEOUT', 'never'],
    ['QUEUE_FULL', 'same-request'],
    ['REQUEST_LIMIT', 'same-request'],
    ['HELD', 'never'],
  ])('an ending with %s rejects with that code and its retry class', async (code, retry) => {
    const s = await scenario();
    const acquiring = quiet(s.client.acquire('k', { wait: '1s' }));
    await settle();
    s.socket.say([68, 1, 1, code]);
    const error = await peek(acquiring);
    expect(error).toBeInstanceOf(AcquireError);
    expect(error).toMatchObject({ code, retry, key: 'k' });
  });

  test('a code that this version does not know rejects with it, and is not retried', async () => {
    const s = await scenario();
    const acquiring = quiet(s.client.acquire('k'));
    await settle();
    s.socket.say([68, 1, 1, 'SHINY_NEW']);
    expect(await peek(acquiring)).toMatchObject({ code: 'SHINY_NEW', retry: 'never' });
  });

  test('an error that names the acquire and is never to be retried rejects it', async () => {
    const s = await scenario();
    const acquiring = quiet(s.client.acquire('k'));
    await settle();
    s.socket.say([70, 2, 1, 'FORBIDDEN', 'never', 'no right to k']);
    expect(await peek(acquiring)).toMatchObject({ code: 'FORBIDDEN', name: 'AcquireError' });
    s.socket.take();
    const next = quiet(s.client.acquire('k'));
    await settle();
    s.socket.say([66, 2, 11]);
    expect((await next).token).toBe(11);
  });

  test('a grant of an unknown number is given back', async () => {
    const s = await scenario();
    s.socket.say([66, 77, 10]);
    await settle();
    expect(s.socket.take()).toEqual([[4, 77]]);
  });

  test('a grant that comes twice is one hold', async () => {
    const s = await scenario();
    const lock = await s.hold('k', 10);
    s.socket.say([66, 1, 10]);
    await settle();
    expect(s.socket.take()).toEqual([]);
    expect(lock.isHeld()).toBe(true);
  });

  test.each<[string, unknown[]]>([
    ['an empty key', ['']],
    ['a key of more than 1,024 bytes', ['x'.repeat(1_025)]],
    ['a key with a lone surrogate', ['\ud800']],
    ['a key that is no string', [42]],
    ['an unknown mode', ['k', { mode: 'both' }]],
    ['a negative wait', ['k', { wait: -1 }]],
    ['a wait that is no duration', ['k', { wait: 'soon' }]],
    ['an infinite lease', ['k', { lease: Number.POSITIVE_INFINITY }]],
    ['a lease of nothing', ['k', { lease: 0 }]],
    ['meta with a value that is no string', ['k', { meta: { a: 1 } }]],
    [
      'meta with more than 16 entries',
      ['k', { meta: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`${i}`, ''])) }],
    ],
    ['meta of more than 1,024 bytes', ['k', { meta: { a: 'x'.repeat(1_024) } }]],
    ['a place listener that is no function', ['k', { onPlace: 1 }]],
  ])('%s is an invalid argument, and nothing is sent', async (_what, args) => {
    const s = await scenario();
    const error = await peek(untyped(s.client).acquire(...args));
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    await settle();
    expect(s.socket.take()).toEqual([]);
  });

  test('a key may be as long as this service allows, and no longer', async () => {
    const s = await scenario({ welcome: { limits: { requests: 10, watches: 1, keyBytes: 8, frameBytes: 65_536 } } });
    expect(await peek(s.client.acquire('123456789'))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await peek(s.client.acquire('12345678'))).toBe('pending');
  });
});

describe('acknowledging', () => {
  test('an acquire carries the highest ending that was handled', async () => {
    const s = await scenario();
    const first = await s.hold('a', 10);
    const second = await s.hold('b', 11);
    void first.release();
    void second.release();
    await settle();
    s.socket.say([68, 1, 4], [68, 2, 5]);
    s.socket.take();
    void s.client.acquire('c');
    await settle();
    expect(s.socket.take()).toEqual([[2, 3, 5, 'c', 0, null, null, 0, null]]);
  });

  test('an ending that is not remembered acknowledges nothing', async () => {
    const s = await scenario();
    const acquiring = quiet(s.client.acquire('a'));
    await settle();
    s.socket.say([68, 1, 0, 'REQUEST_LIMIT']);
    await peek(acquiring);
    s.socket.take();
    void s.client.acquire('b');
    await settle();
    expect(s.socket.take()).toEqual([[2, 2, 0, 'b', 0, null, null, 0, null]]);
  });
});

describe('tryAcquire', () => {
  test('does not wait, and gives null when the key is held', async () => {
    const s = await scenario();
    const trying = quiet(s.client.tryAcquire('k'));
    await settle();
    expect(s.socket.take()).toEqual([[2, 1, 0, 'k', 0, 0, null, 0, null]]);
    s.socket.say([68, 1, 3, 'HELD']);
    expect(await trying).toBeNull();
  });

  test('gives the lock when the key is free', async () => {
    const s = await scenario();
    const trying = quiet(s.client.tryAcquire('k', { mode: 'shared', lease: '1m' }));
    await settle();
    expect(s.socket.take()).toEqual([[2, 1, 0, 'k', 1, 0, 60_000, 0, null]]);
    s.socket.say([66, 1, 10, s.serverMs + 60_000]);
    expect((await trying)?.token).toBe(10);
  });

  test('rejects for every other reason', async () => {
    const s = await scenario();
    const trying = quiet(s.client.tryAcquire('k'));
    await settle();
    s.socket.say([68, 1, 0, 'REQUEST_LIMIT']);
    expect(await peek(trying)).toMatchObject({ code: 'REQUEST_LIMIT' });
  });

  test('is told at once that the service could not take it, instead of being tried again', async () => {
    const s = await scenario();
    const trying = quiet(s.client.tryAcquire('k'));
    await settle();
    s.socket.say([70, 2, 1, 'UNAVAILABLE', 'same-request', 'the log is full']);
    expect(await peek(trying)).toMatchObject({ code: 'UNAVAILABLE', retry: 'same-request' });
  });
});

describe('giving up', () => {
  test('a signal that aborts before the grant cancels, and the next acquire proceeds', async () => {
    const s = await scenario();
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const first = quiet(s.client.acquire('k', { signal: controller.signal }));
    const second = quiet(s.client.acquire('k'));
    await settle();
    s.socket.take();
    controller.abort(reason);
    expect(await peek(first)).toBe(reason);
    expect(s.socket.take()).toEqual([[4, 1]]);
    s.socket.say([68, 1, 1, 'CANCELLED'], [66, 2, 10]);
    expect((await second).isHeld()).toBe(true);
  });

  test('a grant that crosses the cancel is not used, and the next request of this session gets the lock (8.4)', async () => {
    const s = await scenario();
    const controller = new AbortController();
    const first = quiet(s.client.acquire('k', { signal: controller.signal }));
    const second = quiet(s.client.acquire('k'));
    await settle();
    controller.abort();
    expect(await peek(first)).toMatchObject({ name: 'AbortError' });
    s.socket.say([66, 1, 10]);
    s.socket.say([68, 1, 9, 'CANCELLED']);
    s.socket.say([66, 2, 11]);
    expect((await second).token).toBe(11);
    s.socket.take();
    void s.client.acquire('z');
    await settle();
    expect(s.socket.take()).toEqual([[2, 3, 9, 'z', 0, null, null, 0, null]]);
  });

  test('a refusal of the acquire that crosses the cancel changes nothing: the cancel has an answer of its own', async () => {
    const s = await scenario();
    const controller = new AbortController();
    const acquiring = quiet(s.client.acquire('k', { signal: controller.signal }));
    await settle();
    controller.abort();
    await peek(acquiring);
    s.socket.take();
    s.socket.say([70, 2, 1, 'UNAVAILABLE', 'same-request', 'later']);
    await s.clock.advance(1_000);
    expect(s.socket.take()).toEqual([]);
    s.socket.say([70, 4, 1, 'NOT_HELD', 'never', 'unknown']);
    expect((await s.hold('k', 10)).isHeld()).toBe(true);
  });

  test('a signal that has aborted already sends nothing', async () => {
    const s = await scenario();
    const reason = new Error('too late');
    expect(await peek(s.client.acquire('k', { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(s.socket.take()).toEqual([]);
  });

  test('a signal that aborts after the grant is ignored', async () => {
    const s = await scenario();
    const controller = new AbortController();
    const lock = await s.hold('k', 10, { signal: controller.signal });
    controller.abort();
    await settle();
    expect(lock.isHeld()).toBe(true);
    expect(s.socket.take()).toEqual([]);
  });

  test('nothing stays behind on a signal whose acquire has ended', async () => {
    const s = await scenario();
    const { signal } = new AbortController();
    await s.hold('a', 10, { signal });
    const refused = quiet(s.client.acquire('b', { signal }));
    await settle();
    s.socket.say([68, 2, 1, 'WAIT_TIMEOUT']);
    await peek(refused);
    s.socket.drop();
    const late = quiet(s.client.acquire('c', { signal, wait: 10 }));
    await s.clock.advance(10);
    expect(await peek(late)).toMatchObject({ code: 'WAIT_TIMEOUT' });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('a signal that aborts between the grant and the caller going on is ignored', async () => {
    const s = await scenario();
    const controller = new AbortController();
    const acquiring = quiet(s.client.acquire('k', { signal: controller.signal }));
    await settle();
    s.socket.say([66, 1, 10]);
    controller.abort();
    expect((await acquiring).isHeld()).toBe(true);
  });
});

import { describe, expect, test } from 'vitest';
import { systemClock, systemRandom, wholeMs } from '../src/clock.js';
import { parseDurationMs } from '../src/duration.js';
import { HoldfastError, refusal } from '../src/errors.js';
import { Listeners, reportUncaught } from '../src/listeners.js';
import { Liveness, shortened } from '../src/liveness.js';

describe('durations', () => {
  test.each([
    [250, 250],
    [0.4, 1],
    ['250ms', 250],
    ['5s', 5_000],
    ['1.5 m', 90_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['0.0001s', 1],
    ['0s', 0],
  ])('%j is %i ms, rounded up', (value, ms) => {
    expect(parseDurationMs(value, 'wait')).toBe(ms);
  });

  test.each([
    '',
    '5',
    's',
    '-1s',
    '1e3s',
    '5 seconds',
    'Infinity',
    Number.NaN,
    -1,
    Number.POSITIVE_INFINITY,
    2 ** 31,
    '25d',
    null,
    {},
  ])('%j is none', (value) => {
    expect(() => parseDurationMs(value, 'wait')).toThrow(HoldfastError);
    expect(() => parseDurationMs(value, 'wait')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  test('lie within their limits after rounding', () => {
    expect(() => parseDurationMs(0, 'lease', 1)).toThrow(/lease: expected 1 to/);
    expect(parseDurationMs(0.2, 'lease', 1)).toBe(1);
    expect(parseDurationMs(2 ** 31 - 1, 'lease')).toBe(2 ** 31 - 1);
  });
});

describe('liveness', () => {
  test('never takes a later hearing back', () => {
    const liveness = new Liveness();
    liveness.beginSession(5_000);
    expect(liveness.deadlineMs).toBe(Number.NEGATIVE_INFINITY);
    liveness.heard(100);
    liveness.heard(50);
    expect(liveness.deadlineMs).toBe(100 + 4_900);
  });

  test('knows nothing of server time before a pair of times came', () => {
    const liveness = new Liveness();
    liveness.beginSession(5_000);
    expect(liveness.clientMs(1_000)).toBe(Number.NEGATIVE_INFINITY);
    liveness.helloHeard(100, 9_000);
    expect(liveness.clientMs(10_000)).toBe(100 + 980);
  });

  test('an older pair of times does not replace a later one', () => {
    const liveness = new Liveness();
    liveness.beginSession(5_000);
    liveness.probeSent(1, 100);
    liveness.pongSent(1, 200);
    liveness.pongHeard(1, 9_000);
    liveness.probeHeard(1, 8_999);
    expect(liveness.clientMs(9_000)).toBe(200);
    expect(liveness.heardMs).toBe(200);
  });

  test('hearing one number settles those before it, and each proves something once', () => {
    const liveness = new Liveness();
    liveness.beginSession(5_000);
    for (let number = 1; number <= 200; number++) liveness.probeSent(number, number);
    liveness.probeHeard(10, 0);
    expect(liveness.heardMs).toBe(Number.NEGATIVE_INFINITY);
    liveness.probeHeard(150, 0);
    liveness.probeHeard(149, 0);
    expect(liveness.heardMs).toBe(150);
  });

  test('after a clock jump neither an old pair of times nor a proof of an old sending says anything', () => {
    const liveness = new Liveness();
    liveness.beginSession(5_000);
    expect(liveness.clockJumped(50, 1_000)).toBe(false);
    liveness.helloHeard(50, 9_000);
    liveness.probeSent(1, 60);
    expect(liveness.clockJumped(100, 100_000)).toBe(true);
    expect(liveness.clientMs(9_000)).toBe(Number.NEGATIVE_INFINITY);
    liveness.probeHeard(1, 9_000);
    expect(liveness.clientMs(9_000)).toBe(Number.NEGATIVE_INFINITY);
    expect(liveness.deadlineMs).toBe(Number.NEGATIVE_INFINITY);
    liveness.probeSent(2, 100);
    liveness.probeHeard(2, 9_000);
    expect(liveness.clientMs(9_000)).toBe(100);
  });

  test('numbers of an earlier connection prove nothing', () => {
    const liveness = new Liveness();
    liveness.beginSession(5_000);
    liveness.pongSent(1, 100);
    liveness.probeSent(1, 100);
    liveness.beginConnection();
    liveness.pongHeard(1, 9_000);
    liveness.probeHeard(1, 9_000);
    expect(liveness.heardMs).toBe(Number.NEGATIVE_INFINITY);
  });

  test('a session with another time-out has another deadline', () => {
    const liveness = new Liveness();
    liveness.beginSession(60_000);
    liveness.heard(0);
    expect(liveness.deadlineMs).toBe(58_800);
    expect(shortened(1_000)).toBe(980);
  });
});

describe('listeners', () => {
  test('the same function added twice is told twice and taken away one at a time', () => {
    const listeners = new Listeners<number>(reportUncaught);
    const seen: number[] = [];
    const listener = (value: number): number => seen.push(value);
    const forget = listeners.add(listener);
    listeners.add(listener);
    listeners.emit(1);
    forget();
    forget();
    listeners.emit(2);
    expect(seen).toEqual([1, 1, 2]);
  });

  test('one that goes away while being told does not take another one with it', () => {
    const listeners = new Listeners<number>(reportUncaught);
    const seen: string[] = [];
    const forget = listeners.add(() => {
      seen.push('first');
      forget();
    });
    listeners.add(() => seen.push('second'));
    listeners.emit(1);
    listeners.emit(2);
    expect(seen).toEqual(['first', 'second', 'second']);
  });
});

test('an ending is told as what it was: a refusal, or a hold that was over before it was known', () => {
  expect(refusal('k', 'HELD', null)).toMatchObject({ name: 'AcquireError', code: 'HELD', retry: 'never', key: 'k' });
  expect(refusal('k', 'QUEUE_FULL', null)).toMatchObject({ retry: 'same-request' });
  expect(refusal('k', 'REVOKED', { by: 'ops' })).toMatchObject({
    name: 'LockLostError',
    why: 'REVOKED',
    detail: { by: 'ops' },
  });
});

test("the system's clock and chance are what they say", async () => {
  const beginMs = systemClock.nowMs();
  await new Promise<void>((resolve) => systemClock.setTimer(1, resolve, true));
  expect(systemClock.nowMs()).toBeGreaterThan(beginMs);
  const never = systemClock.setTimer(1, () => expect.unreachable());
  systemClock.clearTimer(never);
  expect(Math.abs(systemClock.wallMs() - Date.now())).toBeLessThan(60_000);
  const chance = systemRandom();
  expect(chance >= 0 && chance < 1).toBe(true);
  expect([wholeMs(0), wholeMs(0.2), wholeMs(1.2)]).toEqual([1, 1, 2]);
});

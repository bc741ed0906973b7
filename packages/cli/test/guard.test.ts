import { beforeEach, describe, expect, test } from 'vitest';
import { Guard } from '../src/run/guard.js';
import type { RunEvent } from '../src/run/report.js';
import { FakeLock } from './support/fake-lock.js';
import { VirtualClock } from './support/virtual-clock.js';

const grace = { killAfterMs: 1_000, marginMs: 250 };
let clock: VirtualClock;
let lock: FakeLock;
let sent: string[];
let said: RunEvent[];

beforeEach(() => {
  clock = new VirtualClock();
  lock = new FakeLock();
  sent = [];
  said = [];
});

function guardWith(options: { onLost?: 'term' | 'ignore'; leased?: boolean } = {}): Guard {
  return new Guard({
    lock,
    group: {
      terminate: () => sent.push(`TERM ${clock.nowMs()}`),
      kill: () => sent.push(`KILL ${clock.nowMs()}`),
    },
    grace,
    clock,
    report: (event) => said.push(event),
    onLost: options.onLost ?? 'term',
    leased: options.leased ?? false,
  });
}

/** The session was last heard at this time and has a time-out of 5 s. */
function heardAt(heardMs: number): void {
  lock.validity = () => heardMs + 5_000 - clock.nowMs();
}

const reported = (): readonly string[] => said.map(({ event }) => event);

describe('a connection that does not come back', () => {
  test('the group gets TERM with the whole grace left, and KILL one margin before the deadline', () => {
    heardAt(0);
    const guard = guardWith();
    lock.become('jeopardy');
    clock.advanceTo(10_000);
    expect(sent).toEqual(['TERM 3750', 'KILL 4750']);
    expect(guard.endedForLock).toBe(true);
    expect(reported()).toEqual(['jeopardy', 'ending', 'killed']);
  });

  test('the same happens when the lock still says held, because only the deadline counts', () => {
    heardAt(0);
    guardWith();
    clock.advanceTo(10_000);
    expect(sent).toEqual(['TERM 3750', 'KILL 4750']);
  });
});

describe('a connection that comes back', () => {
  test('in time, nothing is ended', () => {
    heardAt(0);
    const guard = guardWith();
    lock.become('jeopardy');
    clock.advanceTo(3_700);
    heardAt(3_700);
    lock.become('held');
    clock.advanceTo(7_000);
    expect(sent).toEqual([]);
    expect(guard.endedForLock).toBe(false);
    expect(reported()).toEqual(['jeopardy', 'safe']);
  });

  test('after TERM, the command is ended all the same, with its whole grace', () => {
    heardAt(0);
    guardWith();
    clock.advanceTo(3_800);
    heardAt(3_800);
    clock.advanceTo(10_000);
    expect(sent).toEqual(['TERM 3750', 'KILL 4750']);
  });

  test('a session that is heard again and again is left alone for as long as that goes on', () => {
    guardWith();
    for (let nowMs = 0; nowMs <= 60_000; nowMs += 1_667) {
      heardAt(nowMs);
      clock.advanceTo(nowMs + 1_667);
    }
    expect(sent).toEqual([]);
  });
});

describe('a sudden loss', () => {
  test('the group gets TERM at once and KILL after the grace', () => {
    const guard = guardWith();
    clock.advanceTo(2_000);
    lock.become('lost', 'revoked by ops: stuck');
    clock.advanceTo(10_000);
    expect(sent).toEqual(['TERM 2000', 'KILL 3000']);
    expect(guard.endedForLock).toBe(true);
    expect(said[0]).toEqual({
      event: 'lost',
      key: 'nightly',
      code: 'REVOKED',
      text: 'revoked by ops: stuck',
      ignored: false,
    });
  });

  test('the grace is cut short by the deadline that was known before', () => {
    heardAt(0);
    guardWith();
    clock.jumpTo(4_500);
    lock.become('lost', 'session over');
    clock.advanceTo(10_000);
    expect(sent).toEqual(['TERM 4500', 'KILL 4750']);
  });

  test('a loss before the guard began is found', () => {
    lock.become('lost', 'revoked');
    guardWith();
    expect(sent).toEqual(['TERM 0', 'KILL 0']);
  });
});

describe('time that passed unseen', () => {
  test('a deadline passed in a suspended machine means TERM and KILL together at the first look', () => {
    heardAt(0);
    guardWith();
    clock.jumpTo(90_000);
    clock.advanceTo(90_001);
    expect(sent).toEqual(['TERM 90000', 'KILL 90000']);
  });

  test('the deadline is looked at every second, although it is hours away', () => {
    guardWith();
    heardAt(-60_000);
    clock.advanceTo(1_000);
    expect(sent).toEqual(['TERM 1000', 'KILL 1000']);
  });
});

describe('a lease', () => {
  test('the command is ended before it is over, and told so', () => {
    lock.validity = () => 30_000 - clock.nowMs();
    guardWith({ leased: true });
    clock.advanceTo(60_000);
    expect(sent).toEqual(['TERM 28750', 'KILL 29750']);
    expect(said[0]).toEqual({ event: 'ending', key: 'nightly', why: 'lease', validForMs: 1_250 });
  });
});

describe('with --on-lost=ignore', () => {
  test('a loss is reported once and nothing is ended', () => {
    heardAt(0);
    const guard = guardWith({ onLost: 'ignore' });
    lock.become('jeopardy');
    clock.advanceTo(6_000);
    lock.become('lost', 'session over');
    clock.advanceTo(20_000);
    expect(sent).toEqual([]);
    expect(guard.endedForLock).toBe(false);
    expect(reported()).toEqual(['jeopardy', 'lost']);
  });

  test('what the command leaves behind is still ended, with its whole grace', () => {
    const guard = guardWith({ onLost: 'ignore' });
    lock.become('lost', 'session over');
    guard.end();
    clock.advanceTo(5_000);
    expect(sent).toEqual(['TERM 0', 'KILL 1000']);
  });
});

describe('stopping', () => {
  test('a stopped guard has no timer and no listener left', () => {
    const guard = guardWith();
    guard.stop();
    expect(clock.pending).toBe(0);
    expect(lock.listening).toBe(0);
  });
});

import { describe, expect, test } from 'vitest';
import { graceProblem, marginFor, nextStep } from '../src/run/deadline.js';

const grace = { killAfterMs: 1_000, marginMs: 250 };
const healthy = { nowMs: 0, deadlineMs: 5_000, lost: false, termAtMs: null };

describe('the next step', () => {
  test('nothing happens while the whole grace and the margin fit before the deadline', () => {
    expect(nextStep(healthy, grace)).toEqual({ act: 'wait', delayMs: 3_750 });
    expect(nextStep({ ...healthy, nowMs: 3_749 }, grace)).toEqual({ act: 'wait', delayMs: 1 });
  });

  test('TERM comes when only the grace and the margin are left', () => {
    expect(nextStep({ ...healthy, nowMs: 3_750 }, grace)).toEqual({ act: 'term' });
  });

  test('a lost lock means TERM at once, however far the deadline was', () => {
    expect(nextStep({ ...healthy, lost: true }, grace)).toEqual({ act: 'term' });
  });

  test('KILL comes one margin before the deadline when TERM was late', () => {
    const late = { ...healthy, nowMs: 4_500, termAtMs: 4_500 };
    expect(nextStep(late, grace)).toEqual({ act: 'wait', delayMs: 250 });
    expect(nextStep({ ...late, nowMs: 4_750 }, grace)).toEqual({ act: 'kill' });
  });

  test('KILL comes when the grace is over, although the lock is safe again', () => {
    const safeAgain = { nowMs: 2_000, deadlineMs: 9_000, lost: false, termAtMs: 1_500 };
    expect(nextStep(safeAgain, grace)).toEqual({ act: 'wait', delayMs: 500 });
    expect(nextStep({ ...safeAgain, nowMs: 2_500 }, grace)).toEqual({ act: 'kill' });
  });

  test('past the deadline there is no grace', () => {
    const past = { nowMs: 9_000, deadlineMs: 5_000, lost: true, termAtMs: 9_000 };
    expect(nextStep(past, grace)).toEqual({ act: 'kill' });
  });

  test('TERM is due exactly when the grace and the margin do not fit any more', () => {
    for (let nowMs = 0; nowMs <= 5_000; nowMs += 10) {
      expect(nextStep({ ...healthy, nowMs }, grace).act).toBe(nowMs >= 3_750 ? 'term' : 'wait');
    }
  });

  test('within the margin there is nothing but KILL, whenever TERM was', () => {
    for (let nowMs = 4_750; nowMs <= 5_000; nowMs += 10) {
      for (const termAtMs of [3_750, 4_500, nowMs]) {
        expect(nextStep({ ...healthy, nowMs, termAtMs }, grace)).toEqual({ act: 'kill' });
      }
    }
  });
});

describe('limits that cannot keep the promise are refused', () => {
  test('the default limits fit', () => {
    expect(graceProblem({ killAfterMs: 1_000, marginMs: marginFor(5_000) }, 5_000, null)).toBeNull();
  });

  test('a grace that takes more than half of the session time-out is refused, with the time-out that would do', () => {
    expect(graceProblem({ killAfterMs: 5_000, marginMs: 250 }, 5_000, null)).toContain('--timeout 10500ms');
  });

  test('a lease that is over within the grace is refused', () => {
    expect(graceProblem(grace, 5_000, 1_250)).toContain('--lease');
    expect(graceProblem(grace, 5_000, 1_251)).toBeNull();
  });

  test('the margin is a twentieth of the time-out, from 100 ms to 1 s', () => {
    expect([1_000, 5_000, 60_000].map((timeoutMs) => marginFor(timeoutMs))).toEqual([100, 250, 1_000]);
  });
});

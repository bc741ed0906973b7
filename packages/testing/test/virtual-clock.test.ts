import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../src/virtual-clock.js';

describe('a turn of the virtual clock', () => {
  it('runs due timers in the order of their times, then the poll, then what waits for after it', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    clock.afterPoll(() => order.push('after'));
    clock.atPoll(() => order.push('poll'));
    clock.setTimer(20, () => order.push('late timer'));
    clock.setTimer(10, () => order.push('early timer'));
    clock.setTimer(20, () => order.push('late timer, set later'));
    clock.setTimer(21, () => order.push('not due'));
    clock.stall(20);
    await clock.turn();
    expect(order).toEqual(['early timer', 'late timer', 'late timer, set later', 'poll', 'after']);
  });

  it('runs microtasks between any two callbacks', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    for (const name of ['first', 'second']) {
      clock.setTimer(1, () => {
        order.push(name);
        queueMicrotask(() => {
          queueMicrotask(() => order.push(`microtask of the ${name}`));
        });
      });
    }
    clock.stall(1);
    await clock.turn();
    expect(order).toEqual(['first', 'microtask of the first', 'second', 'microtask of the second']);
  });

  it('leaves what its callbacks add to the next one', async () => {
    const clock = new VirtualClock();
    let runs = 0;
    const again = (): void => {
      runs += 1;
      clock.setTimer(0, again);
      clock.afterPoll(() => clock.atPoll(() => (runs += 100)));
    };
    clock.setTimer(0, again);
    clock.stall(1);
    await clock.turn();
    expect(runs).toBe(1);
  });

  it('does not run a timer that an earlier one cleared', async () => {
    const clock = new VirtualClock();
    let fired = false;
    clock.setTimer(1, () => clock.clearTimer(second));
    const second = clock.setTimer(1, () => (fired = true));
    await clock.advance(1);
    expect(fired).toBe(false);
    expect(clock.timerCount).toBe(0);
  });
});

describe('advancing the virtual clock', () => {
  it('stops at the time of each timer, those set on the way too, and moves the wall clock along', async () => {
    const clock = new VirtualClock({ nowMs: 0, wallMs: 1_000 });
    const times: number[] = [];
    const every = (): void => {
      times.push(clock.nowMs());
      clock.setTimer(30, every);
    };
    clock.setTimer(30, every);
    await clock.advance(100);
    expect(times).toEqual([30, 60, 90]);
    expect(clock.nowMs()).toBe(100);
    expect(clock.wallMs()).toBe(1_100);
    expect(clock.nextTimerMs).toBe(120);
  });
});

it('a loop that spins without time passing is reported', async () => {
  const clock = new VirtualClock();
  const spin = (): void => clock.afterPoll(spin);
  spin();
  await expect(clock.settle()).rejects.toThrow('still busy');
});

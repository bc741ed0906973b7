import { describe, expect, it } from 'vitest';
import { SimulatedProcess, type ProcessOptions } from '../../src/simulator/process.js';
import { Scheduler } from '../../src/simulator/scheduler.js';

function start(options: Partial<ProcessOptions> = {}): {
  scheduler: Scheduler;
  process: SimulatedProcess;
  log: string[];
} {
  const scheduler = new Scheduler();
  const process = new SimulatedProcess(scheduler, {
    rate: 1,
    wallMs: 1_000_000,
    timersFirst: true,
    tickPhase: 0,
    ...options,
  });
  return { scheduler, process, log: [] };
}

describe('a simulated process', () => {
  it('reads its sockets, then runs what is to come after the poll, then its timers', async () => {
    const { scheduler, process, log } = start();
    process.setTimer(10, () => log.push('timer'));
    scheduler.at(10, () => {
      process.deliver(() => log.push('first socket'));
      process.deliver(() => {
        log.push('second socket');
        process.afterPoll(() => log.push('after the poll'));
      });
    });
    // The wake-up for the timer was scheduled first, so the arrival is part of the turn that it begins.
    await scheduler.run();
    expect(log).toEqual(['first socket', 'second socket', 'after the poll', 'timer']);
  });

  it.each([
    [true, ['timer', 'socket', 'after the poll']],
    [false, ['socket', 'after the poll', 'timer']],
  ])('with timersFirst %s a stall ends in this order: %j', async (timersFirst, order) => {
    const { scheduler, process, log } = start({ timersFirst });
    process.setTimer(10, () => log.push('timer'));
    scheduler.at(1, () => process.stall(500));
    scheduler.at(100, () =>
      process.deliver(() => {
        log.push('socket');
        process.afterPoll(() => log.push('after the poll'));
      }),
    );
    scheduler.at(499, () => expect(log).toEqual([]));
    await scheduler.run();
    expect(log).toEqual(order);
    expect(scheduler.nowMs).toBe(501);
  });

  it('runs every microtask of a callback before the next callback', async () => {
    const { scheduler, process, log } = start();
    process.setTimer(5, () => {
      log.push('first');
      void Promise.resolve()
        .then(() => log.push('its microtask'))
        .then(() => log.push('and the one after it'));
    });
    process.setTimer(5, () => log.push('second'));
    await scheduler.run();
    expect(log).toEqual(['first', 'its microtask', 'and the one after it', 'second']);
  });

  it('fires timers in the order of their due times, and those that are due together in the order in which they were set', async () => {
    const { scheduler, process, log } = start();
    process.setTimer(20, () => log.push('20'));
    process.setTimer(10, () => log.push('10 a'));
    const cleared = process.setTimer(10, () => log.push('cleared'));
    process.setTimer(10, () => log.push('10 b'));
    process.clearTimer(cleared);
    await scheduler.run();
    expect(log).toEqual(['10 a', '10 b', '20']);
    expect(process.timerCount).toBe(0);
  });

  it('a timer that is set again and again without delay lets time pass', async () => {
    const { scheduler, process, log } = start({ rate: 0.993, tickPhase: 0.37 });
    const again = (): void => {
      log.push('again');
      if (log.length < 1_000) process.setTimer(0, again);
    };
    again();
    await scheduler.run();
    expect(log).toHaveLength(1_000);
    expect(scheduler.nowMs).toBeGreaterThan(999);
  });

  it('cuts fractions of delays off, so a timer may fire a fraction of a millisecond early', async () => {
    const { scheduler, process } = start({ tickPhase: 0.5 });
    let firedMs = 0;
    scheduler.at(0.4, () => {
      process.setTimer(1.9, () => {
        firedMs = scheduler.nowMs;
      });
    });
    await scheduler.run();
    expect(firedMs).toBeCloseTo(0.5, 6);
  });

  it('has clocks of its own rate, and a wall clock that is set without the monotonic one', () => {
    const { scheduler, process } = start({ rate: 1.01 });
    const startMs = process.nowMs();
    scheduler.at(1_000, () => {
      expect(process.nowMs() - startMs).toBeCloseTo(1_010, 6);
      process.jumpWall(-5_000);
      expect(process.wallMs()).toBeCloseTo(1_000_000 + 1_010 - 5_000, 6);
      expect(process.nowMs() - startMs).toBeCloseTo(1_010, 6);
    });
    return scheduler.run();
  });

  it('a suspended machine has a monotonic clock that stands still and a wall clock that goes on, and is not healed', async () => {
    const { scheduler, process, log } = start();
    const startMs = process.nowMs();
    process.setTimer(100, () => log.push(`timer at ${scheduler.nowMs}`));
    scheduler.at(40, () => process.suspend(1_000, () => log.push('woken')));
    scheduler.at(100, () => process.heal());
    scheduler.at(500, () => {
      expect(process.nowMs() - startMs).toBe(40);
      expect(process.wallMs()).toBe(1_000_500);
    });
    await scheduler.run();
    expect(log).toEqual(['woken', 'timer at 1100']);
    expect(process.wallMs()).toBe(1_001_100);
  });

  it('nothing of a dead process runs, whatever arrives for it and whatever promises resolve', async () => {
    const { scheduler, process, log } = start();
    process.setTimer(10, () => log.push('timer'));
    process.deliver(() => {
      log.push('before');
      process.afterPoll(() => log.push('after the poll'));
    });
    scheduler.at(5, () => {
      process.deliver(() => log.push('delivered'));
      process.kill();
      process.deliver(() => log.push('delivered late'));
      process.setTimer(1, () => log.push('set late'));
    });
    await scheduler.run();
    expect(log).toEqual(['before', 'after the poll']);
  });

  it('a stall that a longer one overtakes does not end early, and heals at once when it is told to', async () => {
    const { scheduler, process, log } = start();
    scheduler.at(1, () => process.stall(10));
    scheduler.at(5, () => process.stall(100));
    scheduler.at(6, () => process.deliver(() => log.push(`read at ${scheduler.nowMs}`)));
    scheduler.at(50, () => process.heal());
    await scheduler.run();
    expect(log).toEqual(['read at 50']);
  });
});

describe('the scheduler', () => {
  it('ends with an error when no time passes any more', async () => {
    const scheduler = new Scheduler();
    const spin = (): void => scheduler.after(0, spin);
    spin();
    await expect(scheduler.run()).rejects.toThrow('no time passed');
  });

  it('stops when it is told to, even when there is more to come', async () => {
    const scheduler = new Scheduler();
    let ran = 0;
    scheduler.at(1, () => {
      scheduler.stop();
      scheduler.after(1, () => {
        ran += 1;
      });
    });
    await scheduler.run();
    expect(ran).toBe(0);
  });

  it('rejects with what an event threw, and runs nothing after it', async () => {
    const scheduler = new Scheduler();
    let ran = 0;
    scheduler.at(1, () => {
      throw new Error('broken');
    });
    scheduler.at(2, () => {
      ran += 1;
    });
    await expect(scheduler.run()).rejects.toThrow('broken');
    expect(ran).toBe(0);
  });
});

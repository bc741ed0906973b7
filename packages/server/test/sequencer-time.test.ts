import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../testing/src/index.js';
import { MemoryLog } from '../src/log/memory.js';
import { Bench, acquire, onScript, open, requestsOf } from './support/sequencer-bench.js';

describe('deadlines', () => {
  it('append an empty entry when nothing is said, after a poll', async () => {
    const { log, bench } = await onScript();
    log.automatic();
    bench.sequencer.propose(acquire(1, 'a', 1_000));
    await bench.clock.turn();
    const end = bench.machine.nextDueMs;
    await bench.clock.advance(999);
    expect(bench.entries).toHaveLength(1);
    await bench.clock.advance(1);
    expect(bench.entries.at(-1)).toMatchObject({ nowMs: end, commands: [] });
    expect(bench.effects.at(-1)).toMatchObject({ type: 'ended', code: 'LEASE_OVER' });
  });

  it('an extend that waits in a socket goes before the deadline that it is about', async () => {
    const { log, bench } = await onScript();
    log.automatic();
    bench.sequencer.propose(acquire(1, 'a', 1_000));
    await bench.clock.turn();
    bench.clock.stall(999.5);
    bench.clock.stall(0.4);
    bench.clock.atPoll(() => bench.sequencer.propose({ type: 'extend', session: 's', request: 1, leaseMs: 5_000 }));
    await bench.clock.turn();
    expect(bench.effects.at(-1)).toMatchObject({ type: 'extended' });
    await bench.clock.advance(4_000);
    expect(bench.machine.heldCount).toBe(1);
    await bench.clock.advance(1_000);
    expect(bench.machine.heldCount).toBe(0);
  });

  it('a release that was read after a stall is in the entry that lets the time pass', async () => {
    const { log, bench } = await onScript();
    log.automatic();
    bench.sequencer.propose(acquire(1, 'a', 1_000));
    await bench.clock.turn();
    bench.entries.length = 0;
    bench.clock.stall(3_000);
    bench.clock.atPoll(() => bench.sequencer.propose(acquire(2, 'b')));
    await bench.clock.settle();
    expect(bench.entries.map(({ commands }) => requestsOf(commands))).toEqual([[2]]);
    expect(bench.machine.heldCount).toBe(1);
  });

  it('an earlier deadline moves the timer, and the later one still fires', async () => {
    const { log, bench } = await onScript();
    log.automatic();
    bench.sequencer.propose(acquire(1, 'a', 5_000));
    await bench.clock.turn();
    bench.sequencer.propose(acquire(2, 'b', 1_000));
    await bench.clock.advance(1_000);
    expect(bench.effects.filter(({ type }) => type === 'ended')).toHaveLength(1);
    await bench.clock.advance(4_000);
    expect(bench.effects.filter(({ type }) => type === 'ended')).toHaveLength(2);
    expect(bench.clock.timerCount).toBe(0);
  });

  it('one empty entry is enough, however slow the log is', async () => {
    const { log, bench } = await onScript();
    bench.sequencer.propose(acquire(1, 'a', 1_000));
    await bench.clock.turn();
    log.commit();
    await bench.clock.turn();
    bench.sequencer.propose(acquire(2, 'b'));
    await bench.clock.advance(1_000);
    expect(log.underWay.map(({ commands }) => commands.length)).toEqual([1, 0]);
    // Applying what came before the deadline must not ask for what is under way already.
    log.commit();
    await bench.clock.advance(50);
    expect(log.underWay.map(({ commands }) => commands.length)).toEqual([0]);
    log.commit();
    await bench.clock.turn();
    expect(bench.effects.at(-1)).toMatchObject({ type: 'ended', code: 'LEASE_OVER' });
  });
});

describe('log time', () => {
  it('never goes back, and continues from the last entry when a kept log is opened again', async () => {
    const log = new MemoryLog({ keepEntries: true });
    const first = new Bench(log, new VirtualClock({ nowMs: 50_000 }));
    await first.sequencer.start();
    first.sequencer.propose(open('s'));
    await first.clock.advance(10_000.7);
    first.sequencer.propose(acquire(1, 'a', 60_000));
    await first.clock.turn();
    const { nowMs } = first.machine;
    first.sequencer.stop();

    const second = new Bench(log, new VirtualClock({ nowMs: 3 }));
    await second.sequencer.start();
    expect(second.sequencer.term).toBe(first.sequencer.term + 1);
    expect(second.machine.heldCount).toBe(1);
    expect(second.machine.nowMs).toBe(nowMs);
    expect(second.sequencer.nowMs()).toBe(nowMs);
    await second.clock.advance(59_999);
    expect(second.machine.heldCount).toBe(1);
    await second.clock.advance(1);
    expect(second.machine.heldCount).toBe(0);
    expect(second.entries.every(({ nowMs: at }) => Number.isInteger(at))).toBe(true);
  });

  it('a wall clock that jumps changes nothing', async () => {
    const { log, bench } = await onScript();
    log.automatic();
    bench.sequencer.propose(acquire(1, 'a', 1_000));
    await bench.clock.turn();
    bench.clock.setWall(0);
    await bench.clock.advance(999);
    bench.clock.setWall(Date.UTC(2090, 0, 1));
    await bench.clock.settle();
    expect(bench.machine.heldCount).toBe(1);
  });
});

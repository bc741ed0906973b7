import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../testing/src/index.js';
import { MemoryLog } from '../src/log/memory.js';
import type { LogPort } from '../src/log/port.js';
import { tokenFloor } from '../src/sequencer.js';
import { Bench, acquire, open } from './support/sequencer-bench.js';

const SECOND_OF_TOKENS = 2 ** 22;

describe('fencing tokens', () => {
  async function oneToken(log: LogPort, clock: VirtualClock): Promise<number> {
    const bench = new Bench(log, clock);
    await bench.sequencer.start();
    bench.sequencer.propose(open('s'));
    bench.sequencer.propose(acquire(1, 'a'));
    await clock.turn();
    bench.sequencer.stop();
    const token = bench.tokens[0];
    if (token === undefined) throw new Error('nothing was granted');
    return token;
  }

  it('grow over a restart of the memory engine in a later second', async () => {
    const clock = new VirtualClock();
    const first = await oneToken(new MemoryLog(), clock);
    await clock.advance(1_000);
    expect(await oneToken(new MemoryLog(), clock)).toBeGreaterThan(first);
  });

  it('grow over a reopening of one log within the same second', async () => {
    const clock = new VirtualClock();
    const log = new MemoryLog({ keepEntries: true });
    const bench = new Bench(log, clock);
    await bench.sequencer.start();
    bench.sequencer.propose(open('s'));
    bench.sequencer.propose(acquire(1, 'a'));
    await clock.turn();
    bench.sequencer.stop();
    const next = new Bench(log, clock);
    await next.sequencer.start();
    next.sequencer.propose(acquire(2, 'b'));
    await clock.turn();
    expect(next.tokens[0]).toBeGreaterThan(bench.tokens[0] ?? Infinity);
  });

  it('grow when the wall clock was set back before the log was opened again', async () => {
    const clock = new VirtualClock();
    const log = new MemoryLog({ keepEntries: true });
    const first = await oneToken(log, clock);
    clock.setWall(0);
    const next = new Bench(log, clock);
    await next.sequencer.start();
    next.sequencer.propose(acquire(2, 'b'));
    await clock.turn();
    expect(next.tokens[0]).toBeGreaterThan(first);
  });

  it('grow over two memory engines that begin in the same second of one process', async () => {
    const clock = new VirtualClock();
    const first = await oneToken(new MemoryLog(), clock);
    await clock.advance(1);
    expect(await oneToken(new MemoryLog(), clock)).toBeGreaterThan(first);
  });

  it('start at a floor that is a safe integer until 2093, and never below zero', () => {
    expect(tokenFloor(Date.UTC(2025, 0, 1))).toBe(0);
    expect(tokenFloor(Date.UTC(2025, 0, 1, 0, 0, 1))).toBe(SECOND_OF_TOKENS);
    expect(tokenFloor(0)).toBe(0);
    expect(Number.isSafeInteger(tokenFloor(Date.UTC(2093, 0, 1)))).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import { LogFailure } from '../src/log/port.js';
import { Bench, acquire, grantsOf, onScript, requestsOf, scripted } from './support/sequencer-bench.js';

describe('commit, then apply', () => {
  it('says nothing before its append has resolved', async () => {
    const { log, bench } = await onScript();
    bench.sequencer.propose(acquire(1, 'a'));
    await bench.clock.advance(60_000);
    expect(log.underWay).toHaveLength(1);
    expect(bench.effects).toEqual([]);
    expect(bench.machine.heldCount).toBe(0);
    log.commit();
    await bench.clock.turn();
    expect(grantsOf(bench.effects)).toEqual([1]);
  });

  it('puts the commands of one turn into one entry, in their order', async () => {
    const { log, bench } = await onScript();
    bench.sequencer.propose(acquire(1, 'a'));
    bench.sequencer.propose(acquire(2, 'b'));
    bench.sequencer.propose(acquire(3, 'c'));
    await bench.clock.turn();
    expect(log.underWay.map((entry) => requestsOf(entry.commands))).toEqual([[1, 2, 3]]);
  });

  it('applies several appends under way in the order in which they were called', async () => {
    const { log, bench } = await onScript();
    for (const request of [1, 2, 3]) {
      bench.sequencer.propose(acquire(request, `key ${request}`));
      await bench.clock.turn();
    }
    expect(log.underWay).toHaveLength(3);
    log.commit(2);
    await bench.clock.turn();
    expect(grantsOf(bench.effects)).toEqual([1, 2]);
    log.commit();
    await bench.clock.turn();
    expect(grantsOf(bench.effects)).toEqual([1, 2, 3]);
    expect(bench.entries.map(({ index }) => index)).toEqual([3, 4, 5]);
  });
});

describe('an append that fails', () => {
  it('refused: is fenced and silent, also about what was under way and gathered', async () => {
    const { log, bench } = await onScript();
    bench.sequencer.propose(acquire(1, 'a'));
    await bench.clock.turn();
    bench.sequencer.propose(acquire(2, 'b'));
    await bench.clock.turn();
    log.refuse();
    bench.sequencer.propose(acquire(3, 'c'));
    await bench.clock.settle();
    expect(bench.fenced).toHaveLength(1);
    expect(bench.effects).toEqual([]);
    expect(bench.failed).toEqual([]);
    expect(log.underWay).toEqual([]);
    expect(bench.clock.timerCount).toBe(0);
  });

  it('not landed: gives the commands back and goes on at the same index', async () => {
    const { log, bench } = await onScript();
    const index = bench.machine.index + 1;
    bench.sequencer.propose(acquire(1, 'a'));
    await bench.clock.turn();
    bench.sequencer.propose(acquire(2, 'b'));
    await bench.clock.turn();
    log.miss();
    await bench.clock.turn();
    expect(requestsOf(bench.failed)).toEqual([1, 2]);
    expect(bench.fenced).toEqual([]);
    bench.sequencer.propose(acquire(1, 'a'));
    await bench.clock.turn();
    expect(log.underWay.map((entry) => entry.index)).toEqual([index]);
    log.commit();
    await bench.clock.turn();
    expect(grantsOf(bench.effects)).toEqual([1]);
  });

  it.each([0, 1, 2])(
    'unknown: reads back which of two landed (%i), each with its effects exactly once',
    async (landed) => {
      const { log, bench } = await onScript();
      const index = bench.machine.index + 1;
      for (const request of [1, 2]) {
        bench.sequencer.propose(acquire(request, `key ${request}`));
        await bench.clock.turn();
      }
      log.lose(landed);
      await bench.clock.settle();
      expect(grantsOf(bench.effects)).toEqual([1, 2].slice(0, landed));
      expect(requestsOf(bench.failed)).toEqual([1, 2].slice(landed));
      expect(bench.fenced).toEqual([]);
      bench.sequencer.propose(acquire(3, 'c'));
      await bench.clock.turn();
      expect(log.underWay.map((entry) => entry.index)).toEqual([index + landed]);
      log.commit();
      await bench.clock.settle();
      expect(grantsOf(bench.effects)).toEqual([...[1, 2].slice(0, landed), 3]);
    },
  );

  it('unknown: what is proposed in the turn of the failure waits until the log was read back', async () => {
    const { log, bench } = await onScript();
    bench.sequencer.propose(acquire(1, 'a'));
    await bench.clock.turn();
    // The command is gathered first, so its flush is queued behind the failure and runs while the log is being read.
    log.lose(1);
    bench.sequencer.propose(acquire(2, 'b'));
    await bench.clock.settle();
    expect(grantsOf(bench.effects)).toEqual([1]);
    expect(log.underWay.map((entry) => requestsOf(entry.commands))).toEqual([[2]]);
    log.commit();
    await bench.clock.settle();
    expect(grantsOf(bench.effects)).toEqual([1, 2]);
    expect(bench.failed).toEqual([]);
  });

  it.each([true, false])(
    'unknown: later appends end before the log is read back (the first landed: %s)',
    async (landed) => {
      const { log, bench } = await onScript();
      for (const request of [1, 2, 3]) {
        bench.sequencer.propose(acquire(request, `key ${request}`));
        await bench.clock.turn();
      }
      log.loseOldest(landed);
      await bench.clock.settle();
      if (landed) log.commit();
      await bench.clock.settle();
      expect(log.readCount).toBe(1); // that of the start
      expect(bench.effects).toEqual([]);
      if (landed) log.commit();
      else log.miss();
      await bench.clock.settle();
      expect(grantsOf(bench.effects)).toEqual(landed ? [1, 2, 3] : []);
      expect(requestsOf(bench.failed)).toEqual(landed ? [] : [1, 2, 3]);
      expect(bench.fenced).toEqual([]);
    },
  );

  it('unknown, and the log cannot be read: is fenced, and does not claim that nothing happened', async () => {
    const { log, bench } = await onScript();
    bench.sequencer.propose(acquire(1, 'a'));
    await bench.clock.turn();
    log.unreadable = true;
    log.lose(1);
    await bench.clock.settle();
    expect(bench.fenced).toHaveLength(1);
    expect(bench.failed).toEqual([]);
    expect(bench.effects).toEqual([]);
  });

  it('unknown, and somebody else has written: is fenced and silent', async () => {
    const { log, bench } = await onScript();
    bench.sequencer.propose(acquire(1, 'a'));
    await bench.clock.turn();
    log.lose(0);
    log.intrude({ index: bench.machine.index + 1, term: 9, nowMs: bench.machine.nowMs, commands: [] });
    await bench.clock.settle();
    expect(bench.fenced).toHaveLength(1);
    expect(bench.failed).toEqual([]);
    expect(bench.effects).toEqual([]);
  });

  it('unknown, and stopped meanwhile: what landed is said, and nothing more is appended', async () => {
    const { log, bench } = await onScript();
    bench.sequencer.propose(acquire(1, 'a', 100));
    await bench.clock.turn();
    log.lose(1);
    bench.sequencer.stop();
    await bench.clock.settle();
    expect(grantsOf(bench.effects)).toEqual([1]);
    bench.sequencer.propose(acquire(2, 'b'));
    await bench.clock.advance(1_000);
    expect(requestsOf(bench.failed)).toEqual([2]);
    expect(log.underWay).toEqual([]);
    expect(bench.clock.timerCount).toBe(0);
  });

  it('at the start: the start fails, and nothing is served without a term', async () => {
    for (const fail of ['refuse', 'miss'] as const) {
      const log = scripted();
      log.manual();
      const bench = new Bench(log);
      const started = bench.sequencer.start();
      await bench.clock.turn();
      log[fail]();
      await expect(started).rejects.toThrow(LogFailure);
      bench.sequencer.propose(acquire(1, 'a'));
      await bench.clock.settle();
      expect(log.underWay).toEqual([]);
      expect(requestsOf(bench.failed)).toEqual([1]);
    }
  });
});

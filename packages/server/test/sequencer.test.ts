import { describe, expect, it } from 'vitest';
import { type Command, type Effect, type Entry, Machine } from '@holdfast/core';
import { ScriptedLog, VirtualClock } from '../../testing/src/index.js';
import { machineLimits } from '../src/limits.js';
import { MemoryLog } from '../src/log/memory.js';
import { LogFailure, type LogPort } from '../src/log/port.js';
import { Sequencer, tokenFloor } from '../src/sequencer.js';

const SECOND_OF_TOKENS = 2 ** 22;

class Bench {
  readonly clock: VirtualClock;
  readonly machine = new Machine();
  readonly sequencer: Sequencer;
  readonly entries: Entry[] = [];
  readonly effects: Effect[] = [];
  readonly failed: Command[] = [];
  readonly fenced: Error[] = [];

  constructor(log: LogPort, clock = new VirtualClock()) {
    this.clock = clock;
    this.sequencer = new Sequencer({
      log,
      machine: this.machine,
      clock,
      limits: machineLimits,
      sink: {
        applied: (entry, effects) => {
          this.entries.push(entry);
          this.effects.push(...effects);
        },
        failed: (commands) => this.failed.push(...commands),
        fenced: (reason) => this.fenced.push(reason),
      },
    });
  }

  get tokens(): number[] {
    return this.effects.filter((effect) => effect.type === 'granted').map((effect) => effect.token);
  }
}

function scripted(): ScriptedLog {
  return new ScriptedLog({ failure: (kind, message) => new LogFailure(kind, message) });
}

/** A started sequencer over a log that waits for its script from now on. */
async function onScript(): Promise<{ log: ScriptedLog; bench: Bench }> {
  const log = scripted();
  const bench = new Bench(log);
  await bench.sequencer.start();
  bench.sequencer.propose(open('s'));
  await bench.clock.turn();
  bench.entries.length = 0;
  bench.effects.length = 0;
  log.manual();
  return { log, bench };
}

function open(session: string): Command {
  return { type: 'open-session', session, client: '', timeoutMs: 5_000, secretHash: null };
}

function acquire(request: number, key: string, leaseMs: number | null = null): Command {
  return {
    type: 'acquire',
    session: 's',
    request,
    acked: 0,
    key,
    mode: 'exclusive',
    waitMs: null,
    leaseMs,
    wantsPlace: false,
    meta: null,
  };
}

function requestsOf(commands: readonly Command[]): number[] {
  return commands.map((command) => (command.type === 'acquire' ? command.request : -1));
}

function grantsOf(effects: readonly Effect[]): number[] {
  return effects.filter((effect) => effect.type === 'granted').map((effect) => effect.request);
}

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

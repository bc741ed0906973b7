import { describe, expect, it } from 'vitest';
import type { Acquire, Command, Meta } from '../src/commands.js';
import type { Effect } from '../src/effects.js';
import { checkInvariants } from '../src/invariants.js';
import { Machine } from '../src/machine.js';
import { NEVER } from '../src/state.js';
import type { SnapshotRow } from '../src/snapshot-rows.js';

const LIMITS = { sessionsMax: 100, requestsPerSessionMax: 100_000, queueLengthMax: 100_000 };

function start(...sessions: string[]): Machine {
  const machine = new Machine();
  const open = sessions.map((session): Command => ({
    type: 'open-session',
    session,
    client: 'test',
    timeoutMs: 5000,
    secretHash: null,
  }));
  apply(machine, { type: 'begin-term', tokenFloor: 0, limits: LIMITS }, ...open);
  return machine;
}

function apply(machine: Machine, ...commands: Command[]): Effect[] {
  const effects: Effect[] = [];
  machine.apply({ index: machine.index + 1, term: 1, nowMs: machine.nowMs, commands }, effects);
  return effects;
}

function acquire(request: number, key: string, more: Partial<Acquire> = {}): Acquire {
  const rest = { acked: 0, mode: 'exclusive', waitMs: null, leaseMs: null, wantsPlace: false, meta: null } as const;
  return { type: 'acquire', session: 'a', request, key, ...rest, ...more };
}

describe('the machine', () => {
  it('refuses an entry that does not follow the last one', () => {
    const machine = new Machine();
    const entry = { index: 1, term: 3, nowMs: 1000, commands: [] };
    machine.apply(entry, []);
    expect(() => machine.apply(entry, [])).toThrow('entry 1 cannot follow entry 1');
    expect(() => machine.apply({ ...entry, index: 3 }, [])).toThrow('entry 3 cannot follow entry 1');
    expect(() => machine.apply({ ...entry, index: 2, term: 2 }, [])).toThrow('term 2 cannot follow term 3');
    expect(() => machine.apply({ ...entry, index: 2, nowMs: 999 }, [])).toThrow('log time 999 cannot follow');
    expect(() => machine.apply({ ...entry, index: 2, nowMs: NaN }, [])).toThrow('log time NaN cannot follow');
    expect(() => machine.apply({ ...entry, index: 2, nowMs: 1000.5 }, [])).toThrow('log time 1000.5 cannot follow');
    machine.apply({ ...entry, index: 2 }, []);
    expect([machine.index, machine.term, machine.nowMs]).toEqual([2, 3, 1000]);
  });

  it('takes numbers out of range for a fault of the program that wrote the entry', () => {
    for (const command of [
      acquire(0, 'k'),
      acquire(1.5, 'k'),
      acquire(1, 'k', { acked: -1 }),
      acquire(1, 'k', { waitMs: -1 }),
      acquire(1, 'k', { leaseMs: 0 }),
      { type: 'extend', session: 'a', request: 1, leaseMs: Infinity } as const,
      { type: 'begin-term', tokenFloor: -1, limits: LIMITS } as const,
      { type: 'begin-term', tokenFloor: 0.5, limits: LIMITS } as const,
      { type: 'begin-term', tokenFloor: 0, limits: { ...LIMITS, sessionsMax: Infinity } } as const,
      { type: 'open-session', session: 'c', client: '', timeoutMs: 0, secretHash: null } as const,
    ]) {
      expect(() => apply(start('a'), command)).toThrow(/^not a /);
    }
    expect(() => apply(start('a'), { type: 'unheard-of' } as unknown as Command)).toThrow('does not know');
  });

  it('accepts nothing before a term has begun', () => {
    const open: Command = { type: 'open-session', session: 'a', client: '', timeoutMs: 5000, secretHash: null };
    expect(apply(new Machine(), open)).toEqual([
      { type: 'session-refused', session: 'a', code: 'SESSION_LIMIT', secretHash: null },
    ]);
  });

  it('shows sessions, keys and requests', () => {
    const machine = start('a', 'b');
    apply(
      machine,
      acquire(1, 'k', { leaseMs: 50, meta: { who: 'me' } }),
      acquire(1, 'k', { session: 'b', wantsPlace: true }),
    );
    const key = machine.key('k')!;
    const [holder] = key.holders();
    const [waiter] = key.queue();
    expect(machine.request('a', 1)).toBe(holder);
    expect(machine.request('b', 1)).toBe(waiter);
    expect(holder).toMatchObject({ number: 1, held: true, token: 1, dueMs: 50, meta: { who: 'me' }, keyState: key });
    expect(waiter).toMatchObject({ held: false, token: 0, dueMs: NEVER, wantsPlace: true, keyState: key });
    expect(waiter!.sessionState).toBe(machine.session('b'));
    expect([machine.place(holder!), machine.place(waiter!)]).toEqual([0, 1]);
    expect([...machine.session('b')!.requests()]).toEqual([waiter]);
    expect(machine.session('a')).toMatchObject({ client: 'test', timeoutMs: 5000, resumable: false, heldCount: 1 });
    expect([machine.sessionCount, machine.keyCount, machine.heldCount, machine.waitingCount]).toEqual([2, 1, 1, 1]);
    expect(machine.nextDueMs).toBe(50);
    expect(machine.request('a', 2)).toBeUndefined();
    expect(machine.request('c', 1)).toBeUndefined();
    expect(() => machine.place({ ...waiter! })).toThrow('not a request of a machine');
  });

  it('shows no live request where one has ended', () => {
    const machine = start('a');
    apply(machine, acquire(1, 'k'), { type: 'release', session: 'a', request: 1 });
    expect(machine.request('a', 1)).toBeUndefined();
    expect([...machine.session('a')!.requests()]).toEqual([]);
    expect(machine.key('k')).toBeUndefined();
  });

  it('can be read key by key while entries are applied: a key that lives throughout is seen exactly once', () => {
    const machine = start('a');
    const count = 300;
    for (let request = 1; request <= count; request++) {
      apply(machine, acquire(request, `key ${request}`));
    }
    const seen: string[] = [];
    let request = count;
    for (const key of machine.keys()) {
      seen.push(key.name);
      const position = seen.length;
      if (position <= count / 3) {
        // Keys before and behind the reader go, and others come: every third stays.
        apply(machine, { type: 'release', session: 'a', request: 3 * position - 2 });
        apply(machine, { type: 'release', session: 'a', request: 3 * position - 1 });
        apply(machine, acquire(++request, `new ${request}`));
        apply(machine, { type: 'release', session: 'a', request });
      }
    }
    for (let third = 3; third <= count; third += 3) {
      expect(seen.filter((name) => name === `key ${third}`)).toHaveLength(1);
    }
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('keeps nothing of keys and requests that are over and acknowledged', () => {
    const machine = start('a');
    const empty = [...machine.snapshot()].length;
    for (let request = 1; request <= 1_000; request++) {
      const effects = apply(machine, acquire(request, `k${request}`, { acked: request - 1 }), {
        type: 'release',
        session: 'a',
        request,
      });
      expect(effects.map((effect) => effect.type)).toEqual(['granted', 'ended']);
    }
    // The last ending is not acknowledged.
    expect([...machine.snapshot()].length).toBe(empty + 1);
    expect(machine.keyCount).toBe(0);
  });
});

describe('a snapshot', () => {
  it('keeps notes as they were given, whatever their names are', () => {
    const meta: Meta = JSON.parse('{"b":"1","a":"2","__proto__":"3","10":"4"}');
    const machine = start('a');
    apply(machine, acquire(1, 'k', { meta }), acquire(2, 'none', { meta: {} }));
    const restored = Machine.restore([...machine.snapshot()]);
    expect(JSON.stringify(restored.request('a', 1)!.meta)).toBe(JSON.stringify(meta));
    expect(restored.request('a', 2)!.meta).toEqual({});
    expect([...restored.snapshot()]).toEqual([...machine.snapshot()]);
  });

  it('is refused when any row is missing, doubled, or out of its place', () => {
    const rows = fullSnapshot();
    for (let index = 0; index < rows.length; index++) {
      const without = rows.toSpliced(index, 1);
      expect(() => Machine.restore(without), `without row ${index}`).toThrow('snapshot');
      const doubled = rows.toSpliced(index, 0, rows[index]!);
      expect(() => Machine.restore(doubled), `row ${index} twice`).toThrow('snapshot');
    }
    expect(() => Machine.restore([])).toThrow('cut off after 0 rows');
  });

  it('is refused when any value has another type or is missing', () => {
    const rows = fullSnapshot();
    for (const [index, row] of rows.entries()) {
      for (let column = 0; column < row.length; column++) {
        const where = `row ${index} column ${column}`;
        const wrong = typeof row[column] === 'string' || typeof row[column] === 'boolean' ? 7 : -1;
        expect(() => Machine.restore(rows.with(index, row.with(column, wrong))), where).toThrow(`row ${index} of`);
        expect(() => Machine.restore(rows.with(index, row.toSpliced(column, 1))), where).toThrow(`row ${index} of`);
      }
      expect(() => Machine.restore(rows.with(index, [...row, 7])), `row ${index}`).toThrow(`row ${index} of`);
    }
  });

  it('is refused when it is of an unknown version or holds an unknown code, mode, session or kind', () => {
    const rows = fullSnapshot();
    const change = (kind: string, column: number, value: string | number) => {
      const index = rows.findIndex((row) => row[0] === kind);
      return () => Machine.restore(rows.with(index, rows[index]!.with(column, value)));
    };
    expect(change('holdfast', 1, 2)).toThrow('version 2 is not known');
    expect(change('ended', 4, 'SESSION_OVER')).toThrow('SESSION_OVER is not one of');
    expect(change('request', 3, 'intent')).toThrow('intent is not one of exclusive, shared');
    expect(change('session', 2, 1_000)).toThrow('ticket 1000 was not given yet');
    expect(change('request', 0, 'lock')).toThrow('unknown kind lock');
    expect(() => Machine.restore(rows.toSpliced(2, 0, ['of', 'nobody']))).toThrow('no row of this session came before');
  });
});

/** A snapshot with rows of every kind and values of every kind. */
function fullSnapshot(): SnapshotRow[] {
  const machine = start('a', 'b');
  apply(
    machine,
    acquire(1, 'k', { leaseMs: 50, meta: { who: 'me' } }),
    acquire(2, 'k', { waitMs: 30 }),
    acquire(1, 'gone', { session: 'b' }),
    { type: 'force-release', key: 'gone', token: null, session: 'a', call: 1, reason: 'test' },
    { type: 'open-session', session: 'c', client: '', timeoutMs: 1000, secretHash: 'h0' },
    { type: 'resume-session', session: 'c', proofHash: 'h0', secretHash: 'h1' },
  );
  checkInvariants(machine);
  return [...machine.snapshot()];
}

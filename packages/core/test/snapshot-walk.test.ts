import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command, Entry } from '../src/commands.js';
import type { Effect } from '../src/effects.js';
import { checkInvariants } from '../src/invariants.js';
import { Machine } from '../src/machine.js';
import type { SnapshotRow } from '../src/snapshot-rows.js';
import { entrySequence } from './sequences.js';

function apply(machine: Machine, entries: readonly Entry[]): void {
  const effects: Effect[] = [];
  for (const entry of entries) machine.apply(entry, effects);
}

function bytesOf(rows: Iterable<SnapshotRow>): string {
  return Array.from(rows, (row) => JSON.stringify(row)).join('\n');
}

/** Reads up to `count` rows into `rows`. */
function read(walk: Iterator<SnapshotRow>, count: number, rows: SnapshotRow[]): void {
  for (let left = count; left > 0; left--) {
    const next = walk.next();
    if (next.done === true) return;
    rows.push(next.value);
  }
}

/** A machine with `sessions` sessions, each holding `keys` keys, and one more that waits for the first key of each. */
function crowd(sessions: number, keys: number): Machine {
  const machine = new Machine();
  const limits = { sessionsMax: 100, requestsPerSessionMax: 1_000, queueLengthMax: 1_000 };
  const commands: Command[] = [{ type: 'begin-term', tokenFloor: 100, limits }];
  const acquire = (session: string, request: number, key: string): Command => ({
    type: 'acquire',
    session,
    request,
    acked: 0,
    key,
    mode: 'exclusive',
    waitMs: null,
    leaseMs: null,
    wantsPlace: false,
    meta: null,
  });
  for (let i = 0; i < sessions; i++) {
    const session = `s${i}`;
    commands.push({ type: 'open-session', session, client: '', timeoutMs: 5_000, secretHash: null });
    for (let k = 1; k <= keys; k++) commands.push(acquire(session, k, `${session}/${k}`));
  }
  commands.push({ type: 'open-session', session: 'waiter', client: '', timeoutMs: 5_000, secretHash: null });
  for (let i = 0; i < sessions; i++) commands.push(acquire('waiter', i + 1, `s${i}/1`));
  apply(machine, [{ index: 1, term: 1, nowMs: 0, commands }]);
  return machine;
}

describe('a snapshot that is read while entries are applied', () => {
  it('shows the state at which it began, whatever the pace of the reader', () => {
    let interleaved = 0;
    fc.assert(
      fc.property(entrySequence(60), fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }), (entries, paces) => {
        for (let cut = 0; cut < entries.length; cut++) {
          const machine = new Machine();
          apply(machine, entries.slice(0, cut + 1));
          const wanted = bytesOf(machine.snapshot());
          const walk = machine.snapshot();
          const rows: SnapshotRow[] = [];
          for (const [i, entry] of entries.slice(cut + 1).entries()) {
            read(walk, paces[i % paces.length]!, rows);
            apply(machine, [entry]);
            interleaved++;
          }
          read(walk, Infinity, rows);
          const restored = Machine.restore(rows);
          checkInvariants(restored);
          const got = bytesOf(restored.snapshot());
          if (got !== wanted)
            throw new Error(`cut ${cut}: read\n${bytesOf(rows)}\nwhich is\n${got}\ninstead of\n${wanted}`);
          checkInvariants(machine);
        }
      }),
      { numRuns: 400, seed: 3, endOnFailure: true },
    );
    expect(interleaved).toBeGreaterThan(80_000);
  });

  it('costs a change one row at most beyond those of the thing that changes, and only once', () => {
    const machine = crowd(20, 50);
    const total = [...machine.snapshot()].length;
    const walk = machine.snapshot();
    const rows: SnapshotRow[] = [];
    read(walk, 10, rows);
    let index = 1;
    for (let k = 1; k <= 50; k++) {
      for (let i = 0; i < 20; i++) {
        const commands: Command[] = [{ type: 'release', session: `s${i}`, request: k }];
        index++;
        apply(machine, [{ index, term: 1, nowMs: index, commands }]);
      }
    }
    read(walk, Infinity, rows);
    expect(rows.filter(([kind]) => kind !== 'of')).toHaveLength(total);
    expect(Machine.restore(rows).heldCount).toBe(1_000);
    expect(machine.heldCount).toBe(20);
  });

  it('does not contain sessions that opened and requests that came after it had begun', () => {
    const machine = crowd(2, 2);
    const walk = machine.snapshot();
    apply(machine, [
      {
        index: 2,
        term: 1,
        nowMs: 1,
        commands: [
          { type: 'open-session', session: 'late', client: '', timeoutMs: 5_000, secretHash: null },
          { type: 'end-session', session: 'late', reason: 'closed' },
          { type: 'end-session', session: 's0', reason: 'closed' },
          { type: 'open-session', session: 's0', client: 'another one', timeoutMs: 5_000, secretHash: null },
        ],
      },
    ]);
    const restored = Machine.restore([...walk]);
    expect(restored.session('late')).toBeUndefined();
    expect(restored.session('s0')?.client).toBe('');
    expect(restored.heldCount).toBe(4);
    expect(machine.heldCount).toBe(3);
  });

  it('is given up by its reader, or by the next one, which tells its reader', () => {
    const machine = crowd(2, 2);
    const first = machine.snapshot();
    first.next();
    const second = machine.snapshot();
    expect(() => first.next()).toThrow('this snapshot was given up');
    second.next();
    second.return?.();
    expect(() => second.next()).toThrow('this snapshot was given up');
    expect(machine.state.walk).toBeNull();
  });
});

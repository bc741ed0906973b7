import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../src/commands.js';
import type { Effect } from '../src/effects.js';
import { checkInvariants } from '../src/invariants.js';
import { Machine } from '../src/machine.js';
import type { SnapshotRow } from '../src/snapshot-rows.js';
import { entrySequence } from './sequences.js';

function applyAll(machine: Machine, entries: Entry[]): string[] {
  return entries.map((entry) => {
    const effects: Effect[] = [];
    machine.apply(entry, effects);
    return JSON.stringify(effects);
  });
}

function bytesOf(machine: Machine): string {
  return Array.from(machine.snapshot(), (row) => JSON.stringify(row)).join('\n');
}

/** As a log engine does: written as text, read as text. */
function restoreFrom(bytes: string): Machine {
  return Machine.restore(bytes.split('\n').map((line): SnapshotRow => JSON.parse(line)));
}

describe('replay', () => {
  it('gives the same effects and a byte-identical snapshot', () => {
    fc.assert(
      fc.property(entrySequence(80), (entries) => {
        const first = new Machine();
        const second = new Machine();
        if (applyAll(first, entries).join() !== applyAll(second, entries).join()) {
          throw new Error('the effects differ');
        }
        if (bytesOf(first) !== bytesOf(second)) {
          throw new Error('the snapshots differ');
        }
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('from a snapshot at any entry, with the entries after it, equals the full replay byte for byte', () => {
    let cuts = 0;
    fc.assert(
      fc.property(entrySequence(80), (entries) => {
        const full = new Machine();
        const effects: string[] = [];
        const snapshots: string[] = [];
        for (const entry of entries) {
          effects.push(...applyAll(full, [entry]));
          snapshots.push(bytesOf(full));
        }
        const wanted = bytesOf(full);
        for (const [index, snapshot] of snapshots.entries()) {
          const restored = restoreFrom(snapshot);
          checkInvariants(restored);
          if (bytesOf(restored) !== snapshot) {
            throw new Error(`the snapshot of entry ${index + 1} does not survive a restore`);
          }
          const tail = applyAll(restored, entries.slice(index + 1));
          if (tail.join() !== effects.slice(index + 1).join() || bytesOf(restored) !== wanted) {
            throw new Error(`the snapshot of entry ${index + 1} and its tail do not equal the full replay`);
          }
          cuts++;
        }
      }),
      { numRuns: 400, seed: 2 },
    );
    expect(cuts).toBeGreaterThan(8_000);
  });
});

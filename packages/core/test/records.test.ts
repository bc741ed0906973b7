import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Records } from '../src/records.js';

interface Entry {
  readonly number: number;
  readonly version: number;
}

describe('records of a session', () => {
  // Mostly counting up, as clients do; sometimes far ahead, sometimes back among numbers that were used before.
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('next' as const), skip: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('next' as const), skip: fc.nat(5_000) }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('delete' as const), pick: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('replace' as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('back' as const), pick: fc.nat() }) },
  );

  it('are what a Map would keep', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
        const records = new Records<Entry>();
        const map = new Map<number, Entry>();
        const used: number[] = [];
        let last = 0;
        let version = 0;
        const put = (number: number): void => {
          const entry = { number, version: ++version };
          records.set(entry);
          map.set(number, entry);
        };
        for (const each of steps) {
          const present = [...map.keys()];
          if (each.kind === 'next') {
            last += 1 + each.skip;
            used.push(last);
            put(last);
          } else if (each.kind === 'back' && used.length > 0) {
            put(used[each.pick % used.length] ?? 0);
          } else if (each.kind !== 'back' && present.length > 0) {
            const number = present[each.pick % present.length] ?? 0;
            if (each.kind === 'replace') put(number);
            else {
              records.delete(number);
              map.delete(number);
            }
          }
          if (used.some((number) => records.get(number) !== map.get(number)) || records.size !== map.size) {
            throw new Error(`they differ after ${JSON.stringify(each)}`);
          }
        }
        const byNumber = (a: Entry, b: Entry): number => a.number - b.number;
        expect([...records.values()].toSorted(byNumber)).toEqual([...map.values()].toSorted(byNumber));
      }),
      { numRuns: 300, seed: 7, endOnFailure: true },
    );
  });

  it('come in the order of their numbers when they are set in that order, whatever left in between', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(600), fc.boolean()), { maxLength: 300, size: 'max' }), (steps) => {
        const records = new Records<Entry>();
        const kept: number[] = [];
        let last = 0;
        for (const [skip, stays] of steps) {
          last += 1 + skip;
          records.set({ number: last, version: 0 });
          if (stays) kept.push(last);
          else records.delete(last);
        }
        expect(Array.from(records.values(), ({ number }) => number)).toEqual(kept);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('of a session with one old hold and a long life behind it stay few', () => {
    const records = new Records<Entry>();
    records.set({ number: 1, version: 0 });
    for (let number = 2; number <= 100_000; number++) {
      records.set({ number, version: 0 });
      records.delete(number - 1 === 1 ? 0 : number - 1);
    }
    expect(records.size).toBe(2);
    expect(Array.from(records.values(), ({ number }) => number)).toEqual([1, 100_000]);
    const slots: unknown = Reflect.get(records, 'slots');
    expect(Array.isArray(slots) && slots.length).toBeLessThan(1_000);
  });
});

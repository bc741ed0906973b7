import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Deadline, DeadlineHeap } from '../src/deadlines.js';

function deadline(ticket: number, dueMs: number): Deadline {
  return { ticket, dueMs, heapIndex: -1 };
}

const operation = fc.oneof(
  fc.record({ type: fc.constant('add' as const), dueMs: fc.nat(20) }),
  fc.record({ type: fc.constant('update' as const), pick: fc.nat(), dueMs: fc.nat(20) }),
  fc.record({ type: fc.constant('remove' as const), pick: fc.nat() }),
  fc.record({ type: fc.constant('take first' as const) }),
);

describe('a heap of deadlines', () => {
  it('gives the earliest, and of those due together the lowest ticket, as a sorted list does', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200, size: 'max' }), (operations) => {
        const heap = new DeadlineHeap<Deadline>();
        const list: Deadline[] = [];
        let ticket = 0;
        for (const step of operations) {
          const picked = 'pick' in step ? list[step.pick % list.length] : list[0];
          if (step.type === 'add') {
            const item = deadline(++ticket, step.dueMs);
            heap.add(item);
            list.push(item);
          } else if (picked !== undefined && step.type === 'update') {
            heap.update(picked, step.dueMs);
          } else if (picked !== undefined) {
            heap.remove(picked);
            expect(picked.heapIndex).toBe(-1);
            list.splice(list.indexOf(picked), 1);
          }
          list.sort((left, right) => left.dueMs - right.dueMs || left.ticket - right.ticket);
          if (heap.first !== list[0] || heap.size !== list.length || heap.nextDueMs !== (list[0]?.dueMs ?? Infinity)) {
            throw new Error(`after ${step.type} the heap does not begin as the list does`);
          }
        }
        const drained: Deadline[] = [];
        for (let first = heap.first; first !== undefined; first = heap.first) {
          drained.push(first);
          heap.remove(first);
        }
        expect(drained).toEqual(list);
      }),
      { numRuns: 2_000, seed: 1 },
    );
  });

  it('refuses an item that is in a heap already, and one that is not in this heap', () => {
    const heap = new DeadlineHeap<Deadline>();
    const item = deadline(1, 5);
    heap.add(item);
    const other = new DeadlineHeap<Deadline>();
    expect(() => heap.add(item)).toThrow('in a heap already');
    expect(() => other.remove(item)).toThrow('not in this heap');
    expect(() => other.update(item, 6)).toThrow('not in this heap');
    expect(() => heap.remove(deadline(2, 5))).toThrow('not in this heap');
    expect([...heap]).toEqual([item]);
  });

  it('needs a number of comparisons that grows with the logarithm of its size', () => {
    const heap = new DeadlineHeap<Deadline>();
    let reads = 0;
    const counted = (ticket: number, dueMs: number): Deadline => ({
      ticket,
      heapIndex: -1,
      get dueMs() {
        reads++;
        return dueMs;
      },
    });
    const size = 4 ** 8;
    for (let index = 0; index < size; index++) {
      heap.add(counted(index, (index * 7919) % size));
    }
    reads = 0;
    for (let index = 0; index < 1_000; index++) {
      heap.remove(heap.first!);
    }
    // At most 9 levels of 4 comparisons with their children and 1 with the item; two reads, or four between equals, each.
    expect(reads / 1_000).toBeLessThan(9 * 5 * 4);
  });
});

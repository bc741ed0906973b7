/**
 * A 4-ary min-heap of deadlines that knows where each of its items is: add, update and remove are O(log n), the earliest is O(1).
 *
 * Source: the d-ary heap of D. B. Johnson (1975), with the index of each item kept in the item. Four children instead of two halve
 * the depth, and the four lie next to each other in memory.
 */

/** What can be in a heap of deadlines. An item is in at most one heap at a time. */
export interface Deadline {
  /** When it is due, on the clock of whoever owns the heap. Written by the heap's `update` only, while it is in the heap. */
  dueMs: number;
  /** Decides between items that are due at the same time, the lower first. Unique among the items of a heap; never changes in it. */
  readonly ticket: number;
  /** Index in the heap; -1: in none. Written by the heap only. */
  heapIndex: number;
}

const CHILDREN_LOG2 = 2;
const CHILDREN = 1 << CHILDREN_LOG2;

export class DeadlineHeap<T extends Deadline> {
  private readonly items: T[] = [];

  get size(): number {
    return this.items.length;
  }

  /** The earliest, or undefined. O(1). */
  get first(): T | undefined {
    return this.items[0];
  }

  /** When the earliest is due; Infinity: there is none. O(1). */
  get nextDueMs(): number {
    const first = this.items[0];
    return first === undefined ? Infinity : first.dueMs;
  }

  /** Whether this very item is in this very heap. */
  has(item: T): boolean {
    return item.heapIndex !== -1 && this.items[item.heapIndex] === item;
  }

  /** Puts in an item that is in no heap, by its present `dueMs`. */
  add(item: T): void {
    if (item.heapIndex !== -1) {
      throw new Error(`the deadline with ticket ${item.ticket} is in a heap already`);
    }
    this.items.push(item);
    this.rise(item, this.items.length - 1);
  }

  /** Gives an item of this heap a new time. */
  update(item: T, dueMs: number): void {
    const index = this.indexOf(item);
    const earlier = dueMs < item.dueMs;
    item.dueMs = dueMs;
    if (earlier) {
      this.rise(item, index);
    } else {
      this.sink(item, index);
    }
  }

  /** Takes an item of this heap out. */
  remove(item: T): void {
    const index = this.indexOf(item);
    item.heapIndex = -1;
    const last = this.items.pop() as T; // indexOf has found an item, so there is a last one
    if (last === item) {
      return;
    }
    // The last item fills the gap. It may belong above it as well as below it, because it comes from another branch.
    if (precedes(last, item)) {
      this.rise(last, index);
    } else {
      this.sink(last, index);
    }
  }

  /** All items, in no particular order. For checks. */
  *[Symbol.iterator](): IterableIterator<T> {
    yield* this.items;
  }

  private indexOf(item: T): number {
    if (!this.has(item)) {
      throw new Error(`the deadline with ticket ${item.ticket} is not in this heap`);
    }
    return item.heapIndex;
  }

  private rise(item: T, from: number): void {
    const { items } = this;
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> CHILDREN_LOG2;
      const parent = items[parentIndex] as T; // a parent's index is below its child's
      if (!precedes(item, parent)) {
        break;
      }
      items[index] = parent;
      parent.heapIndex = index;
      index = parentIndex;
    }
    items[index] = item;
    item.heapIndex = index;
  }

  private sink(item: T, from: number): void {
    const { items } = this;
    const { length } = items;
    let index = from;
    for (;;) {
      const firstChild = (index << CHILDREN_LOG2) + 1;
      if (firstChild >= length) {
        break;
      }
      const end = firstChild + CHILDREN < length ? firstChild + CHILDREN : length;
      let leastIndex = firstChild;
      let least = items[firstChild] as T; // below length
      for (let childIndex = firstChild + 1; childIndex < end; childIndex++) {
        const child = items[childIndex] as T; // below length
        if (precedes(child, least)) {
          leastIndex = childIndex;
          least = child;
        }
      }
      if (!precedes(least, item)) {
        break;
      }
      items[index] = least;
      least.heapIndex = index;
      index = leastIndex;
    }
    items[index] = item;
    item.heapIndex = index;
  }
}

function precedes(left: Deadline, right: Deadline): boolean {
  return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.ticket < right.ticket);
}

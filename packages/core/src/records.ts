/**
 * What a session remembers, by request number: live requests, and endings that are not acknowledged.
 *
 * Clients count their requests up, so nearly all numbers in use lie close together: they are the indices of a window, an array, at a quarter of what a
 * Map takes. Numbers that lie apart go to a Map: when a window would get too sparse, those left in it move there and a new window
 * begins. Each moves at most once, so every operation is O(1), amortised.
 */

/** Slots of a window may outnumber what is in it by this factor, above a least size. */
const SPARSE_FACTOR = 4;
const WINDOW_MIN = 64;

export class Records<R extends { readonly number: number }> {
  /** Slot i is for the number base + i; slots before `head` are empty and about to go. */
  private slots: (R | null)[] = [];
  private base = 0;
  private head = 0;
  private inWindow = 0;
  /** Numbers outside the window. Invariant: none of them is in it. */
  private apart: Map<number, R> | null = null;

  get size(): number {
    return this.inWindow + (this.apart === null ? 0 : this.apart.size);
  }

  get(number: number): R | undefined {
    const index = number - this.base;
    const record = index >= this.head ? this.slots[index] : undefined;
    return record ?? this.apart?.get(number);
  }

  /** Keeps `record` under its number, in place of the one that was there. */
  set(record: R): void {
    const { number } = record;
    if (this.inWindow === 0) {
      this.restart(number);
    }
    let index = number - this.base;
    if (index >= this.slots.length && index - this.head >= SPARSE_FACTOR * (this.inWindow + WINDOW_MIN)) {
      this.moveApart();
      this.restart(number);
      index = 0;
    }
    if (index < this.head || this.apart?.has(number) === true) {
      this.apart ??= new Map();
      this.apart.set(number, record);
      return;
    }
    while (this.slots.length <= index) {
      this.slots.push(null);
    }
    if (this.slots[index] === null) {
      this.inWindow++;
    }
    this.slots[index] = record;
  }

  delete(number: number): void {
    const index = number - this.base;
    const record = index >= this.head ? this.slots[index] : undefined;
    if (record === undefined || record === null) {
      this.apart?.delete(number);
      return;
    }
    this.slots[index] = null;
    this.inWindow--;
    if (index === this.head) {
      this.advance();
    }
  }

  /** Those apart first, then the window: for requests, which come with growing numbers, that is the order of arrival. */
  *values(): IterableIterator<R> {
    if (this.apart !== null) {
      yield* this.apart.values();
    }
    for (let index = this.head; index < this.slots.length; index++) {
      const record = this.slots[index] ?? null;
      if (record !== null) {
        yield record;
      }
    }
  }

  /** Passes over empty slots at the front, and drops them when they are as many as the others. */
  private advance(): void {
    const { slots } = this;
    while (this.head < slots.length && slots[this.head] === null) {
      this.head++;
    }
    if (this.head >= WINDOW_MIN && this.head * 2 >= slots.length) {
      slots.splice(0, this.head);
      this.base += this.head;
      this.head = 0;
    }
  }

  private moveApart(): void {
    this.apart ??= new Map();
    for (let index = this.head; index < this.slots.length; index++) {
      const record = this.slots[index] ?? null;
      if (record !== null) {
        this.apart.set(record.number, record);
      }
    }
  }

  private restart(number: number): void {
    this.slots.length = 0;
    this.base = number;
    this.head = 0;
    this.inWindow = 0;
  }
}

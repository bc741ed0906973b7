/** A binary heap: the least item first, by an order that never calls two items equal. */
export class Heap<T> {
  readonly #isBefore: (left: T, right: T) => boolean;
  readonly #items: T[] = [];

  constructor(isBefore: (left: T, right: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  add(item: T): void {
    const items = this.#items;
    let place = items.length;
    items.push(item);
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = items[above];
      if (parent === undefined || this.#isBefore(parent, item)) break;
      items[place] = parent;
      place = above;
    }
    items[place] = item;
  }

  take(): T | undefined {
    const items = this.#items;
    const [first] = items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      let least = items[below];
      if (least === undefined) break;
      const right = items[below + 1];
      if (right !== undefined && this.#isBefore(right, least)) {
        least = right;
        below += 1;
      }
      if (this.#isBefore(last, least)) break;
      items[place] = least;
      place = below;
    }
    items[place] = last;
    return first;
  }

  clear(): void {
    this.#items.length = 0;
  }
}

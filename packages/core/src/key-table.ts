/**
 * The keys by name, in many small Maps instead of one.
 *
 * A Map of a million entries is rehashed in one go, which stops everything for a tenth of a second and leaves the old table behind as
 * garbage of sixty megabytes. Each of these is rehashed by itself. Which one a name belongs to follows from the name alone, so nothing
 * but the name and what came before decides the order. Names that are made to fall into one of them are no worse off than in one Map.
 */
const TABLES = 256;
/** Names differ at their ends more than at their starts; this many characters are enough to spread them. */
const HASHED_CHARACTERS = 12;

/** FNV-1a (Fowler, Noll, Vo) over the last characters. */
function tableOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = Math.max(0, name.length - HASHED_CHARACTERS); i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) & (TABLES - 1);
}

export class KeyTable<K extends { readonly name: string }> {
  private readonly tables: readonly Map<string, K>[] = Array.from({ length: TABLES }, () => new Map());
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(name: string): K | undefined {
    return this.tables[tableOf(name)]!.get(name);
  }

  /** Adds a key whose name is not there. */
  add(key: K): void {
    this.tables[tableOf(key.name)]!.set(key.name, key);
    this.count++;
  }

  delete(name: string): void {
    if (this.tables[tableOf(name)]!.delete(name)) {
      this.count--;
    }
  }

  /** In an order that depends on names and creation only. May be read in slices while keys come and go: one that lives throughout is seen once. */
  *values(): IterableIterator<K> {
    for (const table of this.tables) {
      yield* table.values();
    }
  }
}

import { describe, expect, it } from 'vitest';
import { KeyTable } from '../src/key-table.js';

const names = Array.from({ length: 20_000 }, (_, i) => `orders/${i % 97}/${i}`);

describe('a table of keys', () => {
  it('finds every name that was added and not deleted, and counts them', () => {
    const table = new KeyTable<{ readonly name: string }>();
    for (const name of names) table.add({ name });
    for (const name of names.slice(0, 5_000)) table.delete(name);
    table.delete('never there');
    expect(table.size).toBe(15_000);
    expect(names.slice(0, 5_000).some((name) => table.get(name) !== undefined)).toBe(false);
    expect(names.slice(5_000).every((name) => table.get(name)?.name === name)).toBe(true);
    expect(Array.from(table.values(), ({ name }) => name).toSorted()).toEqual(names.slice(5_000).toSorted());
  });

  it('has the same order when it is filled again in its own order', () => {
    const table = new KeyTable<{ readonly name: string }>();
    for (const name of names) table.add({ name });
    const again = new KeyTable<{ readonly name: string }>();
    for (const key of table.values()) again.add(key);
    expect([...again.values()]).toEqual([...table.values()]);
  });
});

/** Reads the values of one row of a snapshot from left to right, and says where a row is not what it has to be. */
import type { Meta } from './commands.js';
import type { SnapshotRow } from './snapshot-rows.js';

export class RowReader {
  private readonly row: SnapshotRow;
  private readonly number: number;
  private column = 0;

  constructor(row: SnapshotRow, number: number) {
    this.row = row;
    this.number = number;
  }

  text(): string {
    const value = this.row[this.column++];
    return typeof value === 'string' ? value : this.fail('a string is expected');
  }

  textOrNull(): string | null {
    return this.takeNull() ? null : this.text();
  }

  /** A safe integer of 0 or more. */
  integer(): number {
    const value = this.row[this.column++];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
      ? value
      : this.fail('a safe integer of 0 or more is expected');
  }

  integerOrNull(): number | null {
    return this.takeNull() ? null : this.integer();
  }

  flag(): boolean {
    const value = this.row[this.column++];
    return typeof value === 'boolean' ? value : this.fail('a boolean is expected');
  }

  /** One of the names of a table. */
  oneOf<T extends string>(table: Readonly<Record<T, true>>): T {
    const name = this.text();
    for (const known in table) {
      if (known === name) {
        return known;
      }
    }
    return this.fail(`${name} is not one of ${Object.keys(table).join(', ')}`);
  }

  /** The rest of the row. */
  meta(): Meta | null {
    if (!this.flag()) {
      return null;
    }
    const entries: [string, string][] = [];
    while (this.column < this.row.length) {
      entries.push([this.text(), this.text()]);
    }
    // Not by assignment: a name such as __proto__ has to become a property like any other.
    return Object.fromEntries(entries);
  }

  /** So many strings; null: none. */
  texts(count: number): string[] | null {
    const texts: string[] = [];
    while (texts.length < count) {
      texts.push(this.text());
    }
    return count === 0 ? null : texts;
  }

  /** Nothing may follow. */
  finish(): void {
    if (this.column !== this.row.length) {
      this.fail(`the row has ${this.row.length} values, ${this.column} are expected`);
    }
  }

  fail(reason: string): never {
    throw new Error(`row ${this.number} of the snapshot, column ${this.column}: ${reason}`);
  }

  private takeNull(): boolean {
    const isNull = this.row[this.column] === null;
    if (isNull) {
      this.column++;
    }
    return isNull;
  }
}

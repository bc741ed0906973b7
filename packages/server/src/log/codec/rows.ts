/** Rows of snapshots as bytes, for every engine that keeps bytes: each is one MessagePack array of strings, numbers, booleans and nils. */
import type { SnapshotRow, SnapshotValue } from '@holdfast/core';
import { Reader, Writer } from '@holdfast/protocol';

/** The nesting level of a row's values. */
const VALUE_LEVEL = 2;

const writer = new Writer();

/** Throws RangeError for what a snapshot cannot say: a lone surrogate, an integer beyond 2^53 - 1. */
export function encodeRow(row: SnapshotRow): Uint8Array<ArrayBuffer> {
  writer.begin();
  writer.arrayHeader(row.length);
  for (const value of row) writer.value(value, VALUE_LEVEL);
  return writer.finish();
}

/** `count` rows, which lie one after the other and fill `bytes`. Throws BadMessage when they are anything else. */
export function decodeRows(bytes: Uint8Array, count: number): SnapshotRow[] {
  const reader = new Reader(bytes);
  const rows: SnapshotRow[] = [];
  for (let i = 0; i < count; i++) rows.push(readRow(reader));
  reader.finish();
  return rows;
}

function readRow(reader: Reader): SnapshotRow {
  const row: SnapshotValue[] = [];
  for (let left = reader.arrayHeader('a row'); left > 0; left--) {
    const value = reader.value(VALUE_LEVEL);
    if (!isSnapshotValue(value)) throw reader.refusal('a row: expected a string, a number, a boolean or nil');
    row.push(value);
  }
  return row;
}

function isSnapshotValue(value: unknown): value is SnapshotValue {
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

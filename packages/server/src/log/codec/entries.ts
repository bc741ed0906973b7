/**
 * Entries as bytes, for every engine that keeps bytes.
 *
 * The body of an entry is one MessagePack array: its log time, then its commands. An engine whose records carry index and term of their
 * own keeps bodies; one that has no place for them keeps whole entries, which are index, term and body one after the other.
 */
import type { Command, Entry } from '@holdfast/core';
import { Reader, Writer } from '@holdfast/protocol';
import { readCommand, writeCommand } from './commands.js';

/** One for the whole program: writing is synchronous, and bytes that have been handed out are not touched again. */
const writer = new Writer();

/** The body of `entry`. Throws RangeError for what the log cannot say: a lone surrogate, a negative or unsafe number. */
export function encodeBody(entry: Entry): Uint8Array<ArrayBuffer> {
  writer.begin();
  writeBody(entry);
  return writer.finish();
}

/**
 * `count` entries from `firstIndex` on, from their bodies, which lie one after the other and fill `bytes`. Throws BadMessage when they are
 * anything else.
 */
export function decodeBodies(bytes: Uint8Array, count: number, firstIndex: number, term: number): Entry[] {
  const reader = new Reader(bytes);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) entries.push(readBody(reader, firstIndex + i, term));
  reader.finish();
  return entries;
}

/** The whole of `entry`. Throws as encodeBody() does. */
export function encodeEntry(entry: Entry): Uint8Array<ArrayBuffer> {
  writer.begin();
  writer.uint(entry.index);
  writer.uint(entry.term);
  writeBody(entry);
  return writer.finish();
}

/** Throws BadMessage when `bytes` are not exactly one entry. */
export function decodeEntry(bytes: Uint8Array): Entry {
  const reader = new Reader(bytes);
  const index = reader.integer('an entry: index');
  const term = reader.integer('an entry: term');
  const entry = readBody(reader, index, term);
  reader.finish();
  return entry;
}

function writeBody({ nowMs, commands }: Entry): void {
  writer.arrayHeader(1 + commands.length);
  writer.uint(nowMs);
  for (const command of commands) writeCommand(writer, command);
}

function readBody(reader: Reader, index: number, term: number): Entry {
  const elements = reader.arrayHeader('an entry');
  const nowMs = reader.integer('an entry: nowMs');
  const commands: Command[] = [];
  for (let i = 1; i < elements; i++) commands.push(readCommand(reader));
  return { index, term, nowMs, commands };
}

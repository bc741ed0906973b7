import { describe, expect, test } from 'vitest';
import { type RunEvent, eventLine, isSaid } from '../src/run/report.js';

const jeopardy: RunEvent = { event: 'jeopardy', key: 'nightly', validForMs: 3_200 };
const granted: RunEvent = { event: 'granted', key: 'nightly', token: 42, waitedMs: 0 };
const killed: RunEvent = { event: 'killed', key: 'nightly' };

describe('what is said', () => {
  test('in a pipe, only what changes the outcome', () => {
    const how = { verbose: false, terminal: false };
    expect([jeopardy, granted, killed].map((event) => isSaid(event, how))).toEqual([false, false, true]);
  });

  test('at a terminal, a lock in danger, too', () => {
    const how = { verbose: false, terminal: true };
    expect([jeopardy, granted, killed].map((event) => isSaid(event, how))).toEqual([true, false, true]);
  });

  test('with --verbose, everything', () => {
    const how = { verbose: true, terminal: false };
    expect([jeopardy, granted, killed].map((event) => isSaid(event, how))).toEqual([true, true, true]);
  });
});

describe('lines', () => {
  test('a waiter sees its place and who holds the lock', () => {
    const holder = { session: 's1', meta: { host: 'web-2', command: 'backup' }, sinceMs: 41_000 };
    expect(eventLine({ event: 'waiting', key: 'nightly', place: 3, length: 7, holder })).toBe(
      'waiting for nightly: place 3 of 7, held by backup web-2 for 41s',
    );
    expect(eventLine({ event: 'waiting', key: 'nightly', place: 1, length: 1 })).toBe('waiting for nightly: next');
  });

  test('an ended command is told the reason', () => {
    expect(eventLine({ event: 'ending', key: 'k', why: 'lease', validForMs: 1_250 })).toContain('lease');
    expect(eventLine({ event: 'ending', key: 'k', why: 'connection', validForMs: 1_250 })).toContain('connection');
    expect(eventLine({ event: 'lost', key: 'k', code: 'REVOKED', text: 'by ops', ignored: false })).toBe(
      'lost k: by ops; ending the command',
    );
    expect(eventLine({ event: 'lost', key: 'k', code: 'REVOKED', text: 'by ops', ignored: true })).toContain('goes on');
  });

  test('names of other people are printable', () => {
    expect(eventLine({ event: 'safe', key: 'a\u001b[2J' })).toContain('a\\u{1b}[2J');
  });
});

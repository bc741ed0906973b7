import { describe, expect, test } from 'vitest';
import { renderTable } from '../src/table.js';
import { count, cutTo, describeHolder, formatDuration, padTo, printable, textWidth } from '../src/text.js';

describe('text of other people', () => {
  test('cannot move the cursor, change colours or reverse the line', () => {
    expect(printable('a\u001b[2Jb\u0007\nc\u202ed\u009b')).toBe('a\\u{1b}[2Jb\\u{7}\\u{a}c\\u{202e}d\\u{9b}');
  });

  test('is left alone otherwise', () => {
    expect(printable('orders/42 Größe 東京 🔒')).toBe('orders/42 Größe 東京 🔒');
  });
});

describe('widths', () => {
  test('are counted in terminal columns', () => {
    expect(textWidth('abc')).toBe(3);
    expect(textWidth('東京')).toBe(4);
    expect(textWidth('e\u0301')).toBe(1);
    expect(textWidth('🔒')).toBe(2);
  });

  test('padding and cutting go by columns and never exceed them', () => {
    expect(padTo('東', 4)).toBe('東  ');
    expect(cutTo('abcdef', 4)).toBe('abc…');
    expect(cutTo('東京都', 4)).toBe('東…');
    expect(cutTo('abcd', 4)).toBe('abcd');
  });
});

describe('durations for people', () => {
  test.each([
    [0, '0ms'],
    [-5, '0ms'],
    [340.4, '340ms'],
    [999.7, '1s'],
    [4_240, '4.2s'],
    [9_960, '10s'],
    [41_000, '41s'],
    [60_000, '1m'],
    [200_000, '3m 20s'],
    [7_500_000, '2h 5m'],
    [3 * 86_400_000 + 4 * 3_600_000, '3d 4h'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('tables', () => {
  test('columns are as wide as their widest cell, numbers stand right, lines have no trailing spaces', () => {
    const lines = renderTable(
      [{ title: 'KEY' }, { title: 'WAITING', align: 'right' }, { title: 'FIRST HOLDER' }],
      [
        ['orders/42', '3', 'backup'],
        ['東京', '12', ''],
      ],
    );
    expect(lines).toEqual(['KEY        WAITING  FIRST HOLDER', 'orders/42        3  backup', '東京            12']);
  });

  test('lines are cut to the width of the terminal', () => {
    expect(renderTable([{ title: 'KEY' }], [['orders/42']], 6)).toEqual(['KEY', 'order…']);
  });

  test('no rows leave the header', () => {
    expect(renderTable([{ title: 'KEY' }], [])).toEqual(['KEY']);
  });
});

describe('who holds', () => {
  test('is told from the metadata, what is known first', () => {
    expect(describeHolder('s1', { host: 'web-2', pid: '12', user: 'root', command: 'backup', why: 'nightly' })).toBe(
      'backup root@web-2 pid 12 why=nightly',
    );
    expect(describeHolder('s1', { host: 'web-2' })).toBe('web-2');
  });

  test('is the session when there is no metadata', () => {
    expect(describeHolder('s1', {})).toBe('s1');
  });

  test('one is singular', () => {
    expect([count(1, 'key'), count(2, 'process', 'processes'), count(0, 'key')]).toEqual([
      '1 key',
      '2 processes',
      '0 keys',
    ]);
  });
});

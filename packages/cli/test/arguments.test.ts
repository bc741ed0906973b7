import { describe, expect, test } from 'vitest';
import {
  collectMeta,
  collectUrls,
  parseDuration,
  parseLimit,
  parsePort,
  parsePositiveDuration,
  targetUrls,
} from '../src/arguments.js';

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['0', 0],
    ['0s', 0],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['5', '', '-1s', 's', '5 s', '1h30m', '1e3s', '25d', 'constructor'])('"%s" is refused', (text) => {
    expect(() => parseDuration(text)).toThrow();
  });

  test('nothing is no lease', () => {
    expect(() => parsePositiveDuration('0')).toThrow('at least 1ms');
    expect(() => parsePositiveDuration('0s')).toThrow('at least 1ms');
    expect(parsePositiveDuration('0.4ms')).toBe(1);
  });
});

describe('URLs', () => {
  test('may be repeated and separated by commas', () => {
    expect(collectUrls('ws://b:2, wss://c', collectUrls('ws://a:1', undefined))).toEqual([
      'ws://a:1',
      'ws://b:2',
      'wss://c',
    ]);
  });

  test('nothing given is the server on this machine', () => {
    expect(targetUrls(collectUrls('', undefined))).toEqual(['ws://127.0.0.1:7420']);
    expect(targetUrls(undefined)).toEqual(['ws://127.0.0.1:7420']);
  });

  test.each(['http://a', 'localhost:7420', 'a'])('%s is refused', (text) => {
    expect(() => targetUrls([text])).toThrow('no URL of a server');
  });

  test('credentials in a URL are refused and not repeated', () => {
    expect(() => targetUrls(['ws://user:hunter2@host'])).toThrow(/^(?!.*hunter2).*credentials/);
  });
});

describe('numbers and metadata', () => {
  test('a port and a limit are whole numbers within their bounds', () => {
    expect(parsePort('0')).toBe(0);
    expect(() => parsePort('65536')).toThrow('from 0 to 65535');
    expect(() => parsePort('1.5')).toThrow('whole number');
    expect(() => parsePort('')).toThrow('whole number');
    expect(() => parseLimit('0')).toThrow('from 1 to 1000000');
  });

  test('metadata is name=value; the value may hold more equals signs, the last of a name counts', () => {
    const meta = collectMeta('why=x=y', collectMeta('why=old', collectMeta('who=me', undefined)));
    expect(meta).toEqual({ who: 'me', why: 'x=y' });
    expect(() => collectMeta('=x', undefined)).toThrow('name=value');
    expect(() => collectMeta('x', undefined)).toThrow('name=value');
  });
});

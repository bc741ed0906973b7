import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseStorage } from '../src/storage.js';

const nothing = { dataFromEnvironment: false };

describe('where a server keeps its state', () => {
  test('nothing said is ./holdfast-data, and every acknowledgement is on the disk', () => {
    expect(chooseStorage(nothing)).toEqual({ engine: 'file', directory: './holdfast-data', fsync: 'always' });
  });

  test('--data DIR and --log file:DIR are the same', () => {
    const expected = { engine: 'file', directory: 'a/b', fsync: 'interval' };
    expect(chooseStorage({ ...nothing, data: 'a/b', fsync: 'interval' })).toEqual(expected);
    expect(chooseStorage({ ...nothing, log: 'file:a/b', fsync: 'interval' })).toEqual(expected);
    expect(chooseStorage({ ...nothing, log: 'file:a/b', data: resolve('a/b/'), fsync: 'interval' })).toEqual(expected);
  });

  test('HOLDFAST_DATA is the default of --data, and an empty one is none', () => {
    const from = (data: string) => chooseStorage({ data, dataFromEnvironment: true });
    expect(from('/var/lib/holdfast')).toMatchObject({ directory: '/var/lib/holdfast' });
    expect(from('')).toMatchObject({ directory: './holdfast-data' });
  });

  test('what is said on the command line goes before HOLDFAST_DATA', () => {
    const environment = { data: '/env', dataFromEnvironment: true };
    expect(chooseStorage({ ...environment, log: 'memory' })).toEqual({ engine: 'memory' });
    expect(chooseStorage({ ...environment, log: 'file:/said' })).toMatchObject({ directory: '/said' });
  });

  test.each([
    [{ log: 'file:a', data: 'b' }, 'different directories'],
    [{ log: 'memory', data: 'b' }, 'keeps nothing in a directory'],
    [{ log: 'memory', fsync: 'always' }, 'writes nothing to a disk'],
    [{ data: '' }, 'needs a directory'],
    [{ log: 'file:' }, 'needs a directory'],
    [{ log: 'file' }, 'needs a directory'],
    [{ log: 'disk' }, 'no log engine disk'],
  ] as const)('%j is refused, and it is said why', (options, why) => {
    expect(() => chooseStorage({ ...nothing, ...options })).toThrow(why);
    expect(() => chooseStorage({ ...nothing, ...options })).toThrow(expect.objectContaining({ exitCode: 64 }));
  });

  test('the password in the URL of an engine that there is not is not repeated', () => {
    expect(() => chooseStorage({ ...nothing, log: 'redis://me:hunter2@host' })).toThrow(
      /^there is no log engine redis$/,
    );
  });
});

import { describe, expect, test } from 'vitest';
import { commandOf } from '../src/commands/run.js';

const argv = (...args: string[]): string[] => ['node', 'holdfast', 'run', ...args];

describe('with --', () => {
  test('everything after it is the command, its own -- included', () => {
    expect(commandOf(['grep', '--', '-x'], argv('k', '--', 'grep', '--', '-x'))).toEqual(['grep', '--', '-x']);
  });

  test('a word between KEY and -- is refused', () => {
    expect(() => commandOf(['grep', '-x'], argv('k', 'grep', '--', '-x'))).toThrow('between KEY and CMD');
  });

  test('a -- before KEY is refused', () => {
    expect(() => commandOf(['grep'], argv('--', 'k', 'grep'))).toThrow('between KEY and CMD');
  });
});

describe('without --', () => {
  test('everything after KEY is the command', () => {
    expect(commandOf(['ls', '--json'], argv('k', 'ls', '--json'))).toEqual(['ls', '--json']);
  });

  test('an option after KEY is refused, since it would be taken for the command', () => {
    expect(() => commandOf(['--try', 'ls'], argv('k', '--try', 'ls'))).toThrow('need --');
  });
});

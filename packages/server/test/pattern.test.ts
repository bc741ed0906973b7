import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadPattern, Pattern } from '../src/delivery/pattern.js';

/** The rules of PROTOCOL.md, 5, as a regular expression: naive, and exponential for hostile patterns. */
function naive(pattern: string): RegExp {
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i);
    if (char === '*' && pattern.charAt(i + 1) === '*') {
      source += '[^]*';
      i += 1;
    } else if (char === '*') {
      source += '[^/]*';
    } else {
      if (char === '\\') i += 1;
      source += pattern.charAt(i).replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
    }
  }
  return new RegExp(`^${source}$`);
}

const piece = fc.constantFrom('a', 'b', '/', '*', '**', String.raw`\*`, '\\\\', '.', 'é', '😀');
const patterns = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''));
const keys = fc.array(fc.constantFrom('a', 'b', '/', '*', '\\', '.', 'é', '😀', '\n'), { maxLength: 10 });

describe('a pattern', () => {
  it('matches what a naive regular expression of its rules matches', () => {
    fc.assert(
      fc.property(patterns, keys, (source, chars) => {
        const key = chars.join('');
        expect(new Pattern(source).matches(key)).toBe(naive(source).test(key));
      }),
      { numRuns: 10_000, seed: 5 },
    );
  });

  it('matches every key that is made from it by replacing its wildcards', () => {
    const runs = fc.array(fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 4 }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(patterns, runs, (source, fillings) => {
        let used = 0;
        const key = source.replaceAll(/\\[*\\]|\*{1,2}/g, (found) =>
          found.startsWith('\\') ? found.slice(1) : (fillings[used++] ?? []).join(''),
        );
        expect(new Pattern(source).matches(key)).toBe(true);
      }),
      { numRuns: 5_000, seed: 6 },
    );
  });

  it.each([
    ['orders/42', 'orders/42', true],
    ['orders/42', 'orders/421', false],
    ['orders/**', 'orders/', true],
    ['orders/**', 'orders/a/b', true],
    ['orders/**', 'orders', false],
    ['orders/*', 'orders/a', true],
    ['orders/*', 'orders/a/b', false],
    ['*/lock', 'a/lock', true],
    ['**/lock', 'a/b/lock', true],
    ['a*b', 'ab', true],
    ['a*b', 'a/b', false],
    ['a**b', 'a/b', true],
    ['aa*aa', 'aaa', false],
    [String.raw`a\*b`, 'a*b', true],
    [String.raw`a\*b`, 'axb', false],
    ['a\\\\b', 'a\\b', true],
    ['**', '', true],
  ])('%s and the key %s: %s', (source, key, expected) => {
    expect(new Pattern(source).matches(key)).toBe(expected);
  });

  it('without wildcards names its only key, unescaped', () => {
    expect(new Pattern(String.raw`a\*b`).key).toBe('a*b');
    expect(new Pattern('a*').key).toBeNull();
  });

  it('is refused when it is empty, ends in a backslash, escapes anything else, or has more than 16 wildcards', () => {
    for (const source of ['', 'a\\', String.raw`\a`, 'a*'.repeat(17)]) {
      expect(() => new Pattern(source)).toThrow(BadPattern);
    }
    expect(new Pattern('a*'.repeat(16)).matches('a'.repeat(16))).toBe(true);
    expect(new Pattern('**a'.repeat(16)).matches('a'.repeat(16))).toBe(true);
  });

  it('that is hostile is decided by looking at each position of the key once a wildcard', () => {
    // A matcher that backtracks needs about 1000^16 steps for each of these.
    expect(new Pattern(`${'*a'.repeat(16)}b`).matches('a'.repeat(1_000))).toBe(false);
    expect(new Pattern(`${'**a'.repeat(16)}b`).matches('a'.repeat(1_000))).toBe(false);
    expect(new Pattern('*/**'.repeat(8)).matches('/'.repeat(1_000))).toBe(true);
  });
});

import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';

/** As `toStrictEqual`, which takes an own property called `__proto__` for the prototype and finds differences where there are none. */
export function expectSame(found: unknown, expected: unknown): void {
  if (isDeepStrictEqual(found, expected)) return;
  expect(found).toStrictEqual(expected);
  expect.fail('the values differ, and toStrictEqual does not see where');
}

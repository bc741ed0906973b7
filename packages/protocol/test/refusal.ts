import { expect } from 'vitest';
import { BadMessage } from '../src/errors.js';

/** The refusal of `bytes`, which must be a BadMessage whose text is short enough to be read and says at most a little of what was sent. */
export function refusalOf(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): string {
  try {
    const messages = decode(bytes);
    return expect.fail(`taken as ${JSON.stringify(messages)}`);
  } catch (error) {
    if (!(error instanceof BadMessage)) throw error;
    expect(error.code).toBe('BAD_MESSAGE');
    expect(error.message.length).toBeLessThan(200);
    return error.message;
  }
}

/** The bytes of hexadecimal digits, blanks between them or not. */
export function hex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replaceAll(' ', ''), 'hex'));
}

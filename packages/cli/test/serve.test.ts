import { expect, test } from 'vitest';
import { isLoopback } from '../src/commands/serve.js';

test.each(['localhost', '127.0.0.1', '127.8.9.10', '::1'])('%s can be reached from this machine only', (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each(['0.0.0.0', '::', '10.0.0.1', '127.evil.example', 'example.com', ''])(
  '%s may be reached from other machines',
  (host) => {
    expect(isLoopback(host)).toBe(false);
  },
);

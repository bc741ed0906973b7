import { expect, test } from 'vitest';
import { isLoopback, withFacts } from '../src/commands/serve.js';

test.each(['localhost', '127.0.0.1', '127.8.9.10', '::1'])('%s can be reached from this machine only', (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each(['0.0.0.0', '::', '10.0.0.1', '127.evil.example', 'example.com', ''])(
  '%s may be reached from other machines',
  (host) => {
    expect(isLoopback(host)).toBe(false);
  },
);

test('what the log has to tell is one line, with its facts', () => {
  expect(withFacts('the end was torn', { file: '/d/wal\n1', offset: 70 })).toBe(
    'the end was torn (file /d/wal\\u{a}1, offset 70)',
  );
  expect(withFacts('there is room again', {})).toBe('there is room again');
});

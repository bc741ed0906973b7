import { describe, expect, test } from 'vitest';
import { describeFailure } from '../src/failure.js';
import { startFailure } from '../src/start-failure.js';

const inDirectory = {
  host: '127.0.0.1',
  port: 7420,
  storage: { engine: 'file', directory: '/d', fsync: 'always' },
} as const;

/** What the person at the terminal gets. */
function told(facts: object, message = 'what the system says', name = 'Error'): string {
  const error = Object.assign(new Error(message), { name, ...facts });
  const { exitCode, text } = describeFailure(startFailure(error, inDirectory));
  return `${exitCode} ${text}`;
}

describe('a server that does not start says why, what to do, and ends with a code of its own', () => {
  test.each([
    [{ code: 'EADDRINUSE', syscall: 'listen' }, /^69 port 7420 of 127\.0\.0\.1 is taken: .*--port/],
    [{ code: 'EACCES', syscall: 'listen' }, /^77 not allowed to listen on port 7420: /],
    [{ code: 'ENOTFOUND', syscall: 'getaddrinfo' }, /^64 127\.0\.0\.1 is not an address of this machine: /],
    [{ code: 'EACCES', syscall: 'mkdir' }, /^77 not allowed to keep the state in \/d: .*--data/],
    [{ code: 'EPERM', syscall: 'open' }, /^77 not allowed to keep the state in \/d: /],
    [{ code: 'EROFS', syscall: 'open' }, /^77 \/d is on a file system that is read-only: .*--data/],
    [{ code: 'ENOTDIR', syscall: 'mkdir' }, /^64 \/d is not a directory: see --data$/],
    [{ code: 'EEXIST', syscall: 'mkdir' }, /^64 \/d is not a directory: see --data$/],
    [{ code: 'ENOSPC', syscall: 'write' }, /^69 no space left for \/d: make room/],
    [{ code: 'EDQUOT', syscall: 'write' }, /^69 no space left for \/d: make room/],
    [{ code: 'EIO', syscall: 'fdatasync' }, /^69 cannot use \/d: what the system says$/],
  ])('%j', (facts, expected) => {
    expect(told(facts)).toMatch(expected);
  });

  test('a directory that another process has', () => {
    expect(told({ path: '/d' }, '/d is in use', 'DirectoryTaken')).toBe(
      '69 /d is in use by another process: is a server running already? --data takes another directory',
    );
  });

  test('a disk without room', () => {
    expect(told({}, 'no room', 'DiskFull')).toMatch(/^69 no space left for \/d: make room/);
    expect(told({ kind: 'not-landed' }, 'no space left in /d', 'LogFailure')).toMatch(/^69 no space left in \/d: /);
  });

  test('a damaged log names what is wrong and how to see more', () => {
    expect(told({ kind: 'damaged' }, 'wal-1.log at 4096: checksum', 'LogFailure')).toBe(
      '65 wal-1.log at 4096: checksum: `holdfast log inspect /d` shows more',
    );
  });

  test('what has no explanation stays what it is', () => {
    expect(told({}, 'odd')).toMatch(/^70 odd: HOLDFAST_DEBUG/);
    const error = Object.assign(new Error('odd'), { code: 'ENOSPC', syscall: 'write' });
    expect(startFailure(error, { ...inDirectory, storage: { engine: 'memory' } })).toBe(error);
  });
});

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

test('the examples of the documentation compile, and what they expect to be errors are errors', async () => {
  const tsc = path('../../../node_modules/typescript/bin/tsc');
  const compiling = promisify(execFile)(process.execPath, [tsc, '-p', path('./types')]);
  await expect(compiling).resolves.toEqual({ stdout: '', stderr: '' });
});

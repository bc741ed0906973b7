import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveCommand } from '../src/run/command-path.js';

let directory: string;
let first: string;
let second: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-path-'));
  first = join(directory, 'first');
  second = join(directory, 'second');
  await mkdir(join(first, 'folder'), { recursive: true });
  await mkdir(second);
  const files: readonly (readonly [string, number])[] = [
    [join(first, 'plain'), 0o644],
    [join(first, 'twice'), 0o644],
    [join(second, 'twice'), 0o755],
    [join(second, 'job'), 0o755],
  ];
  for (const [path, mode] of files) {
    await writeFile(path, '#!/bin/sh\n');
    await chmod(path, mode);
  }
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('a bare name', () => {
  test('is looked for along the search path', async () => {
    expect(await resolveCommand('job', `${first}:${second}`)).toEqual({
      found: 'executable',
      path: join(second, 'job'),
    });
  });

  test('skips a file that may not be executed when a later one may', async () => {
    expect(await resolveCommand('twice', `${first}:${second}`)).toEqual({
      found: 'executable',
      path: join(second, 'twice'),
    });
  });

  test('is not executable when only such files and directories carry it', async () => {
    expect(await resolveCommand('plain', `${second}:${first}`)).toEqual({
      found: 'not-executable',
      path: join(first, 'plain'),
    });
    expect(await resolveCommand('folder', first)).toEqual({ found: 'not-executable', path: join(first, 'folder') });
  });

  test('is found nowhere otherwise', async () => {
    expect(await resolveCommand('job', first)).toEqual({ found: 'nothing' });
    expect(await resolveCommand('', second)).toEqual({ found: 'nothing' });
  });
});

describe('a name with a slash', () => {
  test('is a path as it stands, whatever the search path', async () => {
    const path = join(second, 'job');
    expect(await resolveCommand(path, first)).toEqual({ found: 'executable', path });
    expect(await resolveCommand('./job', second)).toEqual({ found: 'nothing' });
  });
});

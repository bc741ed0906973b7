/** Finds the program that a command names, as execvp(3) would, so that a typing error shows before the lock is waited for. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export type Resolution =
  | { readonly found: 'executable'; readonly path: string }
  /** A file of that name exists, but it is a directory or may not be executed. */
  | { readonly found: 'not-executable'; readonly path: string }
  | { readonly found: 'nothing' };

/**
 * A command with a slash is a path as it stands; any other is looked for in each directory of `searchPath` (an empty one is the
 * current directory), and the first that may be executed wins.
 */
export async function resolveCommand(command: string, searchPath: string): Promise<Resolution> {
  if (command === '') return { found: 'nothing' };
  const candidates = command.includes('/')
    ? [command]
    : searchPath.split(delimiter).map((directory) => join(directory === '' ? '.' : directory, command));
  let notExecutable: string | undefined;
  for (const path of candidates) {
    const kind = await examine(path);
    if (kind === 'executable') return { found: 'executable', path };
    if (kind === 'not-executable') notExecutable ??= path;
  }
  return notExecutable === undefined ? { found: 'nothing' } : { found: 'not-executable', path: notExecutable };
}

async function examine(path: string): Promise<Resolution['found']> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) return 'not-executable';
  } catch (error) {
    // A directory of PATH that may not be searched hides its programs from exec just as it hides them here.
    return error instanceof Error && 'code' in error && error.code === 'EACCES' ? 'not-executable' : 'nothing';
  }
  try {
    await access(path, constants.X_OK);
    return 'executable';
  } catch {
    return 'not-executable';
  }
}

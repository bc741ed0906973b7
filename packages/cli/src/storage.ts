/** Where `holdfast serve` keeps its state: what --log, --data and --fsync mean together. */
import { resolve } from 'node:path';
import { ExitCode } from './exit-codes.js';
import { CliFailure } from './failure.js';
import { printable } from './text.js';

export const DEFAULT_DIRECTORY = './holdfast-data';

export const FSYNC_MODES = ['always', 'interval', 'never'] as const;
export type FsyncMode = (typeof FSYNC_MODES)[number];

export type Storage =
  | { readonly engine: 'memory' }
  | {
      readonly engine: 'file';
      /** As it was given: relative to the working directory, or absolute. */
      readonly directory: string;
      readonly fsync: FsyncMode;
    };

export interface StorageOptions {
  readonly log?: string | undefined;
  readonly data?: string | undefined;
  /** --data was not given; its value is that of HOLDFAST_DATA. */
  readonly dataFromEnvironment: boolean;
  readonly fsync?: FsyncMode | undefined;
}

/**
 * What the options choose. What is said on the command line goes before HOLDFAST_DATA, and an empty HOLDFAST_DATA counts as one that is not set.
 *
 * @throws CliFailure 64 when they contradict each other or name no engine.
 */
export function chooseStorage({ log, data, dataFromEnvironment, fsync }: StorageOptions): Storage {
  const said = dataFromEnvironment ? undefined : data;
  if (said === '') throw new CliFailure(ExitCode.usage, '--data needs a directory', `such as ${DEFAULT_DIRECTORY}`);
  if (log === 'memory') {
    if (said !== undefined)
      throw contradiction('--log memory keeps nothing in a directory', 'leave out --data or --log');
    if (fsync !== undefined) throw contradiction('--log memory writes nothing to a disk', 'leave out --fsync or --log');
    return { engine: 'memory' };
  }
  const named = log === undefined ? undefined : directoryOf(log);
  if (named !== undefined && said !== undefined && resolve(named) !== resolve(said)) {
    throw contradiction('--log and --data name different directories', 'one of them is enough');
  }
  const fallback = data === undefined || data === '' ? DEFAULT_DIRECTORY : data;
  return { engine: 'file', directory: named ?? fallback, fsync: fsync ?? 'always' };
}

/** DIR of `file:DIR`. */
function directoryOf(log: string): string {
  const directory = log.startsWith('file:') ? log.slice('file:'.length) : '';
  if (directory !== '') return directory;
  // Without what follows the colon: it may be the URL of a database, with its password.
  const name = printable(log.replace(/:.*$/s, ''));
  const what = log === 'file:' || log === 'file' ? '--log file: needs a directory' : `there is no log engine ${name}`;
  throw new CliFailure(ExitCode.usage, what, 'this version has: memory, file:DIR');
}

function contradiction(message: string, hint: string): CliFailure {
  return new CliFailure(ExitCode.usage, message, hint);
}

/** Why a server did not start, as one line that says what to do. */
import { ExitCode } from './exit-codes.js';
import { CliFailure, codeOf } from './failure.js';
import type { Storage } from './storage.js';
import { printable } from './text.js';

export interface Start {
  readonly host: string;
  readonly port: number;
  readonly storage: Storage;
}

/** What to throw instead of `error`, which `startServer` rejected with; `error` itself when nothing better is known. */
export function startFailure(error: unknown, { host, port, storage }: Start): unknown {
  if (isOfNetwork(error)) return listenFailure(error, host, port);
  if (storage.engine === 'memory') return error;
  return storageFailure(error, storage.directory);
}

const NETWORK_CALLS: ReadonlySet<unknown> = new Set(['listen', 'bind', 'getaddrinfo']);

/** Whether it was the socket: EACCES is said of ports and of directories. */
function isOfNetwork(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && NETWORK_CALLS.has(error.syscall);
}

function listenFailure(error: unknown, host: string, port: number): unknown {
  const cause = { cause: error };
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new CliFailure(
        ExitCode.unavailable,
        `port ${port} of ${printable(host)} is taken`,
        'is a server running already? --port takes another one',
        cause,
      );
    case 'EACCES':
      return new CliFailure(ExitCode.forbidden, `not allowed to listen on port ${port}`, 'take one above 1023', cause);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new CliFailure(
        ExitCode.usage,
        `${printable(host)} is not an address of this machine`,
        'see --host',
        cause,
      );
    default:
      return error;
  }
}

function storageFailure(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error;
  const cause = { cause: error };
  const directory = printable(path);
  // By name and not by class: how a server is started does not depend on which copy of the package it came from.
  if (error.name === 'DirectoryTaken') {
    return new CliFailure(
      ExitCode.unavailable,
      `${directory} is in use by another process`,
      'is a server running already? --data takes another directory',
      cause,
    );
  }
  if (error.name === 'DiskFull') return diskFull(directory, cause);
  if (error.name === 'LogFailure' && 'kind' in error) return logFailure(error, error.kind, directory);
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(directory, cause);
    case 'EACCES':
    case 'EPERM':
      return new CliFailure(
        ExitCode.forbidden,
        `not allowed to keep the state in ${directory}`,
        'the directory and everything in it must belong to the user that serves; --data takes another one',
        cause,
      );
    case 'EROFS':
      return readOnly(directory, cause);
    case 'ENOTDIR':
    case 'EEXIST':
      return new CliFailure(ExitCode.usage, `${directory} is not a directory`, 'see --data', cause);
    case undefined:
      return error;
    default:
      return new CliFailure(
        ExitCode.unavailable,
        `cannot use ${directory}: ${printable(error.message)}`,
        undefined,
        cause,
      );
  }
}

function readOnly(directory: string, cause: ErrorOptions): CliFailure {
  const message = `${directory} is on a file system that is read-only`;
  return new CliFailure(ExitCode.forbidden, message, '--data takes another directory', cause);
}

function diskFull(directory: string, cause: ErrorOptions): CliFailure {
  return new CliFailure(
    ExitCode.unavailable,
    `no space left for ${directory}`,
    'make room; nothing that was acknowledged is lost',
    cause,
  );
}

function logFailure(error: Error, kind: unknown, directory: string): unknown {
  const cause = { cause: error };
  const message = printable(error.message);
  if (codeOf(error.cause) === 'EROFS') return readOnly(directory, cause);
  if (kind === 'damaged') {
    return new CliFailure(ExitCode.dataError, message, `\`holdfast log inspect ${directory}\` shows more`, cause);
  }
  if (kind === 'not-landed') return new CliFailure(ExitCode.unavailable, message, 'see docs/operations.md', cause);
  return new CliFailure(ExitCode.unavailable, `the log in ${directory} cannot be used: ${message}`, undefined, cause);
}

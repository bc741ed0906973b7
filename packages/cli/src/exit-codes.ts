/**
 * Exit codes of the `holdfast` command. 64 to 78 follow sysexits.h, 126 to 128+n follow the shell, 79 is ours: the first
 * number after sysexits.h, so that a script can tell "the lock went away" from anything its own command says.
 */
import { constants } from 'node:os';

export const ExitCode = {
  /** Done. `run` passes on the exit code of its command instead. */
  ok: 0,
  /** Wrong arguments, or a combination that cannot be safe. */
  usage: 64,
  /** What was to be read is damaged. */
  dataError: 65,
  /** What was to be read is not there. */
  noInput: 66,
  /** The service cannot be reached, or does not take requests now. */
  unavailable: 69,
  /** A fault of this program or of the server. */
  internal: 70,
  /** The lock was not obtained: held by somebody else (`--try`), the wait was over, or the queue was full. */
  notObtained: 75,
  /** The server does not allow it: no credential, or not enough rights. */
  forbidden: 77,
  /** The lock was lost while the command ran (or was about to be), and the command was ended. */
  lost: 79,
  /** CMD was found but cannot be executed. */
  notExecutable: 126,
  /** CMD was not found. */
  notFound: 127,
} as const;

/** The exit code that stands for "ended by this signal": 128 + its number, as in the shell. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** The table of exit codes as `holdfast run --help` shows it. */
export const RUN_EXIT_CODES: readonly (readonly [code: string, meaning: string])[] = [
  ["CMD's own", '128+n when signal n ended it'],
  ['64', 'wrong arguments'],
  ['69', 'the service cannot be reached'],
  ['75', 'not obtained: held (--try), the wait was over, or the queue is full'],
  ['77', 'not allowed'],
  ['79', 'the lock was lost while CMD ran, and CMD was ended'],
  ['126, 127', 'CMD cannot be executed, was not found; checked before the lock is asked for'],
  ['129, 130, 131, 143', 'interrupted by HUP, INT, QUIT, TERM while waiting for the lock'],
];

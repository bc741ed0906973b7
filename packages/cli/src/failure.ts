/** What goes wrong, as one line that says what to do next, and an exit code. */
import { ExitCode } from './exit-codes.js';
import { printable } from './text.js';

/** A failure whose message is meant for the person at the terminal. `hint` says what to do next. */
export class CliFailure extends Error {
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(exitCode: number, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliFailure';
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** Exit codes of the service's error codes (PROTOCOL.md, 4 and 7); a code that is not here goes by its retry class. */
const EXIT_OF_CODE: Readonly<Record<string, number>> = {
  HELD: ExitCode.notObtained,
  WAIT_TIMEOUT: ExitCode.notObtained,
  QUEUE_FULL: ExitCode.notObtained,
  REQUEST_LIMIT: ExitCode.notObtained,
  UNAUTHENTICATED: ExitCode.forbidden,
  FORBIDDEN: ExitCode.forbidden,
  BAD_PATTERN: ExitCode.usage,
  INVALID_ARGUMENT: ExitCode.usage,
  BAD_MESSAGE: ExitCode.internal,
  REQUEST_SPENT: ExitCode.internal,
  INTERNAL: ExitCode.internal,
  LEASE_OVER: ExitCode.lost,
  REVOKED: ExitCode.lost,
  SESSION_OVER: ExitCode.lost,
  LOCK_LOST: ExitCode.lost,
};

const HINT_OF_CODE: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: 'put a valid token into HOLDFAST_TOKEN',
  FORBIDDEN: 'ask the operator for the right to do this',
  DRAINING: 'the server is about to stop; try again in a moment',
  OVERLOADED: 'the server is at a limit; try again in a moment',
  BAD_PATTERN: "use * for a part of a key and ** for any rest, such as 'orders/**'",
};

/** The service's code of an error, when it has one. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export interface Described {
  readonly exitCode: number;
  /** One line, without the program's name and without a stack. */
  readonly text: string;
}

/** Any thrown value as one line and an exit code. */
export function describeFailure(error: unknown): Described {
  if (error instanceof CliFailure) {
    return { exitCode: error.exitCode, text: withHint(error.message, error.hint) };
  }
  if (!(error instanceof Error)) return { exitCode: ExitCode.internal, text: printable(String(error)) };
  const code = codeOf(error);
  const message = printable(error.message);
  if (code === undefined || !('retry' in error)) {
    return { exitCode: ExitCode.internal, text: withHint(message, 'HOLDFAST_DEBUG=1 shows where') };
  }
  const byClass = error.retry === 'never' ? ExitCode.internal : ExitCode.unavailable;
  return {
    exitCode: EXIT_OF_CODE[code] ?? byClass,
    text: withHint(message.includes(code) ? message : `${message} (${code})`, HINT_OF_CODE[code]),
  };
}

function withHint(message: string, hint: string | undefined): string {
  return hint === undefined ? message : `${message}: ${hint}`;
}

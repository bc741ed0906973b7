import { describe, expect, test } from 'vitest';
import { ExitCode, exitCodeOfSignal } from '../src/exit-codes.js';
import { CliFailure, describeFailure } from '../src/failure.js';

/** As the client's HoldfastError. */
function serviceError(code: string, retry: string, message = 'it failed'): Error {
  return Object.assign(new Error(message), { code, retry });
}

describe('exit codes', () => {
  test.each([
    ['HELD', 'never', ExitCode.notObtained],
    ['WAIT_TIMEOUT', 'never', ExitCode.notObtained],
    ['QUEUE_FULL', 'same-request', ExitCode.notObtained],
    ['UNAUTHENTICATED', 'never', ExitCode.forbidden],
    ['BAD_PATTERN', 'never', ExitCode.usage],
    ['INVALID_ARGUMENT', 'never', ExitCode.usage],
    ['DRAINING', 'after-reconnect', ExitCode.unavailable],
    ['UNAVAILABLE', 'same-request', ExitCode.unavailable],
    ['LOCK_LOST', 'never', ExitCode.lost],
  ])('%s has its own', (code, retry, exitCode) => {
    expect(describeFailure(serviceError(code, retry)).exitCode).toBe(exitCode);
  });

  test('a code that is not known goes by its retry class', () => {
    expect(describeFailure(serviceError('SOMETHING_NEW', 'after-reconnect')).exitCode).toBe(ExitCode.unavailable);
    expect(describeFailure(serviceError('SOMETHING_NEW', 'never')).exitCode).toBe(ExitCode.internal);
  });

  test('anything else is a fault of the program', () => {
    expect(describeFailure(new TypeError('x is not a function'))).toEqual({
      exitCode: ExitCode.internal,
      text: 'x is not a function: HOLDFAST_DEBUG=1 shows where',
    });
    expect(describeFailure('thrown text').exitCode).toBe(ExitCode.internal);
  });

  test('signals count from 128', () => {
    expect([exitCodeOfSignal('SIGHUP'), exitCodeOfSignal('SIGINT'), exitCodeOfSignal('SIGKILL')]).toEqual([
      129, 130, 137,
    ]);
  });
});

describe('the line', () => {
  test('says what to do next', () => {
    expect(describeFailure(new CliFailure(64, 'this is wrong', 'do that')).text).toBe('this is wrong: do that');
    expect(describeFailure(serviceError('UNAUTHENTICATED', 'never')).text).toBe(
      'it failed (UNAUTHENTICATED): put a valid token into HOLDFAST_TOKEN',
    );
  });

  test('is one line, whatever the server says', () => {
    expect(describeFailure(serviceError('INTERNAL', 'after-reconnect', 'a\n\u001b[31mb')).text).toBe(
      'a\\u{a}\\u{1b}[31mb (INTERNAL)',
    );
  });
});

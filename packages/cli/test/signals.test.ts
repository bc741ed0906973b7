import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { Signals } from '../src/run/signals.js';

/** As the process does: the listener gets the signal's name. */
class Source extends EventEmitter {
  raise(signal: NodeJS.Signals): void {
    this.emit(signal, signal);
  }

  get listening(): number {
    return this.eventNames().length;
  }
}

test.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGQUIT', 131],
  ['SIGTERM', 143],
] as const)('%s ends a wait, with exit code %i', (signal, exitCode) => {
  const source = new Source();
  const signals = new Signals(source);
  expect(signals.interruptedExitCode).toBeNull();
  source.raise(signal);
  expect(signals.interrupted.aborted).toBe(true);
  expect(signals.interruptedExitCode).toBe(exitCode);
});

test('after the first signal a wait has the default behaviour back, so that the second one ends it', () => {
  const source = new Source();
  const signals = new Signals(source);
  source.raise('SIGINT');
  expect(source.listening).toBe(0);
  expect(signals.interruptedExitCode).toBe(130);
});

test('signals that are meant for the command do not end a wait', () => {
  const source = new Source();
  const signals = new Signals(source);
  for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const) source.raise(signal);
  expect(signals.interrupted.aborted).toBe(false);
});

test('while a command runs every signal is passed on, as often as it comes', () => {
  const source = new Source();
  const signals = new Signals(source);
  const passed: string[] = [];
  signals.passTo(
    (signal) => passed.push(signal),
    () => passed.push('suspend'),
  );
  for (const signal of [
    'SIGINT',
    'SIGINT',
    'SIGTERM',
    'SIGHUP',
    'SIGQUIT',
    'SIGUSR1',
    'SIGUSR2',
    'SIGWINCH',
  ] as const) {
    source.raise(signal);
  }
  source.raise('SIGTSTP');
  expect(passed).toEqual([
    'SIGINT',
    'SIGINT',
    'SIGTERM',
    'SIGHUP',
    'SIGQUIT',
    'SIGUSR1',
    'SIGUSR2',
    'SIGWINCH',
    'suspend',
  ]);
  expect(signals.interrupted.aborted).toBe(false);
});

test('a stopped router leaves no listener behind', () => {
  const source = new Source();
  const signals = new Signals(source);
  signals.passTo(
    () => undefined,
    () => undefined,
  );
  signals.stop();
  expect(source.listening).toBe(0);
});

/** Signals sent to `holdfast run`: while it waits they end the wait, while its command runs they are passed on. */
import { exitCodeOfSignal } from '../exit-codes.js';

/** End the wait. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const satisfies readonly NodeJS.Signals[];
/** Only concern the command. */
const OTHERS = ['SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const satisfies readonly NodeJS.Signals[];

/** A signal that reaches the command. */
export type PassedSignal = (typeof ENDING)[number] | (typeof OTHERS)[number];

/** The part of `process` that is used: tests give an emitter. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

export class Signals {
  /** Aborts when the wait is to end; `interruptedBy` names the signal. */
  readonly interrupted: AbortSignal;
  readonly #abort = new AbortController();
  readonly #source: SignalSource;
  #interruptedBy: PassedSignal | null = null;
  #pass: ((signal: PassedSignal) => void) | null = null;
  #suspend: (() => void) | null = null;

  constructor(source: SignalSource) {
    this.#source = source;
    this.interrupted = this.#abort.signal;
    for (const signal of [...ENDING, ...OTHERS]) source.on(signal, this.#received);
  }

  /** The exit code of an interrupted wait, or null. */
  get interruptedExitCode(): number | null {
    return this.#interruptedBy === null ? null : exitCodeOfSignal(this.#interruptedBy);
  }

  /**
   * From now on signals go to the command. Ctrl-Z is taken, too: it would stop us and not the command, and a stopped
   * program cannot notice that the lock is going away.
   */
  passTo(pass: (signal: PassedSignal) => void, suspend: () => void): void {
    this.#pass = pass;
    this.#suspend = suspend;
    this.#source.on('SIGTSTP', this.#suspended);
  }

  /** Gives all signals their default back. */
  stop(): void {
    for (const signal of [...ENDING, ...OTHERS]) this.#source.off(signal, this.#received);
    this.#source.off('SIGTSTP', this.#suspended);
  }

  readonly #suspended = (): void => {
    this.#suspend?.();
  };

  readonly #received = (name: NodeJS.Signals): void => {
    const signal = [...ENDING, ...OTHERS].find((known) => known === name);
    if (signal === undefined) return;
    if (this.#pass !== null) {
      this.#pass(signal);
      return;
    }
    const ending = ENDING.find((known) => known === signal);
    if (ending === undefined || this.#interruptedBy !== null) return;
    this.#interruptedBy = ending;
    this.#abort.abort();
    // A second Ctrl-C ends the program even if saying goodbye to the server takes long.
    this.stop();
  };
}

/** Questions to the service that are answered by rows. */
import type { ClientMessage, ErrorMessage, ResultMessage } from '@holdfast/protocol';
import type { Clock, TimerHandle } from './clock.js';
import { ConnectionError, HoldfastError } from './errors.js';
import type { Outbox } from './holds.js';
import type { Row } from './status.js';

/** One question, from the call until its last row was taken. */
class Call {
  readonly number: number;
  readonly say: (number: number) => ClientMessage;
  /** Asking twice does no harm. */
  readonly isRepeatable: boolean;
  isSent = false;
  isAnswered = false;
  patience: TimerHandle | null = null;
  #rows: Row[] = [];
  #isDone = false;
  #error: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(number: number, say: (number: number) => ClientMessage, isRepeatable: boolean) {
    this.number = number;
    this.say = say;
    this.isRepeatable = isRepeatable;
  }

  add(rows: readonly Row[], more: boolean): void {
    this.isAnswered = true;
    for (const row of rows) this.#rows.push(row);
    if (!more) this.#isDone = true;
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#error = error;
    this.#wake?.();
  }

  async *rows(): AsyncGenerator<Row, void, undefined> {
    for (;;) {
      const rows = this.#rows;
      this.#rows = [];
      yield* rows;
      if (this.#rows.length > 0) continue;
      if (this.#error !== null) throw this.#error;
      if (this.#isDone) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export class Calls {
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #patienceMs: () => number;
  readonly #calls = new Map<number, Call>();
  #lastNumber = 0;

  /** @param patienceMs how long a question that cannot be asked waits for a connection */
  constructor(clock: Clock, outbox: Outbox, patienceMs: () => number) {
    this.#clock = clock;
    this.#outbox = outbox;
    this.#patienceMs = patienceMs;
  }

  /**
   * Asks, and yields the rows of the answer as they come.
   *
   * @param isRepeatable asked again when the connection is lost before anything of the answer came; otherwise what
   *   became of it is not known, and it fails with `DISCONNECTED`
   */
  async *ask(say: (number: number) => ClientMessage, isRepeatable: boolean): AsyncGenerator<Row, void, undefined> {
    const call = new Call(++this.#lastNumber, say, isRepeatable);
    this.#calls.set(call.number, call);
    try {
      if (this.#outbox.isOpen) this.#send(call);
      else this.#waitForConnection(call);
      yield* call.rows();
    } finally {
      this.#forget(call);
    }
  }

  /** Asks, and gives the one row of the answer. */
  async askOne(say: (number: number) => ClientMessage, isRepeatable: boolean): Promise<Row> {
    for await (const row of this.ask(say, isRepeatable)) return row;
    throw new HoldfastError('BAD_ANSWER', 'the service answered without a row');
  }

  opened(): void {
    for (const call of this.#calls.values()) this.#send(call);
  }

  disconnected(): void {
    for (const call of this.#calls.values()) {
      const wasSent = call.isSent;
      call.isSent = false;
      if (call.isAnswered || (wasSent && !call.isRepeatable)) {
        this.#fail(call, disconnected('the connection was lost before the answer came'));
      } else if (wasSent) {
        this.#waitForConnection(call);
      }
    }
  }

  result([, number, rows, more]: ResultMessage): void {
    this.#calls.get(number)?.add(rows, more);
  }

  error([, , number, code, retry, text]: ErrorMessage): void {
    const call = this.#calls.get(number);
    if (call !== undefined) this.#fail(call, new HoldfastError(code, text, retry));
  }

  close(error: Error): void {
    for (const call of this.#calls.values()) this.#fail(call, error);
  }

  #send(call: Call): void {
    this.#stopWaiting(call);
    call.isSent = true;
    this.#outbox.send(call.say(call.number));
  }

  #waitForConnection(call: Call): void {
    const fire = (): void => this.#fail(call, disconnected('there was no connection to ask the service'));
    call.patience = this.#clock.setTimer(this.#patienceMs(), fire, true);
  }

  #fail(call: Call, error: Error): void {
    this.#forget(call);
    call.fail(error);
  }

  #forget(call: Call): void {
    this.#stopWaiting(call);
    this.#calls.delete(call.number);
  }

  #stopWaiting(call: Call): void {
    if (call.patience !== null) this.#clock.clearTimer(call.patience);
    call.patience = null;
  }
}

function disconnected(text: string): ConnectionError {
  return new ConnectionError('DISCONNECTED', text, 'after-reconnect');
}

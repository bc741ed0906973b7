/**
 * Nobody overtakes: a request is said to hold only when everybody who stood before it in its key's queue had left, or holds together with
 * it. Order is that of the log, which is where the model has it from.
 */
import { type Checker, type TraceEvent, Violation } from '../trace.js';
import type { Ledger } from './ledger.js';

export class Fifo implements Checker {
  readonly name = 'fifo';
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  see(event: TraceEvent): void {
    if (event.type !== 'said') return;
    const { model, told } = this.#ledger;
    for (const statement of told) {
      if (statement.kind !== 'held') continue;
      // A request that is not durable at all is for another checker.
      const request = model.request(statement.session, statement.request);
      if (request === undefined || request.token !== 0) continue;
      const who = `request ${request.number} of session ${request.session} was said to hold ${request.key}`;
      if (request.state === 'ended') throw new Violation(this.name, `${who}, but it had ended with ${request.code}`);
      const before = model.before(request).map(({ number, session, state }) => `${state} ${number} of ${session}`);
      throw new Violation(this.name, `${who}, but before it are: ${before.join(', ')}`);
    }
  }

  finish(): void {
    // What was said was checked when it was said.
  }
}

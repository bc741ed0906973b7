/**
 * Nobody overtakes: a request is said to hold only when everybody who stood before it in its key's queue had left, or holds together with
 * it; and the places that are told are those of that order. Order is that of the log, which is where the model has it from.
 */
import { type Checker, type TraceEvent, Violation } from '../trace.js';
import type { Ledger } from './ledger.js';
import type { Told } from './told.js';

export class Fifo implements Checker {
  readonly name = 'fifo';
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  see(event: TraceEvent): void {
    if (event.type !== 'said') return;
    for (const told of this.#ledger.told) {
      if (told.kind === 'held') this.#checkHeld(told.session, told.request);
      else if (told.kind === 'waiting') this.#checkPlace(told);
    }
  }

  finish(): void {
    // What was said was checked when it was said.
  }

  #checkHeld(session: string, number: number): void {
    const { model } = this.#ledger;
    // A request that is not durable at all is for another checker.
    const request = model.request(session, number);
    if (request === undefined || request.token !== 0) return;
    const who = `request ${number} of session ${session} was said to hold ${request.key}`;
    if (request.state === 'ended') throw new Violation(this.name, `${who}, but it had ended with ${request.code}`);
    const before = model.before(request).map((other) => `${other.state} ${other.number} of ${other.session}`);
    throw new Violation(this.name, `${who}, but before it are: ${before.join(', ')}`);
  }

  #checkPlace({ session, request: number, place, length }: Extract<Told, { kind: 'waiting' }>): void {
    const request = this.#ledger.model.request(session, number);
    const told = length === null ? `${place}` : `${place} of ${length}`;
    if (request === undefined || request.places.has(told)) return;
    throw new Violation(
      this.name,
      `request ${number} of session ${session} was said to wait at place ${told}, but it only was at: ${[...request.places].join(', ')}`,
    );
  }
}

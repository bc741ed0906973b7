/**
 * Tokens strictly grow in the order of the log, across sessions, releases and restarts, and never fall below the floor of the term: whoever names
 * the token of a hold, server or client, names the one that the order of the log gives it.
 */
import { type Checker, type TraceEvent, Violation } from '../trace.js';
import type { Ledger } from './ledger.js';

export class Tokens implements Checker {
  readonly name = 'tokens';
  readonly #ledger: Ledger;
  /** The highest token that the log has given so far. */
  #highest = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  see(event: TraceEvent): void {
    for (const { happenings } of this.#ledger.news) {
      for (const { kind, request } of happenings) {
        if (kind !== 'granted') continue;
        if (request.token <= this.#highest) this.#fail(`${request.token} was granted after ${this.#highest}`);
        this.#highest = request.token;
      }
    }
    if (event.type === 'said') this.#checkTold();
    if (event.type === 'got' && event.token > this.#highest) {
      this.#fail(
        `client ${event.client} got token ${event.token}, but ${this.#highest} is the highest that is durable`,
      );
    }
  }

  finish(): void {
    // What was said was checked when it was said.
  }

  #checkTold(): void {
    const { model, told } = this.#ledger;
    for (const statement of told) {
      if (statement.kind !== 'held' && statement.kind !== 'ended') continue;
      const { token } = statement;
      const request = model.request(statement.session, statement.request);
      if (request === undefined || token === undefined) continue;
      // A hold without a token in the log is for the checker of order.
      if (statement.kind === 'held' && request.token === 0) continue;
      if ((token ?? 0) === request.token) continue;
      this.#fail(
        `request ${request.number} of session ${request.session} has token ${request.token}, but ${token} was said`,
      );
    }
  }

  #fail(text: string): never {
    throw new Violation(this.name, text);
  }
}

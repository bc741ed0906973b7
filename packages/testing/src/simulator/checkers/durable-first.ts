/** Nothing is said before it is durable: whatever the server says of a session or a request is found in the durable history. */
import { MessageType } from '@holdfast/protocol';
import { type Checker, type TraceEvent, Violation } from '../trace.js';
import type { Ledger } from './ledger.js';
import type { RequestRecord } from './records.js';
import type { Told, ToldOfRequest } from './told.js';

export class DurableFirst implements Checker {
  readonly name = 'durable-first';
  readonly #ledger: Ledger;
  /** Welcomes to a resumed session that were said. */
  readonly #resumes = new Map<string, number>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  see(event: TraceEvent): void {
    if (event.type !== 'said') return;
    for (const told of this.#ledger.told) this.#check(told);
    for (const message of event.messages) {
      if (message[0] === MessageType.welcome) {
        const { session, resumed, lastRequest, term } = message[1];
        this.#checkWelcome(session, resumed, lastRequest, term);
      } else if (message[0] === MessageType.events || message[0] === MessageType.watching) {
        const position = message[2];
        if (position > this.#ledger.index)
          this.#fail(`position ${position} was said, but ${this.#ledger.index} is durable`);
      }
    }
  }

  finish(): void {
    // What was said was checked when it was said.
  }

  #checkWelcome(id: string, resumed: boolean, lastRequest: number, term: number): void {
    const session = this.#ledger.model.sessions.get(id);
    if (session === undefined) this.#fail(`a welcome names session ${id}, which is not durable`);
    if (term > this.#ledger.term) this.#fail(`a welcome names term ${term}, but ${this.#ledger.term} is durable`);
    if (lastRequest > session.lastRequest) {
      this.#fail(
        `a welcome says that session ${id} had request ${lastRequest}, but ${session.lastRequest} is its last`,
      );
    }
    if (!resumed) return;
    const count = (this.#resumes.get(id) ?? 0) + 1;
    this.#resumes.set(id, count);
    if (count > session.resumes) this.#fail(`session ${id} was told of resume ${count}, which is not durable`);
  }

  #check(told: Told): void {
    const { model } = this.#ledger;
    if (told.kind === 'session') {
      if (!model.sessions.has(told.session)) this.#fail(`session ${told.session} was named, but it is not durable`);
      return;
    }
    const { session, request: number } = told;
    if (told.kind === 'refused') {
      const { command, code } = told;
      if (model.wasRefused(session, number, command, code)) return;
      this.#fail(
        `${command} of request ${number} of session ${session} was said to be ${code}, which the log does not have`,
      );
    }
    if (told.kind === 'ended' && model.wasTurnedAway(session, number, told.code)) return;
    const request = model.request(session, number);
    const what = `${told.kind} was said of request ${number} of session ${session}`;
    if (request === undefined) this.#fail(`${what}, but the request is not durable`);
    if (told.kind !== 'extended' && told.key !== null && told.key !== request.key) {
      this.#fail(`${what} on key ${told.key}, but it is for ${request.key}`);
    }
    this.#checkState(told, request, what);
  }

  #checkState(told: ToldOfRequest, request: RequestRecord, what: string): void {
    switch (told.kind) {
      case 'held':
        if (told.mode !== null && told.mode !== request.mode)
          this.#fail(`${what} as ${told.mode}, but it is ${request.mode}`);
        if (told.leaseEndMs !== undefined && request.token !== 0 && !request.leaseEnds.has(told.leaseEndMs)) {
          this.#fail(`${what} with the end of lease ${told.leaseEndMs}, which it never had`);
        }
        break;
      case 'waiting':
        // Its place is for the checker of order.
        break;
      case 'ended':
        if (request.code !== told.code)
          this.#fail(`${what} with ${told.code}, but it is ${request.code ?? request.state}`);
        if (told.end !== undefined && told.end !== request.end) {
          this.#fail(`${what} as ending ${told.end}, but it is ending ${request.end}`);
        }
        break;
      case 'extended':
        if (!request.leaseEnds.has(told.leaseEndMs)) this.#fail(`${what} to ${told.leaseEndMs}, which it never had`);
        break;
    }
  }

  #fail(text: string): never {
    throw new Violation(this.name, text);
  }
}

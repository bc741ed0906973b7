/**
 * What user code is given is what the log granted: each lock is one hold of the durable history, for the key and in the mode that was asked
 * for, given once, to one call. A release that resolved is durable, unless the hold was over by the client's own clock before.
 */
import {
  type Asked,
  type Checker,
  type Got,
  type Released,
  type Releasing,
  type TraceEvent,
  Violation,
} from '../trace.js';
import type { Ledger } from './ledger.js';

/** Clocks of different machines run at rates that differ by less. */
const RATE_DIFFERENCE_MAX = 0.01;

export class Grants implements Checker {
  readonly name = 'grants';
  readonly #ledger: Ledger;
  readonly #asked = new Map<number, Asked>();
  /** How a call ended, by its ask. */
  readonly #answered = new Map<number, 'a lock' | 'no lock'>();
  /** Which ask has which token. */
  readonly #given = new Map<number, number>();
  readonly #releasing = new Map<number, Releasing>();
  /** When the wall clock of a client was set last. */
  readonly #clockSetMs = new Map<number, number>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  see(event: TraceEvent): void {
    switch (event.type) {
      case 'asked':
        this.#asked.set(event.ask, event);
        break;
      case 'missed':
        this.#answer(event.ask, 'no lock');
        break;
      case 'got':
        this.#answer(event.ask, 'a lock');
        this.#got(event);
        break;
      case 'releasing':
        this.#releasing.set(event.ask, event);
        break;
      case 'released':
        this.#released(event);
        break;
      case 'clock-set':
        this.#clockSetMs.set(event.client, event.atMs);
        break;
      default:
    }
  }

  finish(): void {
    // What was given was checked when it was given.
  }

  #answer(ask: number, how: 'a lock' | 'no lock'): void {
    const before = this.#answered.get(ask);
    if (before !== undefined) this.#fail(`ask ${ask} was given ${how}, after it was given ${before}`);
    this.#answered.set(ask, how);
  }

  #got({ ask, client, key, token, session }: Got): void {
    const asked = this.#asked.get(ask);
    const what = `client ${client} was given token ${token} of ${key} for ask ${ask}`;
    if (asked === undefined) this.#fail(`${what}, which was never asked`);
    const other = this.#given.get(token);
    if (other !== undefined) this.#fail(`${what}, and for ask ${other} before`);
    this.#given.set(token, ask);
    const hold = this.#ledger.model.byToken.get(token);
    if (hold === undefined) this.#fail(`${what}, but the log has no such grant`);
    if (hold.session !== session)
      this.#fail(`${what} in session ${session}, but the log granted it to session ${hold.session}`);
    if (hold.key !== key || key !== asked.key)
      this.#fail(`${what}, but it is of ${hold.key}, and ${asked.key} was asked for`);
    if (hold.mode !== asked.mode) this.#fail(`${what}, but it is ${hold.mode}, and ${asked.mode} was asked for`);
  }

  #released({ ask, client, token, atMs }: Released): void {
    const releasing = this.#releasing.get(ask);
    if (releasing === undefined) this.#fail(`client ${client} released ask ${ask} without a release`);
    const hold = this.#ledger.model.byToken.get(token);
    if (hold === undefined) this.#fail(`client ${client} released token ${token}, which the log never granted`);
    if (hold.state === 'ended') return;
    // Without the service's word, a release may also end with the hold itself: when it was not certain to be held any more,
    // when the clock is not to be trusted, and when a session that does not outlive its connection has lost it.
    const certainUntilMs = releasing.atMs + releasing.validForMs * (1 - RATE_DIFFERENCE_MAX);
    const isResumable = this.#ledger.model.sessions.get(hold.session)?.resumable === true;
    const wasClockSet = (this.#clockSetMs.get(client) ?? -Infinity) >= releasing.atMs;
    if (atMs >= certainUntilMs || !isResumable || wasClockSet) return;
    this.#fail(`the release of token ${token} by client ${client} resolved, but the log has it held`);
  }

  #fail(text: string): never {
    throw new Violation(this.name, text);
  }
}

/** All rules, one checker each. */
import type { Checker } from '../trace.js';
import { ClientsView } from './clients-view.js';
import { DurableFirst } from './durable-first.js';
import { Exclusion } from './exclusion.js';
import { Fifo } from './fifo.js';
import { Grants } from './grants.js';
import { Ledger } from './ledger.js';
import { Sessions } from './sessions.js';
import { Tokens } from './tokens.js';
import { Waiters } from './waiters.js';

/**
 * The checkers of one run, to be given every event in this order. The ledger comes first, because the others look things up in it. Those
 * that ask the locks of clients come last: a lock that is asked may notice that it is lost, and then there is an event within an event.
 */
export function createCheckers(): readonly Checker[] {
  const ledger = new Ledger();
  return [
    ledger,
    new DurableFirst(ledger),
    new Fifo(ledger),
    new Tokens(ledger),
    new Grants(ledger),
    new Waiters(ledger),
    new Sessions(ledger),
    new Exclusion(ledger),
    new ClientsView(ledger),
  ];
}

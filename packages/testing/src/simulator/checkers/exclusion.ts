/**
 * Mutual exclusion, twice. By belief: whenever somebody is given a key or uses it, no two locks in hand say that they hold it, unless
 * both share it. By token: a resource that refuses tokens lower than the highest one it has seen never refuses a holder that rightly holds,
 * and whoever it refuses knows already that it does not hold.
 *
 * Left out are holds that the service ends under their holder, by force or with a connection that the session does not outlive: their
 * holder learns of it later than the next one, and only the token protects what they write to.
 */
import type { Mode } from '@holdfast/core';
import { type Checker, type TraceEvent, Violation, type World, type Wrote } from '../trace.js';
import type { Ledger } from './ledger.js';
import { endedUnderTheHolder } from './records.js';

interface Belief {
  readonly client: number;
  readonly token: number;
  readonly mode: Mode;
}

export class Exclusion implements Checker {
  readonly name = 'exclusion';
  readonly #ledger: Ledger;
  /** The highest token that the resource behind each key has seen. */
  readonly #registers = new Map<string, number>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  see(event: TraceEvent, world: World): void {
    if (event.type !== 'got' && event.type !== 'wrote') return;
    this.#checkBeliefs(event.key, world);
    if (event.type === 'wrote') this.#checkWrite(event);
  }

  finish(): void {
    // Believing and writing were checked when they happened.
  }

  #checkBeliefs(key: string, world: World): void {
    const believing: Belief[] = [];
    for (const lock of world.locksInHand(key)) {
      if (this.#wasTakenAway(lock.token) || !lock.isHeld()) continue;
      const { client, token, mode } = lock;
      believing.push({ client, token, mode });
    }
    const alone = believing.find(({ mode }) => mode === 'exclusive');
    if (alone === undefined || believing.length === 1) return;
    const holders = believing.map(({ client, token, mode }) => `client ${client} (${mode}, token ${token})`);
    throw new Violation(this.name, `${key} is held by ${holders.join(' and ')}`);
  }

  #checkWrite({ key, token, client }: Wrote): void {
    const highest = this.#registers.get(key) ?? 0;
    if (token >= highest) {
      this.#registers.set(key, token);
      return;
    }
    if (this.#wasTakenAway(token)) return;
    const state = this.#ledger.model.byToken.get(token)?.code ?? 'held';
    throw new Violation(
      this.name,
      `client ${client} wrote to ${key} with token ${token} (in the log: ${state}), but the resource has seen ${highest}`,
    );
  }

  #wasTakenAway(token: number): boolean {
    const { model } = this.#ledger;
    const hold = model.byToken.get(token);
    return hold !== undefined && endedUnderTheHolder(hold, model.sessions.get(hold.session));
  }
}

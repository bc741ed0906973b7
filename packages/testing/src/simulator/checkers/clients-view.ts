/**
 * A client's own view is never later than the server's: at the moment at which the end of a hold is durable, its client does not believe to hold it
 * any more, and from then on it is neither given nor shown as held again. What the service ends under the holder is left out, as in
 * exclusion.ts. And the other way round: a client is not made to believe that the service has ended what the service still has.
 */
import { MessageType } from '@holdfast/protocol';
import { type Checker, type LockState, type TraceEvent, Violation, type World } from '../trace.js';
import type { Ledger } from './ledger.js';
import { type RequestRecord, endedUnderTheHolder } from './records.js';

export class ClientsView implements Checker {
  readonly name = 'clients-view';
  readonly #ledger: Ledger;
  /** When the list of what a session holds was begun to be said to it last. */
  readonly #listedMs = new Map<string, number>();
  /** Sessions of which an end was decided; durable or not, nothing is said to them any more. */
  readonly #ending = new Set<string>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  see(event: TraceEvent, world: World): void {
    switch (event.type) {
      case 'durable':
        for (const { happenings } of this.#ledger.news) {
          for (const { kind, request } of happenings)
            if (kind === 'ended' && request.token !== 0) this.#checkEnded(request, world);
        }
        break;
      case 'said':
        for (const message of event.messages) {
          if (message[0] === MessageType.welcome) this.#listedMs.set(message[1].session, event.atMs);
        }
        break;
      case 'got': {
        const hold = this.#ledger.model.byToken.get(event.token);
        if (hold !== undefined && hold.state === 'ended') this.#checkEnded(hold, world);
        break;
      }
      case 'lock-state':
        if (event.state === 'held') this.#checkShown(event.client, event.token);
        else if (event.state === 'lost') this.#checkLost(event);
        break;
      case 'appending':
        for (const command of event.entry.commands)
          if (command.type === 'end-session') this.#ending.add(command.session);
        break;
      default:
    }
  }

  finish(): void {
    // Views were checked when they could be wrong.
  }

  #checkEnded(hold: RequestRecord, world: World): void {
    if (this.#isLeftOut(hold)) return;
    for (const lock of world.locksInHand(hold.key)) {
      if (lock.token !== hold.token || !lock.isHeld()) continue;
      throw new Violation(
        this.name,
        `client ${lock.client} believes to hold ${hold.key} with token ${hold.token}, but it has ended with ${hold.code}`,
      );
    }
  }

  /** A lock that comes back to `held` was on the list of what the session holds. */
  #checkShown(client: number, token: number): void {
    const hold = this.#ledger.model.byToken.get(token);
    if (hold === undefined)
      throw new Violation(this.name, `client ${client} shows token ${token}, which the log never granted`);
    if (this.#isLeftOut(hold) && hold.code !== 'REVOKED') return;
    const listedMs = this.#listedMs.get(hold.session) ?? -Infinity;
    if (hold.endedAtMs >= listedMs) return;
    throw new Violation(
      this.name,
      `client ${client} shows token ${token} of ${hold.key} as held again, but it had ended with ${hold.code} before the session was resumed`,
    );
  }

  /** By its own clock a client may give up what the service still has; by what it heard of the service it may not. */
  #checkLost({ client, token, why }: LockState): void {
    const isByItsOwnClock = why === 'DEADLINE' || why === 'LEASE_OVER' || why === 'CLOCK_JUMP';
    const hold = this.#ledger.model.byToken.get(token);
    if (isByItsOwnClock || hold === undefined || hold.state === 'ended' || this.#ending.has(hold.session)) return;
    // A session that does not outlive its connection is over for the client when the connection is.
    if (this.#ledger.model.sessions.get(hold.session)?.resumable !== true) return;
    throw new Violation(
      this.name,
      `client ${client} lost token ${token} of ${hold.key} (${why}), but the log has it held`,
    );
  }

  #isLeftOut(hold: RequestRecord): boolean {
    return endedUnderTheHolder(hold, this.#ledger.model.sessions.get(hold.session));
  }
}

/**
 * Tells waiting requests their places as queues move. Bounded work a round, the front of each queue first: telling every
 * waiter at every hand-over would make a hand-over cost as much as its queue is long.
 */
import type { MachineView, Queued, RequestView } from '@holdfast/core';
import { MessageType, type ServerMessage } from '@holdfast/protocol';
import type { Clock, Timer } from '../clock.js';
import { limits } from '../limits.js';

export class Places {
  readonly #machine: MachineView;
  readonly #clock: Clock;
  readonly #push: (session: string, message: ServerMessage) => void;
  /** Keys with at least one waiter that wants its place. In the order in which their turn comes. */
  readonly #keys = new Set<string>();
  /** Place last told. */
  readonly #told = new WeakMap<RequestView, number>();
  #timer: Timer | null = null;

  constructor(machine: MachineView, clock: Clock, push: (session: string, message: ServerMessage) => void) {
    this.#machine = machine;
    this.#clock = clock;
    this.#push = push;
  }

  /** A request that wants its place was queued, and has been told the place that it has. */
  follow({ session, request, key, place }: Queued): void {
    const view = this.#machine.request(session, request);
    if (view !== undefined) this.#told.set(view, place);
    this.#keys.add(key);
    this.#timer ??= this.#clock.setTimer(limits.placesEveryMs, this.#round);
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#keys.clear();
  }

  readonly #round = (): void => {
    this.#timer = null;
    let budget: number = limits.placesPerRoundMax;
    let looks: number = limits.placesLookedPerRoundMax;
    const turns = this.#keys.size;
    for (let turn = 0; turn < turns && budget > 0 && looks > 0; turn++) {
      looks -= 1;
      const [name] = this.#keys;
      if (name === undefined) break;
      this.#keys.delete(name);
      const key = this.#machine.key(name);
      if (key === undefined || key.waitingCount === 0) continue;
      let place = 0;
      let wanted = key.waitingCount > limits.placesPerKeyMax;
      for (const request of key.queue()) {
        place += 1;
        if (place > limits.placesPerKeyMax || budget === 0) break;
        looks -= 1;
        if (!request.wantsPlace) continue;
        wanted = true;
        budget -= this.#tell(request, place, key.waitingCount);
      }
      if (wanted) this.#keys.add(name);
    }
    if (this.#keys.size > 0) this.#timer = this.#clock.setTimer(limits.placesEveryMs, this.#round);
  };

  #tell(request: RequestView, place: number, length: number): number {
    if (this.#told.get(request) === place) return 0;
    this.#told.set(request, place);
    this.#push(request.sessionState.id, [MessageType.queued, request.number, place, length]);
    return 1;
  }
}

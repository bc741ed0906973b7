/**
 * Nobody who waits is forgotten: the step that frees a key grants it to those who are next, which whoever watches is told with that step; and once
 * nothing is disturbed any more, every call of `acquire` ends within a bound.
 */
import { MessageType, type WatchEvent } from '@holdfast/protocol';
import { type Asked, type Checker, type TraceEvent, Violation, type World } from '../trace.js';
import type { Ledger } from './ledger.js';

/** A call that waits behind others ends within this, beyond what it takes for sessions of dead clients to end. */
const WAIT_BOUND_MS = 20_000;
/** Session time-outs that may pass one after the other: of a client that died, and of what it held when the server came back. */
const TIMEOUTS_MAX = 3;

export class Waiters implements Checker {
  readonly name = 'waiters';
  readonly #ledger: Ledger;
  /** Calls without an answer, in the order in which they were made. */
  readonly #pending = new Map<number, Asked>();
  /** What was told of a step that was not told to its end, by connection and watch. */
  readonly #parts = new Map<string, string[]>();
  #calmMs = Infinity;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  see(event: TraceEvent, world: World): void {
    switch (event.type) {
      case 'asked':
        this.#pending.set(event.ask, event);
        break;
      case 'got':
      case 'missed':
        this.#pending.delete(event.ask);
        break;
      case 'client-stopped':
        for (const { ask, client } of this.#pending.values()) if (client === event.client) this.#pending.delete(ask);
        break;
      case 'calm':
        this.#calmMs = event.atMs;
        break;
      case 'said':
        for (const message of event.messages) {
          if (message[0] === MessageType.events)
            this.#checkStep(`${event.connection} ${message[1]}`, message[2], message[3]);
        }
        break;
      default:
    }
    this.#checkPatience(world);
  }

  finish(world: World): void {
    for (const { ask, client, key } of world.pendingAsks()) {
      throw new Violation(this.name, `ask ${ask} of client ${client} for ${key} never ended`);
    }
  }

  /**
   * The watches of the workload are for all keys, so a step's events are all that happened in it. A step with many events comes in parts, of
   * which all but the last name the step before.
   */
  #checkStep(watch: string, position: number, events: readonly WatchEvent[]): void {
    const told = this.#parts.get(watch) ?? [];
    for (const event of events) {
      if (event[0] === 'state' || event[0] === 'synced') return;
      told.push(`${event[0]} ${event[2]} ${event[3]}`);
    }
    const expected = this.#happenings(position);
    if (told.length === expected.length && isBeginning(told, expected)) {
      this.#parts.delete(watch);
      return;
    }
    const next = this.#happenings(position + 1);
    if (told.length < next.length && isBeginning(told, next)) {
      this.#parts.set(watch, told);
      return;
    }
    throw new Violation(
      this.name,
      `of step ${position} was told: ${told.join(', ')}; but it did: ${expected.join(', ')}`,
    );
  }

  #happenings(position: number): readonly string[] {
    const { happenings = [] } = this.#ledger.steps.get(position) ?? {};
    return happenings.map(({ kind, request }) => `${kind} ${request.session} ${request.number}`);
  }

  #checkPatience(world: World): void {
    if (this.#calmMs === Infinity) return;
    const [oldest] = this.#pending.values();
    if (oldest === undefined) return;
    const waitedMs = world.nowMs - Math.max(this.#calmMs, oldest.atMs);
    if (waitedMs <= WAIT_BOUND_MS + TIMEOUTS_MAX * world.timeoutMs) return;
    throw new Violation(
      this.name,
      `ask ${oldest.ask} of client ${oldest.client} for ${oldest.key} has waited for ${Math.round(waitedMs)} ms since all is calm`,
    );
  }
}

function isBeginning(part: readonly string[], whole: readonly string[]): boolean {
  return part.every((text, at) => text === whole[at]);
}

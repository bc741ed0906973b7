/**
 * Sessions end for what they may end for, and not too early: a silent one a whole time-out after the last sign of its client reached
 * the server's host and after the server began to serve; a dropped one only if it is not resumable. Whoever has a session that lives and can be
 * resumed gets it back, and not another one. Log time, by which leases end,
 * never runs faster than the server's clock and stands still while there is no server.
 */
import type { EndSession, Entry } from '@holdfast/core';
import { MessageType } from '@holdfast/protocol';
import { type Appending, type Checker, type TraceEvent, Violation, type World } from '../trace.js';
import type { Ledger } from './ledger.js';
import type { SessionRecord } from './records.js';

/** Clocks of different machines run at rates that differ by less. */
const RATE_DIFFERENCE_MAX = 0.01;
/** Log time is in whole milliseconds. */
const ROUNDING_MS = 1;
/** Beyond its time-out a session of a client that died may live this long: for rounds of the liveness check, and for a slow disk. */
const END_BOUND_MS = 3_000;

export class Sessions implements Checker {
  readonly name = 'sessions';
  readonly #ledger: Ledger;
  #life = 0;
  /** When this life of the server began to serve. */
  #startedMs = 0;
  #beginning: Appending | null = null;
  /** Sessions whose client was told of them. */
  readonly #known = new Set<string>();
  /** Sessions of which an end was decided, durable or not. */
  readonly #ending = new Set<string>();
  /** By the name of the client: the session that it was given last, in this life of the SDK's client. */
  readonly #given = new Map<string, string>();
  /** The connection that each session has, and when something of it arrived last. */
  readonly #connections = new Map<string, number>();
  readonly #heardMs = new Map<string, number>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  see(event: TraceEvent): void {
    switch (event.type) {
      case 'server-started':
        this.#life = event.life;
        this.#startedMs = event.atMs;
        break;
      case 'client-started':
      case 'client-renewed':
        this.#given.delete(`client ${event.client}`);
        break;
      case 'said':
        for (const message of event.messages) {
          if (message[0] === MessageType.welcome)
            this.#welcomed(message[1].session, message[1].resumed, event.connection);
        }
        break;
      case 'arrived':
        if (event.session !== null && this.#connections.get(event.session) === event.connection) {
          this.#heardMs.set(event.session, event.atMs);
        }
        break;
      case 'appending':
        this.#checkTime(event);
        for (const command of event.entry.commands) {
          if (command.type === 'end-session') this.#checkEnd(event, command);
        }
        break;
      default:
    }
  }

  finish(world: World): void {
    for (const { session: id, key, state } of this.#ledger.model.live()) {
      const silentMs = world.nowMs - Math.max(this.#startedMs, this.#heardMs.get(id) ?? 0);
      const boundMs = world.timeoutMs * (1 + RATE_DIFFERENCE_MAX) + END_BOUND_MS;
      if (silentMs > boundMs) {
        this.#fail(`session ${id} was not heard for ${Math.round(silentMs)} ms, and has ${key} still ${state}`);
      }
    }
  }

  #welcomed(id: string, resumed: boolean, connection: number): void {
    const session = this.#ledger.model.sessions.get(id);
    this.#known.add(id);
    if (session !== undefined && !resumed) this.#checkGiven(session, connection);
    // What still arrives on an older connection of the session says nothing of the client that has it now.
    this.#connections.set(id, connection);
  }

  #checkGiven({ id, client }: SessionRecord, connection: number): void {
    const before = this.#ledger.model.sessions.get(this.#given.get(client) ?? '');
    // A hello of an earlier connection, given up since, may come late: whoever sent it has gone on.
    if (before !== undefined && connection < (this.#connections.get(before.id) ?? 0)) return;
    this.#given.set(client, id);
    if (before === undefined || before.endReason !== null || !before.resumable || this.#ending.has(before.id)) return;
    // A client that never spoke in its session may never have heard of it.
    if (before.lastRequest > 0) this.#fail(`${client} is given session ${id}, but its session ${before.id} lives`);
  }

  #checkEnd({ atMs, life }: Appending, { session: id, reason }: EndSession): void {
    this.#ending.add(id);
    const session = this.#ledger.model.sessions.get(id);
    if (session === undefined) this.#fail(`session ${id}, which is not durable, ends as ${reason}`);
    if (reason === 'dropped' && session.resumable && this.#known.has(id)) {
      this.#fail(`session ${id} ends as dropped, but it outlives its connection`);
    }
    if (reason !== 'silent') return;
    const leastMs = session.timeoutMs * (1 - RATE_DIFFERENCE_MAX);
    const heardMs = this.#heardMs.get(id) ?? -Infinity;
    if (atMs - heardMs < leastMs) {
      this.#fail(
        `session ${id} ends as silent ${Math.round(atMs - heardMs)} ms after it was heard: time-out ${session.timeoutMs} ms`,
      );
    }
    if (life !== this.#life || atMs - this.#startedMs < leastMs) {
      this.#fail(
        `session ${id} ends as silent ${Math.round(atMs - this.#startedMs)} ms after the server's start: time-out ${session.timeoutMs} ms`,
      );
    }
  }

  #checkTime(event: Appending): void {
    const { atMs, entry, life } = event;
    if (begins(entry)) {
      const jumpMs = entry.nowMs - this.#ledger.model.nowMs;
      if (jumpMs > ROUNDING_MS) this.#fail(`log time goes on by ${jumpMs} ms while there is no server`);
      this.#beginning = event;
      return;
    }
    const beginning = this.#beginning;
    if (beginning === null || beginning.life !== life) this.#fail(`entry ${entry.index} has no beginning of its term`);
    const passedMs = (atMs - beginning.atMs) * (1 + RATE_DIFFERENCE_MAX) + ROUNDING_MS;
    const saidMs = entry.nowMs - beginning.entry.nowMs;
    if (saidMs > passedMs) this.#fail(`log time went on by ${saidMs} ms within ${Math.round(passedMs)} ms of a term`);
  }

  #fail(text: string): never {
    throw new Violation(this.name, text);
  }
}

function begins({ commands }: Entry): boolean {
  return commands[0]?.type === 'begin-term';
}

/** What an open session may ask: each client message goes to the part of the server that answers it. */
import type { Command } from '@holdfast/core';
import {
  type ClientMessage,
  type ErrorCode,
  MessageType,
  type QueryMessage,
  type WatchMessage,
} from '@holdfast/protocol';
import type { Outbox } from '../delivery/outbox.js';
import { BadPattern, Pattern } from '../delivery/pattern.js';
import type { Queries } from '../delivery/queries.js';
import type { Watch, Watches } from '../delivery/watches.js';
import { limits } from '../limits.js';
import { acquireCommand, forceReleaseCommand } from '../session/commands.js';
import type { Session } from '../session/session.js';
import { type Sessions, errorMessage } from '../session/sessions.js';

/** What of a connection is needed here. */
export interface Asking {
  readonly outbox: Outbox;
}

export interface RequestsParts {
  readonly sessions: Sessions;
  readonly watches: Watches;
  readonly queries: Queries;
  readonly propose: (command: Command) => void;
  readonly isDraining: () => boolean;
}

export class Requests {
  readonly #parts: RequestsParts;
  /** Open watches and calls of the connections that have any. */
  readonly #watches = new Map<Asking, Map<number, Watch>>();
  readonly #calls = new Map<Asking, Set<number>>();

  constructor(parts: RequestsParts) {
    this.#parts = parts;
  }

  handle(message: ClientMessage, session: Session, from: Asking): void {
    const { propose, sessions } = this.#parts;
    switch (message[0]) {
      case MessageType.acquire:
        if (this.#parts.isDraining()) {
          from.outbox.push(
            errorMessage(MessageType.acquire, message[1], 'DRAINING', 'this node is about to stop'),
            128,
          );
        } else {
          propose(acquireCommand(session.id, message));
        }
        break;
      case MessageType.release:
        propose({ type: 'release', session: session.id, request: message[1] });
        break;
      case MessageType.cancel:
        propose({ type: 'cancel', session: session.id, request: message[1] });
        break;
      case MessageType.extend:
        propose({ type: 'extend', session: session.id, request: message[1], leaseMs: message[2] });
        break;
      case MessageType.force:
        propose(forceReleaseCommand(session.id, message));
        break;
      case MessageType.probe:
        sessions.probe(session, message[1]);
        break;
      case MessageType.goodbye:
        sessions.end(session, 'closed');
        break;
      case MessageType.watch:
        this.#watch(message, from);
        break;
      case MessageType.unwatch:
        this.#unwatch(message[1], from);
        break;
      case MessageType.query:
        this.#query(message, from);
        break;
      case MessageType.hello:
        throw new Error('a hello is handled by the connection');
    }
  }

  /** The connection is gone: nothing of it stays. */
  forget(from: Asking): void {
    const watches = this.#watches.get(from);
    if (watches !== undefined) for (const watch of watches.values()) this.#parts.watches.remove(watch);
    this.#watches.delete(from);
    this.#calls.delete(from);
  }

  #watch(message: WatchMessage, from: Asking): void {
    const [, number, source] = message;
    const open = this.#watches.get(from) ?? new Map<number, Watch>();
    const refuse = (code: ErrorCode, text: string): void =>
      from.outbox.push(errorMessage(MessageType.watch, number, code, text), 256);
    if (open.has(number)) {
      refuse('BAD_MESSAGE', 'this watch number is in use');
      return;
    }
    if (open.size >= limits.watchesPerConnectionMax) {
      refuse('WATCH_LIMIT', 'too many open watches');
      return;
    }
    let pattern: Pattern;
    try {
      pattern = new Pattern(source);
    } catch (error) {
      if (!(error instanceof BadPattern)) throw error;
      refuse('BAD_PATTERN', error.message);
      return;
    }
    if (this.#parts.watches.isFullFor(pattern)) {
      refuse('WATCH_LIMIT', 'too many patterns are watched on this server');
      return;
    }
    this.#watches.set(from, open);
    open.set(number, this.#parts.watches.add(message, pattern, from.outbox));
  }

  #unwatch(number: number, from: Asking): void {
    const open = this.#watches.get(from);
    const watch = open?.get(number);
    if (open === undefined || watch === undefined) return;
    this.#parts.watches.remove(watch);
    open.delete(number);
    if (open.size === 0) this.#watches.delete(from);
  }

  #query(message: QueryMessage, from: Asking): void {
    const [, call] = message;
    const open = this.#calls.get(from) ?? new Set<number>();
    if (open.has(call)) {
      from.outbox.push(errorMessage(MessageType.query, call, 'BAD_MESSAGE', 'this call number is in use'), 128);
      return;
    }
    if (open.size >= limits.callsPerConnectionMax) {
      from.outbox.push(errorMessage(MessageType.query, call, 'CALL_LIMIT', 'too many open calls'), 128);
      return;
    }
    this.#calls.set(from, open);
    open.add(call);
    this.#parts.queries.answer(message, from.outbox, () => {
      open.delete(call);
      if (open.size === 0) this.#calls.delete(from);
    });
  }
}

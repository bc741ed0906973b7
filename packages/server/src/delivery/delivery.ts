/**
 * Delivery: says what committed entries did. Each effect goes to the session it is about and to those who watch its key, and
 * nowhere else; outboxes send it at the end of this turn.
 */
import type { Command, Effect, Ended, Granted } from '@holdfast/core';
import { ERROR_RETRY, type ErrorCode, MessageType, type ServerMessage } from '@holdfast/protocol';
import type { Session } from '../session/session.js';
import type { Places } from './places.js';
import type { Watches } from './watches.js';
import { metaBytes } from './rows.js';

/** What delivery needs of the sessions. */
export interface SessionDirectory {
  get(id: string): Session | undefined;
  say(id: string, message: ServerMessage, bytes?: number): void;
  opened(id: string): void;
  resumed(id: string, secretHash: string): void;
  refused(id: string, code: 'SESSION_OVER' | 'SESSION_LIMIT' | 'SESSION_TAKEN', secretHash: string | null): void;
  ended(id: string, reason: 'closed' | 'dropped' | 'silent' | 'killed'): void;
  failed(command: Command): void;
}

const REFUSED_TYPE = {
  acquire: MessageType.acquire,
  release: MessageType.release,
  cancel: MessageType.cancel,
  extend: MessageType.extend,
} as const;

const REFUSED_TEXT = {
  SESSION_OVER: 'the session is over',
  REQUEST_SPENT: 'this request number was used before',
  NOT_HELD: 'there is no such hold',
} as const;

export class Delivery {
  readonly #sessions: SessionDirectory;
  readonly #watches: Watches;
  readonly #places: Places;

  constructor(sessions: SessionDirectory, watches: Watches, places: Places) {
    this.#sessions = sessions;
    this.#watches = watches;
    this.#places = places;
  }

  applied(effects: readonly Effect[]): void {
    for (const effect of effects) this.#tell(effect);
    this.#watches.deliver(effects);
  }

  failed(commands: readonly Command[]): void {
    for (const command of commands) {
      switch (command.type) {
        case 'acquire':
        case 'release':
        case 'cancel':
        case 'extend':
          this.#error(command.session, REFUSED_TYPE[command.type], command.request, 'UNAVAILABLE');
          break;
        case 'force-release':
          this.#error(command.session, MessageType.force, command.call, 'UNAVAILABLE');
          break;
        case 'open-session':
        case 'resume-session':
        case 'end-session':
        case 'confirm-session':
          this.#sessions.failed(command);
          break;
        case 'begin-term':
          break;
      }
    }
  }

  #tell(effect: Effect): void {
    switch (effect.type) {
      case 'granted':
        this.#granted(effect);
        break;
      case 'ended':
        this.#ended(effect);
        break;
      case 'queued':
        if (!effect.wantsPlace) break;
        this.#sessions.say(effect.session, [MessageType.queued, effect.request, effect.place, effect.length]);
        this.#places.follow(effect);
        break;
      case 'extended':
        this.#sessions.say(effect.session, [MessageType.extended, effect.request, effect.leaseEndMs]);
        break;
      case 'refused': {
        const { code } = effect;
        const about = REFUSED_TYPE[effect.command];
        this.#sessions.say(
          effect.session,
          [MessageType.error, about, effect.request, code, ERROR_RETRY[code], REFUSED_TEXT[code]],
          128,
        );
        break;
      }
      case 'forced':
        this.#sessions.say(effect.session, [MessageType.result, effect.call, [{ ended: effect.ended }], false]);
        break;
      case 'session-opened':
        this.#sessions.opened(effect.session);
        break;
      case 'session-resumed':
        this.#sessions.resumed(effect.session, effect.secretHash);
        break;
      case 'session-refused':
        this.#sessions.refused(effect.session, effect.code, effect.secretHash);
        break;
      case 'session-ended':
        this.#sessions.ended(effect.session, effect.reason);
        break;
    }
  }

  #granted(effect: Granted): void {
    const session = this.#sessions.get(effect.session);
    if (session === undefined || session.ending || session.connection === null) return;
    session.connection.pushGrant(
      effect.leaseEndMs === null
        ? [MessageType.granted, effect.request, effect.token]
        : [MessageType.granted, effect.request, effect.token, effect.leaseEndMs],
    );
  }

  #ended(effect: Ended): void {
    if (effect.code === 'RELEASED') {
      this.#sessions.say(effect.session, [MessageType.ended, effect.request, effect.end]);
    } else if (effect.detail === null) {
      this.#sessions.say(effect.session, [MessageType.ended, effect.request, effect.end, effect.code]);
    } else {
      const bytes = 64 + metaBytes(effect.detail);
      this.#sessions.say(
        effect.session,
        [MessageType.ended, effect.request, effect.end, effect.code, effect.detail],
        bytes,
      );
    }
  }

  #error(session: string, about: number, id: number, code: ErrorCode): void {
    const text = 'the log did not take it; nothing happened';
    this.#sessions.say(session, [MessageType.error, about, id, code, ERROR_RETRY[code], text], 128);
  }
}

/**
 * One connection: frames in, messages to the session. States: `new` (no hello yet), `opening` (its hello is under way), `open`
 * (has a session), `closed`.
 */
import {
  BadMessage,
  type ClientMessage,
  CloseCode,
  type HelloOptions,
  type ServerMessage,
  decodeClientFrame,
} from '@holdfast/protocol';
import type { Flusher } from '../delivery/flusher.js';
import { Outbox } from '../delivery/outbox.js';
import type { Session } from '../session/session.js';
import { type OpeningConnection, type Sessions, errorMessage } from '../session/sessions.js';
import type { Requests } from './requests.js';
import type { Socket, SocketHandler } from './socket.js';

/** What a connection tells the node about itself. */
export interface ConnectionOwner {
  readonly sessions: Sessions;
  readonly requests: Requests;
  readonly flusher: Flusher;
  readonly nowMs: () => number;
  /** It has said hello: it is not on the list of silent sockets any more. Returns false when no new sessions are taken. */
  greeted(connection: Connection): boolean;
  closed(connection: Connection): void;
  fault(error: unknown): void;
}

export class Connection implements SocketHandler, OpeningConnection {
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly outbox: Outbox;
  #state: 'new' | 'opening' | 'open' | 'closed' = 'new';
  #session: Session | null = null;
  #wantsBeats = false;

  constructor(owner: ConnectionOwner, socket: Socket) {
    this.#owner = owner;
    this.#socket = socket;
    this.outbox = new Outbox(socket, owner.flusher);
  }

  get remote(): string {
    return this.#socket.remote;
  }

  get session(): Session | null {
    return this.#session;
  }

  get wantsBeats(): boolean {
    return this.#wantsBeats;
  }

  get gone(): boolean {
    return this.#state === 'closed';
  }

  // ---- towards the peer -------------------------------------------------------------------------------------------------

  push(message: ServerMessage, bytes?: number): void {
    this.outbox.push(message, bytes);
  }

  pushGrant(message: ServerMessage): void {
    this.outbox.pushGrant(message);
  }

  ping(payload: Uint8Array): void {
    this.outbox.ping(payload);
  }

  attached(session: Session): void {
    this.#session = session;
    this.#state = 'open';
  }

  /** Says `last`, closes, and hears nothing more. The session, if it still has this connection, is told by the caller. */
  close(code: number, text: string, last?: ServerMessage): void {
    this.outbox.close(code, text, last);
    this.#leave();
  }

  // ---- from the peer ----------------------------------------------------------------------------------------------------

  onFrame(bytes: Uint8Array): void {
    if (this.#state === 'closed') return;
    let messages: ClientMessage[];
    try {
      messages = decodeClientFrame(bytes);
    } catch (error) {
      if (error instanceof BadMessage) this.#bad(error.message);
      else this.#broken(error);
      return;
    }
    try {
      this.#handle(messages);
    } catch (error) {
      this.#broken(error);
    }
  }

  onText(): void {
    this.#drop(CloseCode.unsupportedData, 'binary messages only');
  }

  onPing(): void {
    if (this.#session !== null && !this.#session.ending) this.#owner.sessions.heard(this.#session);
  }

  onPong(payload: Uint8Array): void {
    if (this.#session !== null && !this.#session.ending) this.#owner.sessions.pong(this.#session, payload);
  }

  onCloseFrame(code: number): void {
    const session = this.#session;
    this.outbox.discard();
    this.#leave();
    if (session === null || session.connection !== this) return;
    if (code === CloseCode.resuming) {
      this.#owner.sessions.dropped(session);
    } else {
      session.connection = null;
      this.#owner.sessions.end(session, 'closed');
    }
  }

  onClosed(): void {
    const session = this.#session;
    this.outbox.discard();
    this.#leave();
    if (session !== null && session.connection === this) this.#owner.sessions.dropped(session);
  }

  // ---- inside -----------------------------------------------------------------------------------------------------------

  #handle(messages: readonly ClientMessage[]): void {
    for (const message of messages) {
      const session = this.#session;
      if (session !== null && this.#state === 'open') {
        if (session.ending) return;
        if (message[0] === 1) {
          this.#bad('hello: only as the first message');
          return;
        }
        this.#owner.sessions.spoke(session);
        this.#owner.requests.handle(message, session, this);
      } else if (this.#state === 'new' && message[0] === 1 && messages.length === 1) {
        this.#hello(message[1]);
      } else if (this.#state !== 'closed') {
        this.#bad('a hello comes first, alone in its frame, and then nothing until the welcome');
      }
      if (this.gone) return;
    }
  }

  #hello(options: HelloOptions): void {
    this.#state = 'opening';
    this.#wantsBeats = options.beats === true;
    if (!this.#owner.greeted(this)) {
      const last = errorMessage(0, 0, 'DRAINING', 'this node is about to stop');
      this.close(CloseCode.overloaded, 'DRAINING', last);
      return;
    }
    this.#owner.sessions.hello(this, options);
  }

  #bad(text: string): void {
    this.#drop(CloseCode.badMessage, 'BAD_MESSAGE', errorMessage(0, 0, 'BAD_MESSAGE', text));
  }

  #broken(error: unknown): void {
    this.#owner.fault(error);
    this.#drop(CloseCode.internal, 'INTERNAL', errorMessage(0, 0, 'INTERNAL', 'a fault of the server'));
  }

  /** Closes for a fault of this connection: for the session that is a dropped connection. */
  #drop(code: number, text: string, last?: ServerMessage): void {
    const session = this.#session;
    this.close(code, text, last);
    if (session !== null && session.connection === this) this.#owner.sessions.dropped(session);
  }

  #leave(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#owner.requests.forget(this);
    this.#owner.closed(this);
  }
}

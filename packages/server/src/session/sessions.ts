/**
 * All sessions that this node serves: opening, resuming, hearing, ending. Proposes commands, and acts on their effects when
 * delivery brings them.
 */
import type { Command, MachineView, SessionEndReason } from '@holdfast/core';
import {
  CloseCode,
  ERROR_RETRY,
  type ErrorCode,
  type HelloOptions,
  MessageType,
  SESSION_TIMEOUT_MS_DEFAULT,
  type ServerMessage,
  decodePing,
  encodePing,
} from '@holdfast/protocol';
import type { Clock } from '../clock.js';
import { type RandomBytes, hashSecret, newSecret, newSessionId, sameHash } from './identity.js';
import { limits } from '../limits.js';
import { Liveness } from './liveness.js';
import { ResumesFirst } from './resumes-first.js';
import { Session, type SessionConnection } from './session.js';
import { type NodeFacts, restoreMessages, welcomeMessage } from './welcome.js';

/** A hello whose command is under way. */
interface Opening {
  readonly connection: OpeningConnection;
  readonly secret: Uint8Array | null;
  readonly options: HelloOptions;
}

/** A connection that has said hello. */
export interface OpeningConnection extends SessionConnection {
  readonly gone: boolean;
  /** The session is this connection's from now on. */
  attached(session: Session): void;
}

export interface SessionsParts {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly machine: MachineView;
  readonly propose: (command: Command) => void;
  /** Server time now. */
  readonly serverMs: () => number;
  readonly facts: () => NodeFacts;
  readonly stalled: (lateMs: number) => void;
}

export function errorMessage(about: number, id: number, code: ErrorCode, text: string): ServerMessage {
  return [MessageType.error, about, id, code, ERROR_RETRY[code], text];
}

export class Sessions {
  readonly #parts: SessionsParts;
  readonly #liveness: Liveness;
  readonly #resumesFirst: ResumesFirst;
  readonly #sessions = new Map<string, Session>();
  /** Opens and resumes under way: by session id for opens, by the hash of the new secret for resumes. */
  readonly #openings = new Map<string, Opening>();
  #ticket = 0;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#resumesFirst = new ResumesFirst(parts.clock, limits.resumesFirstMs);
    this.#liveness = new Liveness(parts.clock, {
      ping: (session) => this.#ping(session),
      silent: (session) => this.end(session, 'silent'),
      stalled: parts.stalled,
    });
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** Says it to the session if it has a connection, and if its end is not under way. */
  say(id: string, message: ServerMessage, bytes?: number): void {
    const session = this.#sessions.get(id);
    if (session !== undefined && !session.ending) session.connection?.push(message, bytes);
  }

  /** Gives every session of the machine a whole time-out from now, and lets them come back first: for a node that begins to lead. */
  adopt(): void {
    const resumable: string[] = [];
    for (const view of this.#parts.machine.sessions()) {
      if (this.#sessions.has(view.id)) continue;
      this.#admit(view.id, view.timeoutMs, view.resumable);
      if (view.resumable) resumable.push(view.id);
    }
    this.#resumesFirst.begin(resumable);
  }

  stop(): void {
    this.#liveness.stop();
    this.#resumesFirst.stop();
  }

  // ---- hello ----------------------------------------------------------------------------------------------------------

  hello(connection: OpeningConnection, options: HelloOptions): void {
    if (options.session !== undefined && options.secret !== undefined) {
      this.#resume(connection, options, options.session, options.secret);
      return;
    }
    this.#resumesFirst.newcomer(() => {
      if (!connection.gone) this.#open(connection, options);
    });
  }

  #open(connection: OpeningConnection, options: HelloOptions): void {
    const id = newSessionId(this.#parts.random);
    const secret = options.resumable === true ? newSecret(this.#parts.random) : null;
    this.#openings.set(id, { connection, secret, options });
    this.#parts.propose({
      type: 'open-session',
      session: id,
      client: options.client ?? '',
      timeoutMs: options.timeoutMs ?? SESSION_TIMEOUT_MS_DEFAULT,
      secretHash: secret === null ? null : hashSecret(secret),
    });
  }

  #resume(connection: OpeningConnection, options: HelloOptions, id: string, proof: Uint8Array): void {
    const view = this.#parts.machine.session(id);
    const session = this.#sessions.get(id);
    const proofHash = hashSecret(proof);
    const known = [view?.secretHash, ...(view?.olderHashes ?? [])].some(
      (hash) => typeof hash === 'string' && sameHash(hash, proofHash),
    );
    if (session === undefined || session.ending || !known) {
      this.#refuse(connection);
      return;
    }
    // Its client has been heard: while the log takes its time, the session must not end as a silent one.
    session.heardMs = this.#liveness.nowMs();
    const secret = newSecret(this.#parts.random);
    const secretHash = hashSecret(secret);
    this.#openings.set(secretHash, { connection, secret, options });
    this.#parts.propose({ type: 'resume-session', session: id, proofHash, secretHash });
  }

  #refuse(connection: OpeningConnection): void {
    const last = errorMessage(0, 0, 'SESSION_OVER', 'there is no such session, or its secret is another one');
    connection.close(CloseCode.sessionOver, 'SESSION_OVER', last);
  }

  #replace(connection: SessionConnection): void {
    const last = errorMessage(0, 0, 'SESSION_REPLACED', 'a newer connection resumed this session');
    connection.close(CloseCode.sessionReplaced, 'SESSION_REPLACED', last);
  }

  // ---- what the log decided ---------------------------------------------------------------------------------------------

  opened(id: string): void {
    const opening = this.#openings.get(id);
    const view = this.#parts.machine.session(id);
    if (opening === undefined || view === undefined) return;
    this.#openings.delete(id);
    const session = this.#admit(id, view.timeoutMs, view.resumable);
    if (opening.connection.gone) {
      // It dropped while its hello was under way. A resumable session without a client that knows its secret is of no use either.
      this.end(session, 'dropped');
      return;
    }
    this.#attach(session, opening.connection);
    opening.connection.push(
      welcomeMessage(
        view,
        opening.secret,
        false,
        this.#parts.serverMs(),
        this.#parts.facts(),
        this.#parts.machine.term,
      ),
      1_024,
    );
  }

  resumed(id: string, secretHash: string): void {
    const opening = this.#openings.get(secretHash);
    if (opening === undefined) return;
    this.#openings.delete(secretHash);
    const { connection } = opening;
    const session = this.#sessions.get(id);
    const view = this.#parts.machine.session(id);
    if (session === undefined || session.ending || view === undefined) {
      // The end of the session came between: in the same step, or it is under way.
      this.#refuse(connection);
      return;
    }
    if (view.secretHash !== secretHash) {
      // A later resume in the same step wins; the secret that this one would get is not known any more.
      this.#replace(connection);
      return;
    }
    if (connection.gone) return;
    const older = session.connection;
    this.#attach(session, connection);
    if (older !== null) this.#replace(older);
    session.heardMs = this.#liveness.nowMs();
    session.unconfirmedHash = secretHash;
    this.#resumesFirst.settled(id);
    connection.push(
      welcomeMessage(view, opening.secret, true, this.#parts.serverMs(), this.#parts.facts(), this.#parts.machine.term),
      1_024,
    );
    for (const { message, bytes } of restoreMessages(view, this.#parts.machine)) connection.push(message, bytes);
  }

  refused(id: string, code: 'SESSION_OVER' | 'SESSION_LIMIT' | 'SESSION_TAKEN', secretHash: string | null): void {
    const name = secretHash ?? id;
    const opening = this.#openings.get(name);
    if (opening === undefined) return;
    this.#openings.delete(name);
    if (code === 'SESSION_OVER') {
      this.#refuse(opening.connection);
      return;
    }
    const last = errorMessage(0, 0, 'OVERLOADED', 'too many sessions');
    opening.connection.close(CloseCode.overloaded, 'OVERLOADED', last);
  }

  ended(id: string, reason: SessionEndReason): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#liveness.remove(session);
    this.#sessions.delete(id);
    this.#resumesFirst.settled(id);
    const { connection } = session;
    session.connection = null;
    session.ending = true;
    if (reason === 'closed') {
      connection?.close(CloseCode.normal, 'goodbye');
    } else {
      const text = reason === 'silent' ? 'the session was not heard for its time-out' : 'the session was ended';
      connection?.close(CloseCode.sessionOver, 'SESSION_OVER', errorMessage(0, 0, 'SESSION_OVER', text));
    }
  }

  /** The log did not take a command about sessions. */
  failed(command: Command): void {
    if (command.type === 'end-session') {
      const session = this.#sessions.get(command.session);
      if (session === undefined) return;
      // Its end is still due: try again after another while.
      session.ending = false;
      this.#liveness.add(session);
      return;
    }
    if (command.type === 'confirm-session') {
      // The next thing heard confirms it, unless a newer resume has something of its own to confirm.
      const session = this.#sessions.get(command.session);
      if (session !== undefined) session.unconfirmedHash ??= command.secretHash;
      return;
    }
    if (command.type !== 'open-session' && command.type !== 'resume-session') return;
    const name = command.type === 'open-session' ? command.session : command.secretHash;
    const opening = this.#openings.get(name);
    this.#openings.delete(name);
    const last = errorMessage(0, 0, 'UNAVAILABLE', 'the log did not take it');
    opening?.connection.close(CloseCode.overloaded, 'UNAVAILABLE', last);
  }

  // ---- what the connection heard ------------------------------------------------------------------------------------------

  /** Anything at all came from the session's connection. */
  heard(session: Session): void {
    session.heardMs = this.#liveness.nowMs();
  }

  /**
   * A message came, so the client has read its welcome and has the secret that was in it. A pong would not do: a browser sends it though its page
   * hangs, and the page may give the connection up before it has read anything of it.
   */
  spoke(session: Session): void {
    this.heard(session);
    if (session.unconfirmedHash !== null) {
      const secretHash = session.unconfirmedHash;
      session.unconfirmedHash = null;
      this.#parts.propose({ type: 'confirm-session', session: session.id, secretHash });
    }
  }

  pong(session: Session, payload: Uint8Array): void {
    this.heard(session);
    const ping = decodePing(payload);
    if (ping === null || ping[0] > session.pingNumber || ping[0] <= session.pongNumber) return;
    session.pongNumber = ping[0];
    session.pongMs = this.#parts.serverMs();
  }

  probe(session: Session, number: number): void {
    session.probeNumber = number;
    session.probeMs = this.#parts.serverMs();
    session.connection?.push([MessageType.heard, number, session.probeMs]);
  }

  /** The session's connection is gone without a close frame that ends the session. */
  dropped(session: Session): void {
    session.connection = null;
    if (!session.resumable) this.end(session, 'dropped');
    else this.#liveness.reschedule(session);
  }

  /** Ends the session in one step of the log. */
  end(session: Session, reason: SessionEndReason): void {
    if (session.ending) return;
    session.ending = true;
    this.#liveness.remove(session);
    this.#parts.propose({ type: 'end-session', session: session.id, reason });
  }

  // ---- inside -----------------------------------------------------------------------------------------------------------

  #admit(id: string, timeoutMs: number, resumable: boolean): Session {
    this.#ticket += 1;
    const session = new Session(id, timeoutMs, resumable, this.#ticket);
    this.#sessions.set(id, session);
    this.#liveness.add(session);
    return session;
  }

  #attach(session: Session, connection: OpeningConnection): void {
    session.connection = connection;
    session.pingNumber = 0;
    session.pongNumber = 0;
    session.pongMs = 0;
    session.probeNumber = 0;
    session.probeMs = 0;
    connection.attached(session);
    this.#liveness.reschedule(session);
  }

  #ping(session: Session): void {
    const { connection } = session;
    if (connection === null) return;
    session.pingNumber += 1;
    const number = session.pingNumber;
    connection.ping(encodePing([number, session.pongNumber, session.pongMs]));
    if (connection.wantsBeats) {
      connection.push([MessageType.beat, number, session.probeNumber, session.probeMs]);
    }
  }
}

/** A client's presence at the service, over all its connections: who it is, what is open, and who gets which message. */
import type {
  ClientMessage,
  ErrorMessage,
  HelloOptions,
  PingPayload,
  ServerMessage,
  WelcomeFacts,
} from '@holdfast/protocol';
import { KEY_BYTES_MAX, MessageType } from '@holdfast/protocol';
import { Calls } from './calls.js';
import type { HoldfastError } from './errors.js';
import { ConnectionError } from './errors.js';
import type { Outbox } from './holds.js';
import type { Report } from './listeners.js';
import { Listeners } from './listeners.js';
import { Liveness } from './liveness.js';
import { Locks } from './locks.js';
import type { Settings } from './options.js';
import type { LinkEvents, LinkParts } from './reconnect.js';
import { Link } from './reconnect.js';
import type { Verdict } from './verdict.js';
import { Watches } from './watches.js';

/** `connecting` becomes `connected` with the first welcome and is never seen again. */
export type SessionState = 'connecting' | 'connected' | 'reconnecting' | 'closed';

export interface SessionParts extends LinkParts {
  readonly settings: Settings;
  readonly report: Report;
}

export class Session implements LinkEvents, Outbox {
  readonly locks: Locks;
  readonly watches: Watches;
  readonly calls: Calls;
  readonly states: Listeners<SessionState>;
  /** Told the id of a session that took the place of one that was lost. */
  readonly successors: Listeners<string>;
  readonly #parts: SessionParts;
  readonly #link: Link;
  readonly #liveness = new Liveness();
  #state: SessionState = 'connecting';
  #id = '';
  #node = '';
  /** For the resume; null: there is nothing to be resumed. Shown to nobody. */
  #secret: Uint8Array | null = null;
  #keyBytesMax = KEY_BYTES_MAX;
  /** After a welcome: the service has said all that it has of this session. */
  #isRestored = false;
  #lastProbe = 0;
  /** How the latest try ended. */
  #latestError: ConnectionError | null = null;
  /** Why it is closed. */
  #error: HoldfastError | null = null;
  #closing: Promise<void> | null = null;

  constructor(parts: SessionParts) {
    const { clock, random, report } = parts;
    this.#parts = parts;
    this.#link = new Link(parts, this);
    this.locks = new Locks(clock, random, report, this.#liveness, this);
    this.watches = new Watches(this);
    this.calls = new Calls(clock, this, () => this.#liveness.timeoutMs);
    this.states = new Listeners(report);
    this.successors = new Listeners(report);
  }

  get state(): SessionState {
    return this.#state;
  }

  get id(): string {
    return this.#id;
  }

  get node(): string {
    return this.#node;
  }

  get keyBytesMax(): number {
    return this.#keyBytesMax;
  }

  get latestError(): ConnectionError | null {
    return this.#latestError;
  }

  /** Why nothing can be asked any more; null while it can. */
  get error(): HoldfastError | null {
    return this.#error;
  }

  start(): void {
    this.#link.start();
  }

  /** Says goodbye: everything that is held or waited for ends. */
  close(): Promise<void> {
    if (this.#closing === null) {
      if (this.#isClosed) return Promise.resolve();
      this.#shut(new ConnectionError('CLOSED', 'the client was closed'), true);
      this.#closing = this.#link.stop();
    }
    return this.#closing;
  }

  /** Ends at once and for good, because of `error`. */
  fail(error: HoldfastError): void {
    if (this.#isClosed) return;
    this.#shut(error, false);
    this.#link.abandon();
  }

  /** Asked again after everything that calls back: whoever is told of something may close the client. */
  get #isClosed(): boolean {
    return this.#state === 'closed';
  }

  // ---- the way out --------------------------------------------------------------------------------------------------------

  get isOpen(): boolean {
    return this.#isRestored && this.#link.isOpen;
  }

  send(message: ClientMessage): void {
    if (this.isOpen) this.#link.send(message);
  }

  sendTimeMs(): number {
    return this.#link.sendTimeMs();
  }

  probe(): void {
    if (!this.isOpen) return;
    this.#liveness.probeSent(++this.#lastProbe, this.#link.sendTimeMs());
    this.#link.send([MessageType.probe, this.#lastProbe]);
  }

  reconnect(): void {
    if (this.isOpen && !this.#link.isLeaving) this.#link.giveUp('the service asked to connect again');
  }

  // ---- what the link calls ------------------------------------------------------------------------------------------------

  hello(beats: boolean): HelloOptions {
    const { name, resumable, timeoutMs, token } = this.#parts.settings;
    const auth = token === null ? {} : { auth: token };
    if (this.#secret !== null) return { session: this.#id, secret: this.#secret, beats, ...auth };
    return { client: name, resumable, timeoutMs, beats, ...auth };
  }

  welcomed(facts: WelcomeFacts, helloMs: number): void {
    const { session, secret, resumed, timeoutMs, serverMs, node, limits } = facts;
    if (resumed) {
      this.#liveness.beginConnection();
    } else {
      this.#sessionOver();
      this.#liveness.beginSession(timeoutMs);
    }
    // The session went on from the hello until now, so what follows from the hello counts before the clock is looked at.
    this.#liveness.helloHeard(helloMs, serverMs);
    this.locks.checkClock();
    if (this.#isClosed) return;
    const isSuccessor = !resumed && this.#id !== '';
    this.#id = session;
    this.#secret = secret ?? (resumed ? this.#secret : null);
    this.#node = node;
    this.#keyBytesMax = Math.min(KEY_BYTES_MAX, limits.keyBytes);
    if (resumed) {
      this.locks.beginRestore();
      return;
    }
    this.#opened();
    if (isSuccessor) this.successors.emit(session);
  }

  frame(messages: readonly ServerMessage[]): void {
    if (this.#isClosed) return;
    // If the deadline has passed by what was known before this frame, the frame may still prove that the service heard
    // us later. That is believed first: the proof is a send time of ours, so it is as good as if it had come earlier, and
    // losing a hold that is certain to be valid helps nobody. Everything else in the frame waits for the verdict.
    if (this.#parts.clock.nowMs() >= this.#liveness.deadlineMs)
      for (const message of messages) this.#noteHeard(message);
    this.locks.checkClock();
    for (const message of messages) this.#handle(message);
  }

  pinged([number, heard, heardMs]: PingPayload): void {
    this.#liveness.pongSent(number, this.#parts.clock.nowMs());
    // As in `frame`: the proof first, then the clock.
    this.#liveness.pongHeard(heard, heardMs);
    this.locks.checkClock();
    this.#keepFresh();
  }

  ended(verdict: Verdict, wasOpen: boolean): void {
    this.#isRestored = false;
    if (this.#isClosed) return;
    this.#latestError = verdict.error;
    if (verdict.next === 'stop') {
      this.fail(verdict.error);
      return;
    }
    if (verdict.next === 'renew' || this.#secret === null) this.#sessionOver();
    if (!wasOpen) return;
    this.locks.disconnected();
    this.watches.disconnected();
    this.calls.disconnected();
    this.#become('reconnecting');
  }

  // ---- steps ----------------------------------------------------------------------------------------------------------

  #handle(message: ServerMessage): void {
    switch (message[0]) {
      case MessageType.granted:
        this.locks.granted(message);
        break;
      case MessageType.ended:
        this.locks.ended(message);
        break;
      case MessageType.queued:
        this.locks.queued(message);
        break;
      case MessageType.extended:
        this.locks.extended(message);
        break;
      case MessageType.heard:
        this.#liveness.probeHeard(message[1], message[2]);
        break;
      case MessageType.beat:
        this.#liveness.probeHeard(message[2], message[3]);
        this.#keepFresh();
        break;
      case MessageType.restore:
        this.locks.restored(message);
        if (message[3]) this.#opened();
        break;
      case MessageType.events:
        this.watches.events(message);
        break;
      case MessageType.gap:
        this.watches.gap(message);
        break;
      case MessageType.watching:
        this.watches.watching(message);
        break;
      case MessageType.result:
        this.calls.result(message);
        break;
      case MessageType.elsewhere:
        this.#link.heardElsewhere(message[1]);
        break;
      case MessageType.error:
        this.#handleError(message);
        break;
      case MessageType.welcome:
        // One came already: the connection handles the first.
        break;
    }
  }

  #handleError(message: ErrorMessage): void {
    switch (message[1]) {
      case 0:
        this.#link.heardError(message);
        break;
      case MessageType.watch:
        this.watches.error(message);
        break;
      case MessageType.query:
      case MessageType.force:
        this.calls.error(message);
        break;
      default:
        this.locks.error(message);
    }
  }

  #noteHeard(message: ServerMessage): void {
    switch (message[0]) {
      case MessageType.heard:
        this.#liveness.probeHeard(message[1], message[2]);
        break;
      case MessageType.beat:
        this.#liveness.probeHeard(message[2], message[3]);
        break;
      case MessageType.granted:
      case MessageType.ended:
      case MessageType.queued:
        this.locks.noteHeard(message[1]);
        break;
      default:
    }
  }

  /** So that what the service is known to have heard is never older than the time between two pings and a round trip. */
  #keepFresh(): void {
    if (this.locks.isBusy) this.probe();
  }

  #opened(): void {
    if (this.#isClosed) return;
    this.#isRestored = true;
    this.locks.opened();
    this.watches.opened();
    this.calls.opened();
    this.#become('connected');
  }

  /** Nobody will hear of this session again. */
  #sessionOver(): void {
    this.#secret = null;
    this.locks.sessionOver();
  }

  #shut(error: HoldfastError, isWanted: boolean): void {
    this.#error = error;
    this.#isRestored = false;
    this.#secret = null;
    this.#state = 'closed';
    this.locks.close(error, isWanted);
    this.watches.close(isWanted ? null : error);
    this.calls.close(error);
    this.states.emit('closed');
  }

  #become(state: SessionState): void {
    if (state === this.#state || this.#isClosed) return;
    this.#state = state;
    this.states.emit(state);
  }
}

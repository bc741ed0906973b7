/**
 * A snapshot that is read while the machine goes on. What is read is the state at the moment at which the walk began.
 *
 * Copy on write, as snapshots without fork() do it (Dragonfly's versioned buckets), per session and per request: the walk goes over the sessions
 * in order of their tickets and over the requests of each in order of theirs. What is about to change and was not reached yet is written out first (`keep…`); what
 * arrived later has a higher ticket than the walk began with, and is not part of it. So a change costs one more row at most, and only
 * once, and reading costs nothing but the rows that are read.
 */
import { endingRow, headerRow, requestRow, sessionRow, type SnapshotRow } from './snapshot-rows.js';
import type { Request, SessionState, State } from './state.js';

export class SnapshotWalk implements IterableIterator<SnapshotRow> {
  private readonly state: State;
  /** What has a higher ticket arrived after the walk had begun. */
  private readonly lastTicket: number;
  private readonly sessions: Iterator<SessionState>;
  /** The session that the walk has reached: its own row and those of all before it are written. */
  private current: SessionState | null = null;
  private reachedSession = 0;
  /** The requests that `current` had when the walk reached it, how many of them were looked at, and the ticket of the last one. */
  private requests: readonly Request[] = [];
  private looked = 0;
  private reachedRequest = 0;
  /** Written before the walk reached them. */
  private readonly early = new Set<SessionState | Request>();
  /** Rows that are written and not read, from `read` on. */
  private rows: SnapshotRow[] = [];
  private read = 0;
  private written = 0;
  /** The session that the row written last is about. */
  private subject: SessionState | null = null;
  private finished = false;

  constructor(state: State) {
    this.state = state;
    this.lastTicket = state.ticket;
    this.sessions = state.sessions.values();
    this.write(headerRow(state));
  }

  /** Throws when the snapshot was given up. */
  next(): IteratorResult<SnapshotRow, undefined> {
    while (this.read === this.rows.length && !this.finished) {
      this.rows.length = 0;
      this.read = 0;
      this.advance();
    }
    const row = this.rows[this.read];
    if (row === undefined) {
      return { done: true, value: undefined };
    }
    this.read++;
    return { done: false, value: row };
  }

  /** The reader gives the snapshot up: from then on it costs nothing. */
  return(): IteratorResult<SnapshotRow, undefined> {
    this.giveUp();
    return { done: true, value: undefined };
  }

  /** Whoever still reads it gets an error. */
  giveUp(): void {
    if (this.state.walk === this) {
      this.state.walk = null;
    }
    this.rows.length = 0;
    this.read = 0;
    this.early.clear();
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** To be called before anything of the session's own row or of its endings changes. */
  keepSession(session: SessionState): void {
    if (session.ticket > this.reachedSession && session.ticket <= this.lastTicket && !this.early.has(session)) {
      this.early.add(session);
      this.writeSession(session);
    }
  }

  /** To be called before anything of a live request changes, or before it goes. */
  keepRequest(request: Request): void {
    const { sessionState: session, ticket } = request;
    const isReached = session === this.current ? ticket <= this.reachedRequest : session.ticket <= this.reachedSession;
    if (isReached || ticket > this.lastTicket || this.early.has(request)) {
      return;
    }
    this.keepSession(session);
    this.early.add(request);
    this.writeRequest(request);
  }

  /** Writes a row or none, and finds out where the walk goes on. */
  private advance(): void {
    if (this.state.walk !== this) {
      throw new Error('this snapshot was given up');
    }
    const request = this.requests[this.looked];
    if (request !== undefined && request.ticket <= this.lastTicket) {
      this.looked++;
      this.reachedRequest = request.ticket;
      if (!this.early.delete(request)) {
        this.writeRequest(request);
      }
      return;
    }
    const { done, value: session } = this.sessions.next();
    if (done === true || session.ticket > this.lastTicket) {
      this.write(['end', this.written]);
      this.finished = true;
      this.state.walk = null;
      return;
    }
    if (!this.early.delete(session)) {
      this.writeSession(session);
    }
    this.current = session;
    this.reachedSession = session.ticket;
    this.requests = [...session.requests()];
    this.looked = 0;
    this.reachedRequest = 0;
  }

  private writeSession(session: SessionState): void {
    this.subject = session;
    this.write(sessionRow(session));
    for (let ending = session.oldestEnding; ending !== null; ending = ending.next) {
      this.write(endingRow(ending));
    }
  }

  private writeRequest(request: Request): void {
    const { sessionState } = request;
    if (this.subject !== sessionState) {
      this.subject = sessionState;
      this.write(['of', sessionState.id]);
    }
    this.write(requestRow(request));
  }

  private write(row: SnapshotRow): void {
    this.rows.push(row);
    this.written++;
  }
}

/** Reads the rows of a snapshot, one by one, into an empty state. Strict: anything that a walk does not write is an error. */
import type { Mode } from './commands.js';
import { Records } from './records.js';
import { appendHolder, appendWaiting } from './request-list.js';
import { setDue } from './requests.js';
import { RowReader } from './row-reader.js';
import { SNAPSHOT_VERSION, type SnapshotRow } from './snapshot-rows.js';
import { Ending, KeyState, NEVER, type RememberedCode, Request, SessionState, type State, termsOf } from './state.js';

const MODES: Readonly<Record<Mode, true>> = { exclusive: true, shared: true };

const CODES: Readonly<Record<RememberedCode, true>> = {
  RELEASED: true,
  CANCELLED: true,
  HELD: true,
  WAIT_TIMEOUT: true,
  LEASE_OVER: true,
  REVOKED: true,
};

export class SnapshotReader {
  private readonly state: State;
  private readonly sessions = new Map<string, SessionState>();
  private readonly requests: Request[] = [];
  /** The session that rows are about now. */
  private subject: SessionState | null = null;
  private count = 0;
  private complete = false;

  constructor(state: State) {
    this.state = state;
  }

  /** Throws, with the number of the row. The state is of no use then. */
  add(row: SnapshotRow): void {
    const reader = new RowReader(row, this.count);
    const kind = reader.text();
    if (this.complete || (this.count === 0) !== (kind === 'holdfast')) {
      reader.fail(`a row of kind ${kind} is not expected here`);
    }
    switch (kind) {
      case 'request':
        this.requests.push(this.request(reader));
        break;
      case 'session':
        this.subject = this.session(reader);
        break;
      case 'of':
        this.subject = this.sessions.get(reader.text()) ?? reader.fail('no row of this session came before');
        break;
      case 'ended':
        this.ending(reader);
        break;
      case 'holdfast':
        this.header(reader);
        break;
      case 'end':
        this.complete = reader.integer() === this.count || reader.fail(`${this.count} rows came before it`);
        break;
      default:
        reader.fail(`unknown kind ${kind}`);
    }
    reader.finish();
    this.count++;
  }

  /** Throws when rows are missing. The state is whole when it returns. */
  finish(): void {
    if (!this.complete) {
      throw new Error(`the snapshot is cut off after ${this.count} rows`);
    }
    const { state } = this;
    // Rows come in the order in which the walk wrote them; sessions and queues are in order of arrival.
    for (const session of [...this.sessions.values()].toSorted(byTicket)) {
      state.sessions.set(session.id, session);
    }
    for (const request of this.requests.toSorted(byTicket)) {
      const { keyState, sessionState } = request;
      if (request.held) {
        appendHolder(keyState, request);
        sessionState.heldCount++;
        state.heldCount++;
      } else {
        appendWaiting(keyState, request);
        sessionState.waitingCount++;
        state.waitingCount++;
      }
      sessionState.records ??= new Records();
      sessionState.records.set(request);
    }
  }

  private header(reader: RowReader): void {
    const { state } = this;
    const version = reader.integer();
    if (version !== SNAPSHOT_VERSION) {
      reader.fail(`version ${version} is not known, only version ${SNAPSHOT_VERSION}`);
    }
    state.index = reader.integer();
    state.term = reader.integer();
    state.nowMs = reader.integer();
    state.token = reader.integer();
    state.ticket = reader.integer();
    state.limits = {
      sessionsMax: reader.integer(),
      requestsPerSessionMax: reader.integer(),
      queueLengthMax: reader.integer(),
    };
  }

  private session(reader: RowReader): SessionState {
    const id = reader.text();
    const ticket = this.ticket(reader);
    const client = reader.text();
    const timeoutMs = reader.integer();
    const sinceMs = reader.integer();
    const [acked, lastRequest, lastEnd] = [reader.integer(), reader.integer(), reader.integer()];
    const session = new SessionState(id, ticket, client, timeoutMs, sinceMs, reader.textOrNull());
    session.acked = acked;
    session.lastRequest = lastRequest;
    session.lastEnd = lastEnd;
    session.olderHashes = reader.texts(reader.integer());
    if (this.sessions.has(id)) {
      reader.fail(`session ${id} is there twice`);
    }
    this.sessions.set(id, session);
    return session;
  }

  private ending(reader: RowReader): void {
    const session = this.subject ?? reader.fail('no session above');
    const number = reader.integer();
    const key = reader.text();
    const end = reader.integer();
    const code = reader.oneOf(CODES);
    const token = reader.integerOrNull();
    session.record(new Ending(number, key, end, code, token, reader.meta()));
  }

  private request(reader: RowReader): Request {
    const { state } = this;
    const session = this.subject ?? reader.fail('no session above');
    const number = reader.integer();
    const name = reader.text();
    const mode = reader.oneOf(MODES);
    const token = reader.integer();
    const ticket = this.ticket(reader);
    const sinceMs = reader.integer();
    const dueMs = reader.integerOrNull() ?? NEVER;
    const leaseMs = reader.integerOrNull();
    const terms = termsOf({ leaseMs, wantsPlace: reader.flag(), meta: reader.meta() });
    let key = state.keys.get(name);
    if (key === undefined) {
      key = new KeyState(name);
      state.keys.add(key);
    }
    const request = new Request(number, mode, terms, key, session, ticket, sinceMs);
    request.token = token;
    setDue(state, request, dueMs);
    return request;
  }

  private ticket(reader: RowReader): number {
    const ticket = reader.integer();
    return ticket <= this.state.ticket ? ticket : reader.fail(`ticket ${ticket} was not given yet`);
  }
}

function byTicket(left: { readonly ticket: number }, right: { readonly ticket: number }): number {
  return left.ticket - right.ticket;
}

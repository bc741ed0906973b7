/**
 * The rules of the service, folded over the durable entries as naively as they can be written: arrays and searches. It shares no
 * code with the machine of the product, because a checker that shares a bug cannot see it.
 */
import type {
  Acquire,
  Cancel,
  Command,
  Entry,
  Extend,
  MachineLimits,
  Mode,
  OpenSession,
  Release,
  SessionEndReason,
} from '@holdfast/core';
import type { Happening, RequestRecord, SessionRecord } from './records.js';

export class Model {
  nowMs = 0;
  /** The token of the latest grant, or the floor of the term if that is higher. */
  token = 0;
  /** All there ever were. */
  readonly sessions = new Map<string, SessionRecord>();
  readonly byToken = new Map<number, RequestRecord>();
  readonly #requests = new Map<string, RequestRecord>();
  /** Acquires that were turned away without being remembered. */
  readonly #turnedAway = new Set<string>();
  /** Commands that were refused, ending nothing. */
  readonly #refused = new Set<string>();
  /** Live requests of each key in order of arrival, holders first. */
  readonly #keys = new Map<string, RequestRecord[]>();
  /** Sessions that have not ended. */
  readonly #open = new Map<string, SessionRecord>();
  #limits: MachineLimits = { sessionsMax: 0, requestsPerSessionMax: 0, queueLengthMax: 0 };
  #ticket = 0;
  #happenings: Happening[] = [];
  #atMs = 0;

  request(session: string, number: number): RequestRecord | undefined {
    return this.#requests.get(`${session} ${number}`);
  }

  wasTurnedAway(session: string, number: number, code: string): boolean {
    return this.#turnedAway.has(`${session} ${number} ${code}`);
  }

  wasRefused(session: string, number: number, command: string, code: string): boolean {
    return this.#refused.has(`${session} ${number} ${command} ${code}`);
  }

  /** Requests that hold or wait. */
  *live(): IterableIterator<RequestRecord> {
    for (const requests of this.#keys.values()) yield* requests;
  }

  /** Requests that are before this one and still live: what it waits for. */
  before(request: RequestRecord): readonly RequestRecord[] {
    const requests = this.#keys.get(request.key) ?? [];
    return requests.slice(0, Math.max(0, requests.indexOf(request)));
  }

  /** `atMs`: when the entry was durable, on the simulation's clock. */
  apply(entry: Entry, atMs: number): readonly Happening[] {
    this.#happenings = [];
    this.#atMs = atMs;
    this.nowMs = entry.nowMs;
    for (let due = this.#earliestDue(); due !== undefined; due = this.#earliestDue()) {
      this.#end(due, due.state === 'held' ? 'LEASE_OVER' : 'WAIT_TIMEOUT');
      this.#settle(due.key);
    }
    for (const command of entry.commands) this.#run(command);
    return this.#happenings;
  }

  #earliestDue(): RequestRecord | undefined {
    let earliest: RequestRecord | undefined;
    for (const request of this.live()) {
      if (request.dueMs > this.nowMs) continue;
      const { dueMs, ticket } = earliest ?? { dueMs: Infinity, ticket: Infinity };
      if (request.dueMs < dueMs || (request.dueMs === dueMs && request.ticket < ticket)) earliest = request;
    }
    return earliest;
  }

  #run(command: Command): void {
    switch (command.type) {
      case 'begin-term':
        this.token = Math.max(this.token, command.tokenFloor);
        this.#limits = command.limits;
        return;
      case 'open-session':
        this.#openSession(command);
        return;
      case 'force-release':
        this.#forceRelease(command.key, command.token);
        return;
      default:
    }
    const session = this.#open.get(command.session);
    if (session === undefined) {
      if ('request' in command) this.#refuse(command, 'SESSION_OVER');
      return;
    }
    switch (command.type) {
      case 'resume-session':
        if (!session.secretHashes.includes(command.proofHash)) break;
        session.secretHashes.splice(0, session.secretHashes.indexOf(command.proofHash));
        if (session.secretHashes.length > 15) session.secretHashes.splice(1, 1);
        session.secretHashes.push(command.secretHash);
        session.resumes += 1;
        break;
      case 'confirm-session':
        session.secretHashes.splice(0, Math.max(0, session.secretHashes.indexOf(command.secretHash)));
        break;
      case 'end-session':
        this.#endSession(session, command.reason);
        break;
      case 'acquire':
        this.#acquire(session, command);
        break;
      default:
        this.#change(session.requests.get(command.request), command);
    }
  }

  /** What has ended gets its ending as an answer; what is not known, or does not hold, is refused. */
  #change(request: RequestRecord | undefined, command: Release | Cancel | Extend): void {
    if (request === undefined || (request.state === 'waiting' && command.type !== 'cancel')) {
      this.#refuse(command, 'NOT_HELD');
    } else if (request.state !== 'ended') {
      if (command.type === 'extend') this.#setLease(request, command.leaseMs);
      else this.#leave(request, command.type === 'cancel' ? 'CANCELLED' : 'RELEASED');
    }
  }

  #refuse({ session, request, type }: Acquire | Release | Cancel | Extend, code: string): void {
    this.#refused.add(`${session} ${request} ${type} ${code}`);
  }

  #openSession({ session: id, client, timeoutMs, secretHash }: OpenSession): void {
    if (this.#open.has(id) || this.#open.size >= this.#limits.sessionsMax) return;
    const session: SessionRecord = {
      id,
      client,
      timeoutMs,
      resumable: secretHash !== null,
      secretHashes: secretHash === null ? [] : [secretHash],
      lastRequest: 0,
      lastEnd: 0,
      acked: 0,
      resumes: 0,
      endReason: null,
      requests: new Map(),
    };
    this.sessions.set(id, session);
    this.#open.set(id, session);
  }

  #endSession(session: SessionRecord, reason: SessionEndReason): void {
    this.#open.delete(session.id);
    session.endReason = reason;
    const live = [...session.requests.values()].filter(({ state }) => state !== 'ended');
    for (const request of live) this.#end(request, 'SESSION_OVER');
    for (const { key } of live) this.#settle(key);
  }

  #forceRelease(key: string, token: number | null): void {
    for (const request of this.#holders(key)) {
      if (token === null || request.token === token) this.#end(request, 'REVOKED');
    }
    this.#settle(key);
  }

  #acquire(session: SessionRecord, command: Acquire): void {
    const { session: id, request: number, key, mode, waitMs, leaseMs } = command;
    if (command.acked > session.acked) session.acked = Math.min(command.acked, session.lastEnd);
    for (const known of session.requests.values()) {
      if (known.state === 'ended' && known.end <= command.acked) session.requests.delete(known.number);
    }
    if (number <= session.lastRequest) {
      if (!session.requests.has(number)) this.#refuse(command, 'REQUEST_SPENT');
      return;
    }
    if (session.requests.size >= this.#limits.requestsPerSessionMax) {
      this.#turnedAway.add(`${id} ${number} REQUEST_LIMIT`);
      return;
    }
    const waiting = (this.#keys.get(key) ?? []).filter(({ state }) => state === 'waiting').length;
    const atOnce = waiting === 0 && this.#admits(key, mode);
    if (!atOnce && waitMs !== 0 && waiting >= this.#limits.queueLengthMax) {
      this.#turnedAway.add(`${id} ${number} QUEUE_FULL`);
      return;
    }
    session.lastRequest = number;
    this.#ticket += 1;
    const request: RequestRecord = {
      session: id,
      number,
      key,
      mode,
      leaseMs,
      ticket: this.#ticket,
      state: 'waiting',
      token: 0,
      dueMs: waitMs === null ? Infinity : this.nowMs + waitMs,
      leaseEnds: new Set(),
      places: new Set(),
      code: null,
      end: 0,
      endedAtMs: Infinity,
    };
    session.requests.set(number, request);
    this.#requests.set(`${id} ${number}`, request);
    this.#keys.set(key, [...(this.#keys.get(key) ?? []), request]);
    if (atOnce) {
      this.#grant(request);
    } else if (waitMs === 0) {
      this.#end(request, 'HELD');
    } else {
      this.#notePlaces(key);
      this.#happenings.push({ kind: 'queued', request });
    }
  }

  #holders(key: string): readonly RequestRecord[] {
    return (this.#keys.get(key) ?? []).filter(({ state }) => state === 'held');
  }

  #admits(key: string, mode: Mode): boolean {
    return this.#holders(key).every((holder) => holder.mode === 'shared' && mode === 'shared');
  }

  #grant(request: RequestRecord): void {
    this.token += 1;
    request.state = 'held';
    request.token = this.token;
    this.byToken.set(request.token, request);
    this.#setLease(request, request.leaseMs);
    this.#happenings.push({ kind: 'granted', request });
  }

  #setLease(request: RequestRecord, leaseMs: number | null): void {
    request.dueMs = leaseMs === null ? Infinity : this.nowMs + leaseMs;
    request.leaseEnds.add(leaseMs === null ? null : request.dueMs);
  }

  #leave(request: RequestRecord, code: string): void {
    this.#end(request, code);
    this.#settle(request.key);
  }

  #end(request: RequestRecord, code: string): void {
    const session = this.sessions.get(request.session);
    if (session !== undefined && code !== 'SESSION_OVER') {
      session.lastEnd += 1;
      request.end = session.lastEnd;
    }
    request.state = 'ended';
    request.code = code;
    request.endedAtMs = this.#atMs;
    const left = (this.#keys.get(request.key) ?? []).filter((other) => other !== request);
    if (left.length === 0) this.#keys.delete(request.key);
    else this.#keys.set(request.key, left);
    // Whoever is turned away on arrival was never in a key's queue, so nothing happened to the key.
    if (code !== 'HELD') this.#happenings.push({ kind: 'ended', request });
  }

  #settle(key: string): void {
    for (const request of this.#keys.get(key) ?? []) {
      if (request.state === 'held') continue;
      if (!this.#admits(key, request.mode)) break;
      this.#grant(request);
    }
    this.#notePlaces(key);
  }

  #notePlaces(key: string): void {
    const queue = (this.#keys.get(key) ?? []).filter(({ state }) => state === 'waiting');
    for (const [index, { places }] of queue.entries()) {
      places.add(`${index + 1}`);
      places.add(`${index + 1} of ${queue.length}`);
    }
  }
}

/**
 * The rules once more, as naively as they can be written: one array of requests in order of arrival, and everything else is searched
 * for in it. Written from the protocol's text, not from the machine, to be compared with the machine.
 */
import type { Acquire, Command, Entry, MachineLimits, Meta, Mode } from '../src/commands.js';
import type { Effect, EndCode } from '../src/effects.js';

export interface ModelRequest {
  session: string;
  number: number;
  key: string;
  mode: Mode;
  leaseMs: number | null;
  wantsPlace: boolean;
  meta: Meta | null;
  status: 'waiting' | 'held' | 'ended';
  token: number | null;
  sinceMs: number;
  dueMs: number;
  end: number;
  code: EndCode | null;
  detail: Meta | null;
}

export interface ModelSession {
  id: string;
  secrets: string[]; // those that the client can have, oldest first
  acked: number;
  lastRequest: number;
  lastEnd: number;
}

export class Model {
  nowMs = 0;
  token = 0;
  limits: MachineLimits = { sessionsMax: 0, requestsPerSessionMax: 0, queueLengthMax: 0 };
  sessions: ModelSession[] = [];
  requests: ModelRequest[] = [];
  effects: Effect[] = [];

  apply(entry: Entry): Effect[] {
    this.effects = [];
    this.nowMs = entry.nowMs;
    for (;;) {
      const due = this.requests.filter((r) => r.status !== 'ended' && r.dueMs <= this.nowMs);
      const next = due.find((r) => due.every((other) => r.dueMs <= other.dueMs));
      if (next === undefined) break;
      this.end(next, next.status === 'held' ? 'LEASE_OVER' : 'WAIT_TIMEOUT', null);
      this.grantFrom(next.key);
    }
    for (const command of entry.commands) this.run(command);
    return this.effects;
  }

  live(key: string, status: 'waiting' | 'held'): ModelRequest[] {
    return this.requests.filter((r) => r.key === key && r.status === status);
  }

  clone(): Model {
    const copy = new Model();
    Object.assign(copy, this);
    copy.sessions = this.sessions.map((s) => ({ ...s }));
    copy.requests = this.requests.map((r) => ({ ...r }));
    return copy;
  }

  private run(c: Command): void {
    const session = 'session' in c ? this.sessions.find((s) => s.id === c.session) : undefined;
    if (c.type === 'begin-term') {
      this.token = Math.max(this.token, c.tokenFloor);
      this.limits = c.limits;
    } else if (c.type === 'open-session') {
      const code = session ? 'SESSION_TAKEN' : this.sessions.length >= this.limits.sessionsMax ? 'SESSION_LIMIT' : null;
      if (code !== null) {
        this.effects.push({ type: 'session-refused', session: c.session, code, secretHash: null });
        return;
      }
      const secrets = c.secretHash === null ? [] : [c.secretHash];
      this.sessions.push({ id: c.session, secrets, acked: 0, lastRequest: 0, lastEnd: 0 });
      this.effects.push({ type: 'session-opened', session: c.session });
    } else if (c.type === 'resume-session') {
      const { secretHash } = c;
      if (session?.secrets.includes(c.proofHash)) {
        while (session.secrets[0] !== c.proofHash) session.secrets.shift();
        if (session.secrets.length > 15) session.secrets.splice(1, 1);
        session.secrets.push(secretHash);
        this.effects.push({ type: 'session-resumed', session: c.session, secretHash });
      } else {
        this.effects.push({ type: 'session-refused', session: c.session, code: 'SESSION_OVER', secretHash });
      }
    } else if (c.type === 'confirm-session') {
      if (session?.secrets.includes(c.secretHash)) while (session.secrets[0] !== c.secretHash) session.secrets.shift();
    } else if (c.type === 'end-session') {
      if (session) this.endSession(session, c.reason);
    } else if (c.type === 'force-release') {
      const holds = this.live(c.key, 'held').filter((r) => c.token === null || r.token === c.token);
      for (const r of holds) this.end(r, 'REVOKED', { by: c.session, reason: c.reason });
      this.grantFrom(c.key);
      this.effects.push({ type: 'forced', session: c.session, call: c.call, key: c.key, ended: holds.length });
    } else if (!session) {
      this.refuse(c, 'SESSION_OVER');
    } else if (c.type === 'acquire') {
      this.acquire(session, c);
    } else {
      const r = this.requests.find((known) => known.session === c.session && known.number === c.request);
      if (r?.status === 'ended') {
        this.tellEnded(r, true);
      } else if (r === undefined || (r.status === 'waiting' && c.type !== 'cancel')) {
        this.refuse(c, 'NOT_HELD');
      } else if (c.type === 'extend') {
        r.dueMs = c.leaseMs === null ? Infinity : this.nowMs + c.leaseMs;
        this.effects.push({ type: 'extended', session: c.session, request: c.request, leaseEndMs: due(r) });
      } else {
        this.end(r, c.type === 'cancel' ? 'CANCELLED' : 'RELEASED', null);
        this.grantFrom(r.key);
      }
    }
  }

  private acquire(session: ModelSession, c: Acquire): void {
    session.acked = Math.max(session.acked, Math.min(c.acked, session.lastEnd));
    const mine = (r: ModelRequest) => r.session === session.id;
    this.requests = this.requests.filter((r) => !(mine(r) && r.status === 'ended' && r.end <= session.acked));
    const known = this.requests.find((r) => mine(r) && r.number === c.request);
    if (known?.status === 'ended') return this.tellEnded(known, true);
    if (known?.status === 'held') return this.tellGranted(known, true);
    if (known?.status === 'waiting') return this.tellQueued(known, true);
    if (c.request <= session.lastRequest) return this.refuse(c, 'REQUEST_SPENT');
    const { key, mode, leaseMs, wantsPlace, meta } = c;
    const fresh = { status: 'waiting', token: null, sinceMs: this.nowMs, end: 0, code: null, detail: null } as const;
    const dueMs = c.waitMs === null ? Infinity : this.nowMs + c.waitMs;
    const r: ModelRequest = {
      ...fresh,
      session: session.id,
      number: c.request,
      key,
      mode,
      leaseMs,
      wantsPlace,
      meta,
      dueMs,
    };
    if (this.requests.filter(mine).length >= this.limits.requestsPerSessionMax) {
      return this.tellEnded({ ...r, code: 'REQUEST_LIMIT' }, false);
    }
    const queue = this.live(key, 'waiting');
    const atOnce = queue.length === 0 && this.compatible(r);
    if (!atOnce && c.waitMs !== 0 && queue.length >= this.limits.queueLengthMax) {
      return this.tellEnded({ ...r, code: 'QUEUE_FULL' }, false);
    }
    session.lastRequest = c.request;
    this.requests.push(r);
    if (atOnce) return this.grant(r);
    if (c.waitMs === 0) return this.end(r, 'HELD', null);
    this.tellQueued(r, false);
  }

  private compatible(r: ModelRequest): boolean {
    return this.live(r.key, 'held').every((holder) => holder.mode === 'shared' && r.mode === 'shared');
  }

  private grantFrom(key: string): void {
    for (;;) {
      const next = this.live(key, 'waiting')[0];
      if (next === undefined || !this.compatible(next)) return;
      this.grant(next);
    }
  }

  private grant(r: ModelRequest): void {
    this.token += 1;
    Object.assign(r, { status: 'held', token: this.token, sinceMs: this.nowMs });
    r.dueMs = r.leaseMs === null ? Infinity : this.nowMs + r.leaseMs;
    this.tellGranted(r, false);
  }

  private end(r: ModelRequest, code: EndCode, detail: Meta | null): void {
    const session = this.sessions.find((s) => s.id === r.session)!;
    session.lastEnd += 1;
    Object.assign(r, { status: 'ended', end: session.lastEnd, code, detail });
    this.tellEnded(r, false);
  }

  private endSession(session: ModelSession, reason: 'closed' | 'dropped' | 'silent' | 'killed'): void {
    const gone = this.requests.filter((r) => r.session === session.id);
    this.sessions = this.sessions.filter((s) => s !== session);
    this.requests = this.requests.filter((r) => r.session !== session.id);
    const live = gone.filter((r) => r.status !== 'ended');
    for (const r of live) this.tellEnded({ ...r, code: 'SESSION_OVER' }, false);
    for (const r of live) this.grantFrom(r.key);
    this.effects.push({ type: 'session-ended', session: session.id, reason });
  }

  private refuse(c: Extract<Command, { request: number }>, code: 'SESSION_OVER' | 'REQUEST_SPENT' | 'NOT_HELD'): void {
    this.effects.push({ type: 'refused', session: c.session, request: c.request, command: c.type, code });
  }

  private tellEnded(r: ModelRequest, again: boolean): void {
    const { session, number: request, key, end, token, detail } = r;
    this.effects.push({ type: 'ended', session, request, key, end, code: r.code!, token, detail, again });
  }

  private tellGranted(r: ModelRequest, again: boolean): void {
    const { session, number: request, key, mode, meta } = r;
    const leaseEndMs = due(r);
    this.effects.push({ type: 'granted', session, request, key, mode, token: r.token!, leaseEndMs, meta, again });
  }

  private tellQueued(r: ModelRequest, again: boolean): void {
    const { session, number: request, key, mode, wantsPlace, meta } = r;
    const queue = this.live(key, 'waiting');
    const place = queue.indexOf(r) + 1;
    const { length } = queue;
    this.effects.push({ type: 'queued', session, request, key, mode, place, length, wantsPlace, meta, again });
  }
}

function due(r: ModelRequest): number | null {
  return r.dueMs === Infinity ? null : r.dueMs;
}

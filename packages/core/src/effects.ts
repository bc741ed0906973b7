/**
 * What apply() says happened, in order. A leader delivers effects, a standby drops them. An effect describes committed state:
 * whoever has it may say it. `again: true` marks an answer to a command that was sent again: nothing changed.
 */
import type { Meta, Mode, SessionEndReason } from './commands.js';

/**
 * How a request ended. Capitals, because these are the stable codes that travel to clients.
 * SESSION_OVER is seen by watchers only: there is nobody left to tell.
 */
export type EndCode =
  | 'RELEASED'
  | 'CANCELLED'
  | 'HELD'
  | 'WAIT_TIMEOUT'
  | 'LEASE_OVER'
  | 'REVOKED'
  | 'QUEUE_FULL'
  | 'REQUEST_LIMIT'
  | 'SESSION_OVER';

export interface SessionOpened {
  readonly type: 'session-opened';
  readonly session: string;
}

/** The caller reads holds and queued requests from the machine before the next apply(). */
export interface SessionResumed {
  readonly type: 'session-resumed';
  readonly session: string;
  readonly secretHash: string;
}

export interface SessionRefused {
  readonly type: 'session-refused';
  readonly session: string;
  /** SESSION_OVER: unknown session or wrong secret. SESSION_LIMIT: too many. SESSION_TAKEN: the id of an open command exists. */
  readonly code: 'SESSION_OVER' | 'SESSION_LIMIT' | 'SESSION_TAKEN';
  /** The hash that a refused resume offered as its next one, to tell rival resumes apart; null for a refused open. */
  readonly secretHash: string | null;
}

/** Comes after the endings of all its requests. */
export interface SessionEnded {
  readonly type: 'session-ended';
  readonly session: string;
  readonly reason: SessionEndReason;
}

export interface Queued {
  readonly type: 'queued';
  readonly session: string;
  readonly request: number;
  readonly key: string;
  readonly mode: Mode;
  /** 1 is the next to be granted. */
  readonly place: number;
  readonly length: number;
  readonly wantsPlace: boolean;
  readonly meta: Meta | null;
  readonly again: boolean;
}

export interface Granted {
  readonly type: 'granted';
  readonly session: string;
  readonly request: number;
  readonly key: string;
  readonly mode: Mode;
  readonly token: number;
  /** Log time at which the lease ends, or null. */
  readonly leaseEndMs: number | null;
  readonly meta: Meta | null;
  readonly again: boolean;
}

export interface Extended {
  readonly type: 'extended';
  readonly session: string;
  readonly request: number;
  readonly leaseEndMs: number | null;
}

export interface Ended {
  readonly type: 'ended';
  readonly session: string;
  readonly request: number;
  readonly key: string;
  /** Ending number, growing within the session; 0: not remembered. */
  readonly end: number;
  readonly code: EndCode;
  /** The token of the hold that ended; null when the request never held. */
  readonly token: number | null;
  /** For people, with REVOKED: who and why. */
  readonly detail: Meta | null;
  readonly again: boolean;
}

/** A command that could not be done and ended nothing. */
export interface Refused {
  readonly type: 'refused';
  readonly session: string;
  readonly request: number;
  readonly command: 'acquire' | 'release' | 'cancel' | 'extend';
  readonly code: 'SESSION_OVER' | 'REQUEST_SPENT' | 'NOT_HELD';
}

export interface Forced {
  readonly type: 'forced';
  readonly session: string;
  readonly call: number;
  readonly key: string;
  /** How many holds ended. */
  readonly ended: number;
}

export type Effect =
  | SessionOpened
  | SessionResumed
  | SessionRefused
  | SessionEnded
  | Queued
  | Granted
  | Extended
  | Ended
  | Refused
  | Forced;

/**
 * What can be said to the machine. Commands are facts that an entry of the log carries; times, tokens' floor, identities and
 * secrets' hashes come with them, because the machine has no clock and no randomness of its own.
 *
 * Units: every `…Ms` is a whole number of milliseconds. A request is named by (session, request number).
 */

/** Notes of a requester for people and programs: who, why, where. Kept as given. */
export type Meta = Readonly<Record<string, string>>;

/** Other lock kinds add their modes here. */
export type Mode = 'exclusive' | 'shared';

/** Bounds of the state that this machine enforces; part of the replicated state, set by the entry that begins a term. */
export interface MachineLimits {
  /** Open sessions. */
  readonly sessionsMax: number;
  /** Holds, waiting requests and unacknowledged endings of one session. */
  readonly requestsPerSessionMax: number;
  /** Waiting requests of one key. */
  readonly queueLengthMax: number;
}

/** First command of a term: tokens continue at no less than `tokenFloor`. */
export interface BeginTerm {
  readonly type: 'begin-term';
  readonly tokenFloor: number;
  readonly limits: MachineLimits;
}

/** Opens a session. Refused when the id is taken or the session limit is reached. */
export interface OpenSession {
  readonly type: 'open-session';
  readonly session: string;
  /** Name for people. */
  readonly client: string;
  readonly timeoutMs: number;
  /** Hash of the resume secret, or null when the session is not resumable. */
  readonly secretHash: string | null;
}

/** Resumes a session: `proofHash` must be of a secret that its client can have; `secretHash` becomes the newest one. */
export interface ResumeSession {
  readonly type: 'resume-session';
  readonly session: string;
  readonly proofHash: string;
  readonly secretHash: string;
}

/** The client was heard after a resume: the secret that it used for it is spent. */
export interface ConfirmSession {
  readonly type: 'confirm-session';
  readonly session: string;
  /** The hash that the confirmed resume installed. */
  readonly secretHash: string;
}

/** Why a session ended: said goodbye or closed; its socket dropped and it was not resumable; not heard in time; ended by an operator. */
export type SessionEndReason = 'closed' | 'dropped' | 'silent' | 'killed';

export interface EndSession {
  readonly type: 'end-session';
  readonly session: string;
  readonly reason: SessionEndReason;
}

export interface Acquire {
  readonly type: 'acquire';
  readonly session: string;
  readonly request: number;
  /** Endings up to this number are known to the client and may be forgotten. */
  readonly acked: number;
  readonly key: string;
  readonly mode: Mode;
  /** null: wait without limit; 0: try. */
  readonly waitMs: number | null;
  /** null: no lease. */
  readonly leaseMs: number | null;
  /** The client wants to be told its place. */
  readonly wantsPlace: boolean;
  readonly meta: Meta | null;
}

export interface Release {
  readonly type: 'release';
  readonly session: string;
  readonly request: number;
}

export interface Cancel {
  readonly type: 'cancel';
  readonly session: string;
  readonly request: number;
}

export interface Extend {
  readonly type: 'extend';
  readonly session: string;
  readonly request: number;
  /** From now; null: without limit. */
  readonly leaseMs: number | null;
}

/** Ends all holds of a key, or the one with `token`. */
export interface ForceRelease {
  readonly type: 'force-release';
  readonly key: string;
  readonly token: number | null;
  /** Who asked: session and call number, for the answer. */
  readonly session: string;
  readonly call: number;
  readonly reason: string;
}

export type Command =
  | BeginTerm
  | OpenSession
  | ResumeSession
  | ConfirmSession
  | EndSession
  | Acquire
  | Release
  | Cancel
  | Extend
  | ForceRelease;

/** One step of the log. Indices grow by one, terms never fall, `nowMs` (log time) never falls. */
export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly nowMs: number;
  readonly commands: readonly Command[];
}

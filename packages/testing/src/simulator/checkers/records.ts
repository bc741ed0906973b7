/** What the ledger remembers of sessions and requests, over the whole run: nothing is ever forgotten here. */
import type { Mode, SessionEndReason } from '@holdfast/core';

export interface RequestRecord {
  readonly session: string;
  readonly number: number;
  readonly key: string;
  readonly mode: Mode;
  readonly leaseMs: number | null;
  /** Order of arrival over all requests. */
  readonly ticket: number;
  state: 'waiting' | 'held' | 'ended';
  /** 0: it was never granted. */
  token: number;
  /** Log time at which its wait, or its lease, is over. */
  dueMs: number;
  /** Every lease end that this hold has had, in log time; null: none. */
  readonly leaseEnds: Set<number | null>;
  /** Every place, and every place with the length of the queue, that it has had. */
  readonly places: Set<string>;
  /** How it ended. */
  code: string | null;
  /** The number of its ending; 0: not remembered by the service. */
  end: number;
  /** When the end was durable, on the simulation's clock. */
  endedAtMs: number;
}

export interface SessionRecord {
  readonly id: string;
  /** The name that its client gave in its hello. */
  readonly client: string;
  readonly timeoutMs: number;
  readonly resumable: boolean;
  /** Hashes of the secrets that the client can have, oldest first. */
  secretHashes: string[];
  lastRequest: number;
  lastEnd: number;
  acked: number;
  /** Resumes that succeeded. */
  resumes: number;
  /** How it ended; null: it lives. */
  endReason: SessionEndReason | null;
  /** Live requests in order of arrival, and the endings that the service has to remember. */
  readonly requests: Map<number, RequestRecord>;
}

/** What one entry did to a key, in order. */
export interface Happening {
  readonly kind: 'queued' | 'granted' | 'ended';
  readonly request: RequestRecord;
}

/** One durable entry. */
export interface Step {
  readonly index: number;
  readonly happenings: readonly Happening[];
}

/** The holder was not asked and not waited for: it may believe, for a while, that it still holds. */
export function endedUnderTheHolder(request: RequestRecord, session: SessionRecord | undefined): boolean {
  if (request.code === 'REVOKED') return true;
  return request.code === 'SESSION_OVER' && (session?.endReason === 'dropped' || session?.endReason === 'killed');
}

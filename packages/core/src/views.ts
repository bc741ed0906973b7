/** What the rest of the server may read of the machine's state, between two calls of apply(). Nobody outside core writes it. */
import type { Meta, Mode } from './commands.js';

/** One request, waiting or holding. */
export interface RequestView {
  readonly number: number;
  readonly mode: Mode;
  readonly held: boolean;
  /** 0 while it waits. */
  readonly token: number;
  /** Log time at which its wait (waiting) or its lease (held) ends; NEVER: it does not. */
  readonly dueMs: number;
  /** Log time since which it waits (waiting) or holds (held). */
  readonly sinceMs: number;
  readonly wantsPlace: boolean;
  readonly meta: Meta | null;
  readonly keyState: KeyView;
  readonly sessionState: SessionView;
}

/** A key that is held or waited for. Idle keys do not exist. */
export interface KeyView {
  readonly name: string;
  readonly heldCount: number;
  readonly waitingCount: number;
  /** In order of grant. */
  holders(): Iterable<RequestView>;
  /** In order of the queue. */
  queue(): Iterable<RequestView>;
}

export interface SessionView {
  readonly id: string;
  readonly client: string;
  readonly timeoutMs: number;
  readonly resumable: boolean;
  /** The hash of the newest secret; null: the session is not resumable. */
  readonly secretHash: string | null;
  /** Hashes of older secrets that resume it as well, oldest first: the client was not heard with the newest one yet. null: none. */
  readonly olderHashes: readonly string[] | null;
  readonly sinceMs: number;
  /** Highest ending number that the client acknowledged. */
  readonly acked: number;
  /** Highest request number seen. */
  readonly lastRequest: number;
  readonly heldCount: number;
  readonly waitingCount: number;
  /** Live requests in order of arrival. */
  requests(): Iterable<RequestView>;
}

/**
 * The reading side of the machine.
 *
 * `apply` and `restore` are on the class `Machine`; this interface is what sessions, delivery and queries are given.
 */
export interface MachineView {
  /** Index, term and log time of the last applied entry; 0 before the first. */
  readonly index: number;
  readonly term: number;
  readonly nowMs: number;
  readonly sessionCount: number;
  readonly keyCount: number;
  readonly heldCount: number;
  readonly waitingCount: number;
  /** Log time of the earliest deadline; Infinity: none. O(1). */
  readonly nextDueMs: number;
  session(id: string): SessionView | undefined;
  sessions(): Iterable<SessionView>;
  request(session: string, request: number): RequestView | undefined;
  key(name: string): KeyView | undefined;
  /** In no order that means anything; may be iterated in slices while entries are applied: a key that lives throughout is seen exactly once. */
  keys(): IterableIterator<KeyView>;
  /** 1-based place of a waiting request, O(log n); 0 when it does not wait. */
  place(request: RequestView): number;
}

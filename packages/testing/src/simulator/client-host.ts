/** A client process: user code over the SDK. It begins, connects, works, may be stopped without a word, and may begin again with a new session. */
import type { Holdfast, Lock } from '@holdfast/client';
import type { Random } from './random.js';
import type { Asked, Got, LockState, Missed, Released, Releasing, Renewed, Wrote } from './trace.js';

type Said<Event> = Event extends unknown ? Omit<Event, 'atMs' | 'client'> : never;

/** What user code says of itself. The host adds when and who. */
export type UserEvent = Said<Asked | Got | Missed | Releasing | Released | LockState | Renewed | Wrote>;

/** What user code meets. All of it belongs to one life of the client process; nothing of it goes on when the process dies. */
export interface ClientHost {
  /** Number of the client, from 1; the same in all its lives. */
  readonly number: number;
  readonly keys: readonly string[];
  readonly random: Random;
  /** The client of the SDK, connected. Another one after `connect`. */
  readonly holdfast: Holdfast;
  /** Session time-out of all clients of this run. */
  readonly timeoutMs: number;
  /** Faults are over: user code may begin to end. */
  readonly isCalm: boolean;
  /** Resolves when faults are over. */
  readonly calm: Promise<void>;
  /** A number for the next `asked`, unique in the run. */
  nextAsk(): number;
  /** The monotonic clock of this process. */
  nowMs(): number;
  /** On the clock of this process. */
  sleep(waitMs: number): Promise<void>;
  /** Connects anew, with a new session, and goes on until that has worked: for after `holdfast.close()`, or when the client closed by itself. */
  connect(): Promise<Holdfast>;
  emit(event: UserEvent): void;
  /**
   * User code was given this lock: emits `got`, and every state of the lock from now on as `lock-state`. From here on it is among the locks in hand,
   * until its state is `lost` or `released`, or its release has resolved.
   */
  took(ask: number, lock: Lock): void;
}

/** User code of one client. Resolves when it has nothing more to do, which is some time after calm; what it throws ends the run as a failure. */
export type Workload = (host: ClientHost) => Promise<void>;

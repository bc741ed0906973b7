/** What a caller holds. */
import { MODE_SHARED } from '@holdfast/protocol';
import type { Duration } from './duration.js';
import { parseDurationMs } from './duration.js';
import type { LockLostError } from './errors.js';
import type { Report } from './listeners.js';
import { Listeners } from './listeners.js';
import type { LockMode } from './options.js';
import type { Handle, Request } from './requests.js';

/**
 * `held`: this program may act · `jeopardy`: the connection is gone, the deadline is not reached; the lock comes back
 * to `held` or goes to `lost` · `lost`: the service may have granted it to somebody else, for good · `released`.
 */
export type LockState = 'held' | 'jeopardy' | 'lost' | 'released';

export interface Lock extends AsyncDisposable {
  readonly key: string;
  readonly mode: LockMode;
  /** The fencing token: it grows with every grant of the service. Give it to what the lock protects, and let that refuse lower ones. */
  readonly token: number;
  /** Computed from the clock at the call, as `isHeld` and `validForMs` are: timers are late after pauses. */
  readonly state: LockState;
  /** Why it was lost; null unless `state` is `lost`. */
  readonly reason: LockLostError | null;
  /** Aborts when the lock is lost, with its LockLostError as reason. Not aborted by a release. `aborted` asks the clock. */
  readonly signal: AbortSignal;
  /** `held` or `jeopardy`. */
  isHeld(): boolean;
  /** How long this lock is certain to stay held if nothing more is heard from the service; 0 when it is not held. An underestimate. */
  validForMs(): number;
  /** Calls `listener` with each new state; returns what takes it away. */
  on(event: 'state', listener: (state: LockState) => void): () => void;
  /**
   * The lease now ends this long after the service handles it; without an argument it has no limit any more.
   * While it has no answer, the shorter of both leases counts.
   *
   * @throws LockLostError when the lock is lost; HoldfastError `RELEASED` when it was released.
   */
  extend(lease?: Duration): Promise<void>;
  /** Resolves when the service has confirmed it, or when the lock is lost or known to be over anyway. May be called again. */
  release(): Promise<void>;
}

/** What a lock asks of the session that holds it. */
export interface LockHost {
  readonly report: Report;
  readonly isOpen: boolean;
  /** Looks at the clocks; a hold whose time is over is lost when this returns. */
  check(request: Request<HeldLock>): void;
  validForMs(request: Request<HeldLock>): number;
  extend(request: Request<HeldLock>, leaseMs: number | null): Promise<void>;
  release(request: Request<HeldLock>): Promise<void>;
}

export class HeldLock implements Lock, Handle {
  readonly #host: LockHost;
  readonly #request: Request<HeldLock>;
  #reason: LockLostError | null = null;
  #controller: AbortController | null = null;
  #listeners: Listeners<LockState> | null = null;

  constructor(host: LockHost, request: Request<HeldLock>) {
    this.#host = host;
    this.#request = request;
  }

  get key(): string {
    return this.#request.key;
  }

  get mode(): LockMode {
    return this.#request.mode === MODE_SHARED ? 'shared' : 'exclusive';
  }

  get token(): number {
    return this.#request.token;
  }

  get state(): LockState {
    this.#look();
    return this.#state();
  }

  get reason(): LockLostError | null {
    this.#look();
    return this.#reason;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      this.#askTheClock(this.#controller.signal);
      this.#look();
      if (this.#reason !== null) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  isHeld(): boolean {
    this.#look();
    return this.#request.phase === 'held';
  }

  validForMs(): number {
    this.#look();
    return this.#request.phase === 'held' ? this.#host.validForMs(this.#request) : 0;
  }

  on(_event: 'state', listener: (state: LockState) => void): () => void {
    this.#listeners ??= new Listeners(this.#host.report);
    return this.#listeners.add(listener);
  }

  async extend(lease?: Duration): Promise<void> {
    const leaseMs = lease === undefined ? null : parseDurationMs(lease, 'lease', 1);
    this.#look();
    if (this.#reason !== null) throw this.#reason;
    await this.#host.extend(this.#request, leaseMs);
  }

  release(): Promise<void> {
    this.#look();
    return this.#host.release(this.#request);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** For the session: the hold is lost. */
  lost(error: LockLostError): void {
    this.#reason = error;
    this.#controller?.abort(error);
    this.changed();
  }

  /** For the session: `state` has a new value. */
  changed(): void {
    this.#listeners?.emit(this.#state());
  }

  #look(): void {
    if (this.#request.phase === 'held') this.#host.check(this.#request);
  }

  #state(): LockState {
    if (this.#reason !== null) return 'lost';
    if (this.#request.phase !== 'held') return 'released';
    return this.#host.isOpen ? 'held' : 'jeopardy';
  }

  /**
   * After a pause, code that goes on from an await may run before our timer. So reading the signal looks at the clock
   * first: own properties, because those of the prototype only know what an abort has told them.
   */
  #askTheClock(signal: AbortSignal): void {
    Object.defineProperties(signal, {
      aborted: {
        get: () => {
          this.#look();
          return Reflect.get(AbortSignal.prototype, 'aborted', signal);
        },
      },
      throwIfAborted: {
        value: () => {
          this.#look();
          if (this.#reason !== null) throw this.#reason;
        },
      },
    });
  }
}

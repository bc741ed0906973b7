/** User code with one lock at a time: asks, works while it is held, gives it back, and says in the trace what it sees. */
import type { AcquireOptions, Lock } from '@holdfast/client';
import type { ClientHost } from '../client-host.js';
import type { Plan } from './plan.js';

/** The SDK's errors carry a code; anything else is a fault and ends the run. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  if (error === ABORTED) return 'ABORTED';
  throw error;
}

const ABORTED = new Error('user code gave the wait up');

const CALM_PAUSE_MAX_MS = 40;

/** What the calls of one client process share. */
export class User {
  readonly #host: ClientHost;
  /** Under way while one of the lanes connects anew. */
  #connecting: Promise<unknown> | null = null;
  /** The program closes its client: locks go without releases. */
  #isClosing = false;

  constructor(host: ClientHost) {
    this.#host = host;
  }

  /** Resolves when there is a client that is not closed. */
  async connected(): Promise<void> {
    while (this.#isClosing || this.#host.holdfast.state === 'closed') {
      this.#connecting ??= this.#connect();
      await this.#connecting;
    }
  }

  /** Ends the session with all that it holds and waits for, and begins another one. */
  async reconnect(): Promise<void> {
    if (this.#connecting !== null) return;
    this.#isClosing = true;
    await this.connected();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#host.holdfast.close();
  }

  /** Asks for a lock, works under it and gives it back. Resolves when all of that is over, however it went. */
  async run(plan: Plan): Promise<void> {
    await this.connected();
    const ask = this.#host.nextAsk();
    const lock = await this.#ask(ask, plan);
    if (lock === null) return;
    this.#host.took(ask, lock);
    await this.#work(lock, plan);
    if (!plan.forgetsRelease) await this.#release(ask, lock);
  }

  async #connect(): Promise<void> {
    // What is closed already is not closed once more.
    await this.#host.holdfast.close();
    this.#host.emit({ type: 'client-renewed' });
    await this.#host.connect();
    this.#isClosing = false;
    this.#connecting = null;
  }

  async #ask(ask: number, plan: Plan): Promise<Lock | null> {
    const { holdfast } = this.#host;
    const { key, mode, waitMs, leaseMs, wantsPlace, noteBytes, abortAfterMs } = plan;
    const controller = new AbortController();
    const options: AcquireOptions = {
      mode,
      signal: controller.signal,
      ...(leaseMs === null ? {} : { lease: leaseMs }),
      ...(waitMs === null ? {} : { wait: waitMs }),
      ...(noteBytes === 0 ? {} : { meta: { why: 'x'.repeat(noteBytes) } }),
      ...(wantsPlace ? { onPlace: () => undefined } : {}),
    };
    this.#host.emit({ type: 'asked', ask, key, mode, waitMs, leaseMs });
    if (abortAfterMs !== null) void this.#host.sleep(abortAfterMs).then(() => controller.abort(ABORTED));
    try {
      const lock = waitMs === 0 ? await holdfast.tryAcquire(key, options) : await holdfast.acquire(key, options);
      if (lock === null) this.#host.emit({ type: 'missed', ask, code: null });
      return lock;
    } catch (error) {
      this.#host.emit({ type: 'missed', ask, code: codeOf(error) });
      return null;
    }
  }

  async #work(lock: Lock, { steps, leaseMs }: Plan): Promise<void> {
    for (const { waitMs, extendMs } of steps) {
      await this.#pause(waitMs);
      if (!lock.isHeld()) return;
      // Holders that share would be refused by the token of another one that is as right as they are.
      if (lock.mode === 'exclusive') this.#host.emit({ type: 'wrote', key: lock.key, token: lock.token });
      if (leaseMs !== null && extendMs !== null) await lock.extend(extendMs).catch(codeOf);
    }
  }

  /** A long hold is cut short by the end of faults, so that a run ends. */
  async #pause(waitMs: number): Promise<void> {
    const { isCalm, calm } = this.#host;
    if (isCalm) await this.#host.sleep(Math.min(waitMs, CALM_PAUSE_MAX_MS));
    else await Promise.race([this.#host.sleep(waitMs), calm]);
  }

  async #release(ask: number, lock: Lock): Promise<void> {
    const { token } = lock;
    const validForMs = lock.validForMs();
    // A release of what is lost says nothing, and must do no harm.
    const isHeld = lock.isHeld();
    if (isHeld) this.#host.emit({ type: 'releasing', ask, token, validForMs });
    try {
      await lock.release();
    } catch (error) {
      codeOf(error);
      return;
    }
    if (isHeld && !this.#isClosing) this.#host.emit({ type: 'released', ask, token });
  }
}

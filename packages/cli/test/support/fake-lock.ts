import type { GuardedLock, LockState, Loss } from '../../src/run/guard.js';

/** A lock whose validity and state the test decides. */
export class FakeLock implements GuardedLock {
  readonly key = 'nightly';
  readonly token = 42;
  state: LockState = 'held';
  releases = 0;
  /** Milliseconds left at each moment; the default is a healthy session. */
  validity: () => number = () => 3_600_000;
  /** Called by release(), to look at the world at that moment. */
  onRelease: () => void = () => undefined;
  reason = '';
  readonly #listeners = new Set<(state: LockState) => void>();

  validForMs(): number {
    return this.state === 'held' || this.state === 'jeopardy' ? Math.max(0, this.validity()) : 0;
  }

  loss(): Loss | null {
    return this.state === 'lost' ? { code: 'REVOKED', text: this.reason } : null;
  }

  onState(call: (state: LockState) => void): () => void {
    this.#listeners.add(call);
    return () => {
      this.#listeners.delete(call);
    };
  }

  get listening(): number {
    return this.#listeners.size;
  }

  become(state: LockState, reason = ''): void {
    this.state = state;
    this.reason = reason;
    for (const listener of this.#listeners) listener(state);
  }

  release(): Promise<void> {
    this.onRelease();
    this.releases += 1;
    return Promise.resolve();
  }
}

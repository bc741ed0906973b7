/** What the pages of browser.test.ts run: the SDK as an application bundles it, and a handle for the test. */
import { type Holdfast, type Lock, connect } from '@holdfast/client';

export interface LockFacts {
  readonly state: string;
  readonly isHeld: boolean;
  readonly aborted: boolean;
  /** Why the lock was lost; null when it was not. */
  readonly why: string | null;
  /** What the `abort` event of the signal gave as its reason; null when it did not fire. */
  readonly heard: string | null;
  /** The states that the lock told its listener. */
  readonly states: readonly string[];
  readonly validForMs: number;
}

export interface PageApi {
  /** Resolves with the id of the session. */
  open(url: string, timeoutMs: number): Promise<string>;
  session(): string;
  /** Resolves with the token. */
  acquire(key: string): Promise<number>;
  release(key: string): Promise<void>;
  look(key: string): LockFacts;
}

declare global {
  interface Window {
    readonly holdfastPage: PageApi;
  }
}

interface Held {
  readonly lock: Lock;
  readonly states: string[];
  heard: string | null;
}

let client: Holdfast | null = null;
const locks = new Map<string, Held>();

function opened(): Holdfast {
  if (client === null) throw new Error('the page is not connected');
  return client;
}

function held(key: string): Held {
  const found = locks.get(key);
  if (found === undefined) throw new Error(`the page never held ${key}`);
  return found;
}

const api: PageApi = {
  async open(url, timeoutMs) {
    client = await connect(url, { timeout: timeoutMs, name: 'a page', connectTimeout: 3_000 });
    return client.session;
  },
  session: () => opened().session,
  async acquire(key) {
    const lock = await opened().acquire(key);
    const entry: Held = { lock, states: [], heard: null };
    lock.on('state', (state) => entry.states.push(state));
    lock.signal.addEventListener('abort', () => {
      entry.heard = String(lock.signal.reason);
    });
    locks.set(key, entry);
    return lock.token;
  },
  release: (key) => held(key).lock.release(),
  look(key) {
    const { lock, states, heard } = held(key);
    return {
      state: lock.state,
      isHeld: lock.isHeld(),
      aborted: lock.signal.aborted,
      why: lock.reason?.why ?? null,
      heard,
      states,
      validForMs: lock.validForMs(),
    };
  },
};

Object.defineProperty(window, 'holdfastPage', { value: api });

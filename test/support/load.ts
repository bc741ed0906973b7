/** Clients that acquire, hold and release the same few keys for as long as they may, and see for themselves that they are alone. */
import { type Holdfast, type Lock, connect } from '@holdfast/client';
import type { Call, History } from './history.js';
import type { Random } from './random.js';

/** Longer than a whole run's outages one after the other: nothing may expire. */
const TIMEOUT = '60s';

/** Where all who work stop, between two steps of theirs, while it is closed. */
export class Gate {
  #open: Promise<void> = Promise.resolve();
  #raise: () => void = () => undefined;
  isClosed = false;

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#open = new Promise((resolve) => {
      this.#raise = resolve;
    });
  }

  open(): void {
    this.isClosed = false;
    this.#raise();
  }

  pass(): Promise<void> {
    return this.#open;
  }
}

/** What the locks protect: it knows who is in, and the highest token it has seen. */
export class Register {
  readonly #inside = new Map<string, Lock>();
  readonly #highest = new Map<string, number>();

  holder(key: string): Lock | undefined {
    return this.#inside.get(key);
  }

  /** Every hold that a caller has in hand. */
  get locks(): readonly Lock[] {
    return [...this.#inside.values()];
  }

  enter(lock: Lock): void {
    const { key, token } = lock;
    const other = this.#inside.get(key);
    if (other !== undefined) throw new Error(`${key} was given with ${token} while ${other.token} has it`);
    this.#inside.set(key, lock);
    this.write(lock);
  }

  /** As a resource with fencing does it: no lower token than the highest. */
  write({ key, token }: Lock): void {
    const highest = this.#highest.get(key) ?? 0;
    if (token < highest) throw new Error(`${key}: a write with ${token} after one with ${highest}`);
    this.#highest.set(key, token);
  }

  leave({ key, token }: Lock): void {
    if (this.#inside.get(key)?.token !== token) throw new Error(`${key} was not in the hands of ${token}`);
    this.#inside.delete(key);
  }
}

export interface World {
  readonly history: History;
  readonly register: Register;
  readonly gate: Gate;
  readonly keys: readonly string[];
  readonly random: Random;
}

/** One session, and how it and its locks fared. */
export class LoadClient {
  readonly holdfast: Holdfast;
  readonly session: string;
  /** States of locks other than those that come by themselves with a lost connection and with a release. */
  readonly surprises: string[] = [];
  resumes = 0;
  readonly #world: World;
  #stops = false;

  static async connect(url: string, name: string, world: World): Promise<LoadClient> {
    return new LoadClient(await connect(url, { name, timeout: TIMEOUT }), world);
  }

  constructor(holdfast: Holdfast, world: World) {
    this.holdfast = holdfast;
    this.session = holdfast.session;
    this.#world = world;
    holdfast.on('session', (session) => this.surprises.push(`the session became ${session}`));
    holdfast.on('state', (state) => {
      if (state === 'connected') this.resumes += 1;
      if (state === 'closed' && !this.#stops) this.surprises.push('the client was closed');
    });
  }

  /** After it `work` ends with its present turn. */
  stop(): void {
    this.#stops = true;
  }

  /** One call, kept in the history. */
  async acquire(key: string, signal?: AbortSignal): Promise<Lock> {
    const { history, register } = this.#world;
    const call = history.begin(this.session, key, 'acquire');
    try {
      const lock = await this.holdfast.acquire(key, {
        meta: { call: call.id },
        ...(signal === undefined ? {} : { signal }),
      });
      history.end(call, 'ok', lock.token);
      this.#hold(call, lock);
      register.enter(lock);
      return lock;
    } catch (error) {
      this.#failed(call, error);
      throw error;
    }
  }

  async release(lock: Lock): Promise<void> {
    const { history, register } = this.#world;
    const id = this.#calls.get(lock);
    if (id === undefined) throw new Error(`${lock.key} is not ours`);
    // Out of it before the service is asked to give it to somebody else.
    register.leave(lock);
    const call = history.begin(this.session, lock.key, 'release', id);
    await lock.release();
    history.end(call, 'ok', lock.token);
  }

  readonly #calls = new Map<Lock, string>();

  /** Turns of acquire, hold, write and release until it is stopped. Some give up waiting, some only try. */
  async work(): Promise<void> {
    const { gate, keys, random, register } = this.#world;
    while (!this.#stops) {
      await gate.pass();
      const lock = await this.#get(random.pick(keys));
      if (lock !== null) {
        for (let turns = random.below(4); turns > 0; turns--) await turn();
        await gate.pass();
        register.write(lock);
        if (!lock.isHeld()) this.surprises.push(`${lock.key} is ${lock.state}: ${String(lock.reason)}`);
        await this.release(lock);
        this.#calls.delete(lock);
      }
      await turn();
    }
  }

  async #get(key: string): Promise<Lock | null> {
    const { random } = this.#world;
    const drawn = random.below(10);
    if (drawn === 0) return this.#try(key);
    if (drawn > 1) return this.acquire(key);
    const controller = new AbortController();
    const acquired = this.acquire(key, controller.signal);
    void turn().then(() => controller.abort(GIVEN_UP));
    return acquired.catch(() => null);
  }

  async #try(key: string): Promise<Lock | null> {
    const { history, register } = this.#world;
    const call = history.begin(this.session, key, 'acquire');
    try {
      const lock = await this.holdfast.tryAcquire(key, { meta: { call: call.id } });
      if (lock === null) {
        history.end(call, 'failed');
        return null;
      }
      history.end(call, 'ok', lock.token);
      this.#hold(call, lock);
      register.enter(lock);
      return lock;
    } catch (error) {
      this.#failed(call, error);
      return null;
    }
  }

  #hold(call: Call, lock: Lock): void {
    this.#calls.set(lock, call.id);
    lock.on('state', (state) => {
      if (state === 'lost') this.surprises.push(`${lock.key} with ${lock.token} was lost: ${String(lock.reason)}`);
    });
  }

  #failed(call: Call, error: unknown): void {
    if (call.outcome !== null) return;
    // Whoever gives up waiting does not hear whether the grant was on its way.
    this.#world.history.end(call, 'unknown');
    if (error !== GIVEN_UP) this.surprises.push(`an acquire of ${call.key} failed: ${String(error)}`);
  }
}

const GIVEN_UP = new Error('given up');

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

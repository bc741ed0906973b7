/** A client, its clock, and a service that is played by the test. */
import type { ServerMessage, WelcomeFacts } from '@holdfast/protocol';
import type { Holdfast } from '../../src/client.js';
import { createClient } from '../../src/create.js';
import type { Lock } from '../../src/lock.js';
import type { AcquireOptions, ConnectOptions } from '../../src/options.js';
import type { FakeSocket } from './fake-socket.js';
import { FakeNetwork } from './fake-socket.js';
import { VirtualClock, settle } from './virtual-clock.js';

export const T = 5_000;
/** How long a lock is safe after what the service was last known to have heard: T less its margin of a fiftieth. */
export const FIRST_DEADLINE_MS = T - T / 50;
/** Server time and client time differ by this: the service heard what the client sends at once. */
export const SERVER_AHEAD_MS = 700_000;
export const SECRET = new Uint8Array(16).fill(7);
export const NEXT_SECRET = new Uint8Array(16).fill(8);

export interface ScenarioOptions extends ConnectOptions {
  readonly urls?: string | readonly string[];
  readonly seesPings?: boolean;
  readonly welcome?: Partial<WelcomeFacts>;
  readonly random?: () => number;
}

export class Scenario {
  readonly clock = new VirtualClock();
  readonly network = new FakeNetwork(this.clock);
  /** What listeners threw. */
  readonly reports: unknown[] = [];
  #client: Holdfast | null = null;
  /** Numbers of the last ping, and of the last that was named as heard. */
  #ping = 0;

  get client(): Holdfast {
    if (this.#client === null) throw new Error('not connected yet');
    return this.#client;
  }

  get socket(): FakeSocket {
    return this.network.latest;
  }

  get serverMs(): number {
    return this.clock.nowMs() + SERVER_AHEAD_MS;
  }

  begin({
    urls = 'ws://one:7420',
    seesPings = true,
    welcome: _,
    random = () => 0,
    ...options
  }: ScenarioOptions = {}): Promise<Holdfast> {
    this.network.seesPings = seesPings;
    const { clock } = this;
    return createClient({
      clock,
      random,
      dial: this.network.dial,
      urls,
      options,
      report: (error) => this.reports.push(error),
    });
  }

  welcome(facts: Partial<WelcomeFacts> = {}): ServerMessage {
    return [
      64,
      {
        session: 's1',
        secret: SECRET,
        resumed: false,
        timeoutMs: T,
        pingMs: Math.floor(T / 3),
        serverMs: Math.floor(this.serverMs),
        acked: 0,
        lastRequest: 0,
        node: 'n1',
        term: 1,
        features: ['locks', 'places', 'watch', 'query', 'beats', 'force'],
        limits: { requests: 4_096, watches: 64, keyBytes: 1_024, frameBytes: 65_536 },
        ...facts,
      },
    ];
  }

  /** A ping of the service, which has heard the pong of the one before it. */
  ping(socket: FakeSocket = this.socket): void {
    socket.ping(this.#ping + 1, this.#ping, Math.floor(this.serverMs));
    this.#ping++;
  }

  /** Answers the probes among these messages, heard now. */
  answerProbes(socket: FakeSocket = this.socket): void {
    for (const message of socket.take()) {
      if (message[0] === 9) socket.say([74, message[1], Math.floor(this.serverMs)]);
    }
  }

  /** A healthy service for this long: pings three times in T, probes are answered at once. */
  async live(ms: number): Promise<void> {
    const endMs = this.clock.nowMs() + ms;
    while (this.clock.nowMs() < endMs) {
      await this.clock.advance(Math.min(T / 3, endMs - this.clock.nowMs()));
      this.ping();
      await settle();
      this.answerProbes();
      await settle();
    }
  }

  /** Acquires with the next number, which the service grants at once. */
  async hold(key: string, token: number, options?: AcquireOptions & { leaseEndMs?: number }): Promise<Lock> {
    const { leaseEndMs, ...rest } = options ?? {};
    const promise = this.client.acquire(key, rest);
    await settle();
    const acquire = this.socket.take().find((message) => message[0] === 2);
    if (acquire?.[0] !== 2) throw new Error('no acquire was sent');
    this.socket.say([66, acquire[1], token, leaseEndMs ?? null]);
    return promise;
  }

  /** The latest connection breaks and the next one is dialled and opened; its hello is returned. */
  async breakAndRedial(): Promise<FakeSocket> {
    this.socket.drop();
    await this.redial();
    return this.socket;
  }

  async redial(): Promise<void> {
    const before = this.network.sockets.length;
    await this.clock.advance(100);
    if (this.network.sockets.length !== before + 1) throw new Error('expected one dial');
    this.#ping = 0;
    this.socket.open();
    await settle();
  }

  async connected(options: ScenarioOptions = {}): Promise<this> {
    const promise = this.begin(options);
    await settle();
    this.socket.open();
    this.socket.say(this.welcome(options.welcome));
    this.#client = await promise;
    this.socket.take();
    return this;
  }
}

export function scenario(options?: ScenarioOptions): Promise<Scenario> {
  return new Scenario().connected(options);
}

/** What became of a promise so far: 'pending', or its value, or its error. */
export async function peek<V>(promise: Promise<V>): Promise<V | Error | 'pending'> {
  const outcome = promise.catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
  await settle();
  const later = settle().then(() => 'pending' as const);
  return Promise.race([outcome, later]);
}

/** For a promise that is looked at later, and may have rejected by then. */
export function quiet<V>(promise: Promise<V>): Promise<V> {
  promise.catch(() => undefined);
  return promise;
}

/** As a caller without types sees it. */
interface Untyped {
  acquire(...args: readonly unknown[]): Promise<unknown>;
  withLock(...args: readonly unknown[]): Promise<unknown>;
  on(...args: readonly unknown[]): unknown;
}

export function untyped(client: Holdfast): Untyped {
  return client;
}

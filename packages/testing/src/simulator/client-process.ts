/** The machine of one client: one life after another of a process in which user code runs over the real SDK. */
import type { Holdfast, Lock } from '@holdfast/client';
import { createClient } from '@holdfast/client/internal';
import type { ClientHost, UserEvent, Workload } from './client-host.js';
import type { Network } from './network.js';
import { SimulatedProcess } from './process.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';
import type { LockInHand, TraceEvent } from './trace.js';

export interface ClientOptions {
  readonly number: number;
  /** How fast its clocks go. */
  readonly rate: number;
  readonly timersFirst: boolean;
  /** Wall clock at the start of the run, Unix milliseconds. */
  readonly wallMs: number;
  readonly resumable: boolean;
  /** false: as in a browser, whose page code never sees a ping. */
  readonly seesPings: boolean;
}

/** What all clients of a run share. */
export interface ClientParts {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly keys: readonly string[];
  readonly timeoutMs: number;
  readonly workload: Workload;
  readonly nextAsk: () => number;
  readonly emit: (event: TraceEvent) => void;
  /** The run is over: this must not happen. */
  readonly fail: (error: unknown) => void;
}

const RESTART_MS_MIN = 50;
const RESTART_MS_MAX = 4_000;
/** Before the next try when a first connect failed. */
const RETRY_MS = 100;

export class ClientMachine {
  readonly #parts: ClientParts;
  readonly #options: ClientOptions;
  readonly #random: Random;
  #lives = 0;
  #life: ClientLife | null = null;
  #wallJumpMs = 0;
  #isCalm = false;
  #isDone = false;

  constructor(parts: ClientParts, options: ClientOptions, random: Random) {
    this.#parts = parts;
    this.#options = options;
    this.#random = random;
  }

  get number(): number {
    return this.#options.number;
  }

  /** Its user code has come to its end. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** null while there is none. */
  get process(): SimulatedProcess | null {
    return this.#life?.process ?? null;
  }

  /** Of the life that is. */
  locks(): Iterable<LockInHand> {
    return this.#life?.locks.values() ?? [];
  }

  start(): void {
    const { scheduler, emit } = this.#parts;
    const { number, rate, timersFirst, wallMs } = this.#options;
    this.#lives += 1;
    const random = this.#random.fork(`life ${this.#lives}`);
    const process = new SimulatedProcess(scheduler, {
      rate,
      timersFirst,
      wallMs: wallMs + scheduler.nowMs + this.#wallJumpMs,
      tickPhase: random.next(),
    });
    const life = new ClientLife(this.#parts, this.#options, process, random);
    this.#life = life;
    emit({ type: 'client-started', atMs: scheduler.nowMs, client: number });
    if (this.#isCalm) life.beCalm();
    process.deliver(() => void this.#live(life));
  }

  /** The process dies, or with `power` its machine: then nobody is told. It starts again after a while. */
  kill(power: boolean): void {
    const life = this.#life;
    if (life === null) return;
    const { scheduler, network, emit } = this.#parts;
    life.process.kill();
    this.#life = null;
    if (power) for (const connection of network.connectionsOf(life.process)) network.silence(connection);
    else network.clientDied(life.process);
    emit({ type: 'client-stopped', atMs: scheduler.nowMs, client: this.number });
    scheduler.after(this.#random.between(RESTART_MS_MIN, RESTART_MS_MAX), () => this.start());
  }

  jumpWall(byMs: number): void {
    this.#wallJumpMs += byMs;
    this.#life?.process.jumpWall(byMs);
    this.#clockSet();
  }

  suspend(forMs: number): void {
    // Said before the process goes on, because from then on its program may notice.
    this.#life?.process.suspend(forMs, () => this.#clockSet());
  }

  beCalm(): void {
    this.#isCalm = true;
    this.#life?.beCalm();
  }

  async #live(life: ClientLife): Promise<void> {
    try {
      await life.connect();
      await this.#parts.workload(life);
    } catch (error) {
      if (!life.process.isDead) this.#parts.fail(error);
      return;
    }
    if (life.process.isDead) return;
    life.process.kill();
    this.#parts.network.clientDied(life.process);
    this.#life = null;
    this.#isDone = true;
  }

  #clockSet(): void {
    this.#parts.emit({ type: 'clock-set', atMs: this.#parts.scheduler.nowMs, client: this.number });
  }
}

/** One life of the process, and what user code in it meets. */
class ClientLife implements ClientHost {
  readonly number: number;
  readonly keys: readonly string[];
  readonly random: Random;
  readonly timeoutMs: number;
  readonly calm: Promise<void>;
  readonly process: SimulatedProcess;
  /** Locks that were given to user code and are not known to have ended, by ask. */
  readonly locks = new Map<number, LockInHand>();
  readonly #parts: ClientParts;
  readonly #options: ClientOptions;
  readonly #chance: Random;
  #holdfast: Holdfast | null = null;
  #isCalm = false;
  #calmed: () => void = () => undefined;

  constructor(parts: ClientParts, options: ClientOptions, process: SimulatedProcess, random: Random) {
    this.#parts = parts;
    this.#options = options;
    this.process = process;
    this.number = options.number;
    this.keys = parts.keys;
    this.timeoutMs = parts.timeoutMs;
    this.random = random.fork('user');
    this.#chance = random.fork('sdk');
    this.calm = new Promise((resolve) => {
      this.#calmed = resolve;
    });
  }

  get holdfast(): Holdfast {
    if (this.#holdfast === null) throw new Error('user code runs before its client is connected');
    return this.#holdfast;
  }

  get isCalm(): boolean {
    return this.#isCalm;
  }

  beCalm(): void {
    this.process.deliver(() => {
      this.#isCalm = true;
      this.#calmed();
    });
  }

  nextAsk(): number {
    return this.#parts.nextAsk();
  }

  nowMs(): number {
    return this.process.nowMs();
  }

  sleep(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.process.setTimer(waitMs, resolve);
    });
  }

  async connect(): Promise<Holdfast> {
    for (;;) {
      try {
        this.#holdfast = await createClient({
          clock: this.process,
          random: () => this.#chance.next(),
          dial: this.#parts.network.dialer(this.process, this.#options.seesPings),
          urls: 'ws://holdfast.example:7420',
          options: {
            name: `client ${this.number}`,
            timeout: this.timeoutMs,
            resumable: this.#options.resumable,
          },
          report: this.#parts.fail,
        });
        return this.#holdfast;
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'ConnectionError') throw error;
        await this.sleep(RETRY_MS);
      }
    }
  }

  emit(event: UserEvent): void {
    if (this.process.isDead) return;
    if (event.type === 'released' || (event.type === 'lock-state' && isOver(event.state))) this.locks.delete(event.ask);
    this.#parts.emit({ ...event, atMs: this.#parts.scheduler.nowMs, client: this.number });
  }

  took(ask: number, lock: Lock): void {
    const { key, mode, token } = lock;
    const { session } = this.holdfast;
    const isHeld = (): boolean => this.process.isRunning && lock.isHeld();
    lock.on('state', (state) => this.emit({ type: 'lock-state', ask, token, state, why: lock.reason?.why ?? null }));
    this.locks.set(ask, { client: this.number, ask, key, mode, token, session, isHeld });
    this.emit({ type: 'got', ask, key, token, session });
  }
}

function isOver(state: string): boolean {
  return state === 'lost' || state === 'released';
}

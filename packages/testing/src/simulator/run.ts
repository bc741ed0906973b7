/** One simulated run: everything in it follows from its seed. */
import type { ServerMessage } from '@holdfast/protocol';
import { MessageType, decodeServerFrame } from '@holdfast/protocol';
import { createCheckers } from './checkers/all.js';
import type { Workload } from './client-host.js';
import { ClientMachine } from './client-process.js';
import { Counters } from './counters.js';
import { Faults } from './faults.js';
import { Network } from './network.js';
import { type Parameters, drawParameters } from './parameters.js';
import { Random } from './random.js';
import { Recorder } from './recorder.js';
import { Scheduler } from './scheduler.js';
import { ServerHost } from './server-host.js';
import type { Asked, Checker, LockInHand, TraceEvent, World } from './trace.js';
import { Violation } from './trace.js';
import { workload } from './workload/workload.js';

export interface RunOptions {
  /** Rules to hold the run against, new ones for each run. Default: all. */
  readonly checkers?: () => readonly Checker[];
  /** User code of the clients. Default: the one of workload/. */
  readonly workload?: Workload;
  /** Told the drawn parameters, before anything happens. */
  readonly onParameters?: (parameters: Parameters) => void;
  /** Shown every event of the trace. */
  readonly onEvent?: (event: TraceEvent) => void;
}

export interface RunViolation {
  /** The rule that was broken; `crash` for an error that nobody expected. */
  readonly checker: string;
  readonly message: string;
  /** The last events before it, oldest first. */
  readonly events: readonly TraceEvent[];
}

export interface RunResult {
  readonly seed: number;
  readonly parameters: Parameters;
  /** Events of the trace. */
  readonly events: number;
  /** Steps of the scheduler. */
  readonly steps: number;
  /** How much time passed in the simulation. */
  readonly simulatedMs: number;
  /** SHA-256 over all events of the trace, in hexadecimal. */
  readonly hash: string;
  readonly violation: RunViolation | null;
  /** By name; see Counters. */
  readonly counters: Readonly<Record<string, number>>;
}

/** User code has ended by then, counted from calm. */
const CONVERGENCE_MS = 90_000;
/** After the last client has ended, the run goes on for this long. */
const AFTERMATH_MS = 500;

export async function runSeed(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const random = new Random(`seed ${seed}`);
  const parameters = drawParameters(seed, random.fork('parameters'));
  options.onParameters?.(parameters);
  const simulation = new Simulation(parameters, random, options);
  // A rejection that nobody handles is an error of the product as much as one that is thrown.
  const fail = (error: unknown): void => simulation.fail(error);
  process.on('unhandledRejection', fail);
  try {
    return await simulation.run();
  } finally {
    process.off('unhandledRejection', fail);
  }
}

class Simulation implements World {
  readonly #parameters: Parameters;
  readonly #scheduler = new Scheduler();
  readonly #counters = new Counters();
  readonly #recorder: Recorder;
  readonly #server: ServerHost;
  readonly #clients: readonly ClientMachine[];
  readonly #faults: Faults;
  /** By the number of the connection: its session. */
  readonly #sessions = new Map<number, string>();
  readonly #pending = new Map<number, Asked>();
  #asks = 0;
  #violation: RunViolation | null = null;
  /** Nothing more counts: it has come to its end, or to a violation. */
  #isOver = false;

  constructor(parameters: Parameters, random: Random, options: RunOptions) {
    const scheduler = this.#scheduler;
    const counters = this.#counters;
    this.#parameters = parameters;
    const listeners = [this.#follow, counters.see, ...(options.onEvent === undefined ? [] : [options.onEvent])];
    this.#recorder = new Recorder(this, (options.checkers ?? createCheckers)(), listeners, this.fail);
    const { emit } = this;
    const network = new Network(scheduler, random.fork('network'), parameters.network, {
      said: (connection, bytes) => this.#said(connection, decodeServerFrame(bytes)),
      arrived: (connection) => this.#arrived(connection),
    });
    const server = { scheduler, random: random.fork('server'), network, options: parameters.server, counters, emit };
    this.#server = new ServerHost({ ...server, fail: this.fail });
    const shared = {
      scheduler,
      network,
      keys: parameters.keys,
      timeoutMs: parameters.timeoutMs,
      workload: options.workload ?? workload,
      nextAsk: () => {
        this.#asks += 1;
        return this.#asks;
      },
      emit,
      fail: this.fail,
    };
    this.#clients = parameters.clients.map(
      (client) => new ClientMachine(shared, client, random.fork(`client ${client.number}`)),
    );
    this.#faults = new Faults({
      scheduler,
      random: random.fork('faults'),
      parameters,
      server: this.#server,
      clients: this.#clients,
      network,
      emit,
    });
  }

  // ---- the world, as checkers see it --------------------------------------------------------------------------------------

  get nowMs(): number {
    return this.#scheduler.nowMs;
  }

  get timeoutMs(): number {
    return this.#parameters.timeoutMs;
  }

  *locksInHand(key: string): Iterable<LockInHand> {
    for (const client of this.#clients) {
      for (const lock of client.locks()) if (lock.key === key) yield lock;
    }
  }

  pendingAsks(): Iterable<Asked> {
    return this.#pending.values();
  }

  // ---- the run --------------------------------------------------------------------------------------------------------------

  async run(): Promise<RunResult> {
    const scheduler = this.#scheduler;
    this.#server.start();
    for (const client of this.#clients) client.start();
    this.#faults.start();
    scheduler.at(this.#parameters.faultsMs, () => this.#calm());
    try {
      await scheduler.run();
    } catch (error) {
      this.fail(error);
    }
    const { seed } = this.#parameters;
    return {
      seed,
      parameters: this.#parameters,
      events: this.#recorder.count,
      steps: scheduler.eventCount,
      simulatedMs: scheduler.nowMs,
      hash: this.#recorder.hash(),
      violation: this.#violation,
      counters: this.#counters.toObject(),
    };
  }

  /** The run ends with a violation, unless it has ended. */
  readonly fail = (error: unknown): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    const isViolation = error instanceof Violation;
    this.#violation = {
      checker: isViolation ? error.checker : 'crash',
      message: isViolation || !(error instanceof Error) ? String(error) : (error.stack ?? error.message),
      events: this.#recorder.latest,
    };
    this.#scheduler.stop();
  };

  readonly emit = (event: TraceEvent): void => {
    if (!this.#isOver) this.#recorder.emit(event);
  };

  #calm(): void {
    this.#faults.beCalm();
    this.emit({ type: 'calm', atMs: this.nowMs });
    for (const client of this.#clients) client.beCalm();
    this.#awaitEnd(this.nowMs + CONVERGENCE_MS);
  }

  #awaitEnd(untilMs: number): void {
    const busy = this.#clients.filter(({ isDone }) => !isDone);
    if (busy.length === 0) {
      this.#scheduler.after(AFTERMATH_MS, () => this.#finish());
    } else if (this.nowMs >= untilMs) {
      const who = busy.map(({ number }) => number).join(', ');
      const asks = [...this.#pending.keys()].join(', ');
      const message = `${CONVERGENCE_MS} ms after the last fault clients ${who} have not ended; asks without an answer: ${asks}`;
      this.fail(new Violation('convergence', message));
    } else {
      this.#scheduler.after(100, () => this.#awaitEnd(untilMs));
    }
  }

  #finish(): void {
    this.#recorder.finish();
    this.#isOver = true;
    this.#scheduler.stop();
  }

  // ---- what the trace needs to know -----------------------------------------------------------------------------------------

  readonly #follow = (event: TraceEvent): void => {
    switch (event.type) {
      case 'asked':
        this.#pending.set(event.ask, event);
        break;
      case 'got':
      case 'missed':
        this.#pending.delete(event.ask);
        break;
      case 'client-stopped':
        for (const asked of this.#pending.values()) {
          if (asked.client === event.client) this.#pending.delete(asked.ask);
        }
        break;
      default:
    }
  };

  #said(connection: number, messages: readonly ServerMessage[]): void {
    for (const message of messages) {
      if (message[0] === MessageType.welcome) this.#sessions.set(connection, message[1].session);
    }
    const session = this.#sessions.get(connection) ?? null;
    this.emit({ type: 'said', atMs: this.nowMs, life: this.#server.life, connection, session, messages });
  }

  #arrived(connection: number): void {
    const session = this.#sessions.get(connection) ?? null;
    this.emit({ type: 'arrived', atMs: this.nowMs, life: this.#server.life, connection, session });
  }
}

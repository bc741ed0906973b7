/** The machine of the server: one life of the server after another on one disk, each of them the product's own node and file engine. */
import type { Entry } from '@holdfast/core';
import {
  FileLog,
  type LogPort,
  type LogSnapshot,
  Node,
  type SavedSnapshot,
  machineLimits,
} from '@holdfast/server/internal';
import type { Counters } from './counters.js';
import { DiskPort } from './disk-port.js';
import { SimulatedDisk } from './disk.js';
import { DurableEntries } from './durable-entries.js';
import type { Network } from './network.js';
import { SimulatedProcess } from './process.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';
import { type TraceEvent, Violation } from './trace.js';

export interface ServerOptions {
  /** How fast its clocks go. */
  readonly rate: number;
  readonly timersFirst: boolean;
  /** Wall clock at the start of the run, Unix milliseconds. */
  readonly wallMs: number;
  readonly segmentBytes: number;
  /** How long the disk takes for a sync, at most, when it is not slower than usual. */
  readonly syncMsMax: number;
  readonly snapshotCommandsMin: number;
}

/** A disk operation at which the process dies, or its machine, before the operation has an effect. */
export interface DeadlyStep {
  /** The first is 1; only operations count that match. */
  readonly steps: number;
  /** A part of what the operation is called: `write wal-0000000000000001.log`, `sync directory`. */
  readonly matching: string;
  readonly power: boolean;
}

export interface ServerHostParts {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: Network;
  readonly options: ServerOptions;
  readonly counters: Counters;
  readonly emit: (event: TraceEvent) => void;
  /** The run is over: this must not happen. */
  readonly fail: (error: unknown) => void;
}

interface Life {
  readonly number: number;
  readonly process: SimulatedProcess;
  readonly node: Node;
  readonly log: LogPort;
  hasStarted: boolean;
  isEnding: boolean;
}

const RESTART_MS_MIN = 50;
const RESTART_MS_MAX = 4_000;
/** A server that was told to end has ended by then, whatever its disk does. */
const END_MS_MAX = 20_000;

export class ServerHost {
  readonly #parts: ServerHostParts;
  readonly disk: SimulatedDisk;
  readonly #durable = new DurableEntries();
  #lives = 0;
  #life: Life | null = null;
  #wallJumpMs = 0;
  /** The disk operation at which the process or the machine dies; null: none. */
  #deadly: DeadlyStep | null = null;
  #stepsLeft = 0;

  constructor(parts: ServerHostParts) {
    this.#parts = parts;
    this.disk = new SimulatedDisk(parts.random.fork('disk'), {
      durable: () => this.#look(),
      renamed: (to) => {
        if (to.endsWith('.snap')) parts.counters.add('snapshots taken');
      },
    });
  }

  /** The server's process; null while there is none. */
  get process(): SimulatedProcess | null {
    return this.#life?.process ?? null;
  }

  /** Number of the latest life. */
  get life(): number {
    return this.#lives;
  }

  /** It serves. */
  get isServing(): boolean {
    return this.#life?.hasStarted === true && !this.#life.isEnding;
  }

  start(): void {
    const { scheduler, random, network, options, counters, emit, fail } = this.#parts;
    this.#lives += 1;
    const number = this.#lives;
    const chance = random.fork(`life ${number}`);
    const process = new SimulatedProcess(scheduler, {
      rate: options.rate,
      wallMs: options.wallMs + scheduler.nowMs + this.#wallJumpMs,
      timersFirst: options.timersFirst,
      tickPhase: chance.next(),
    });
    const disk = new DiskPort({
      scheduler,
      random: chance.fork('disk'),
      disk: this.disk,
      process,
      syncMsMax: options.syncMsMax,
      step: (what) => this.#step(what),
    });
    const salts = chance.fork('salts');
    const file = new FileLog({
      disk,
      clock: process,
      fsync: 'always',
      segmentBytes: options.segmentBytes,
      salt: () => salts.bits(),
      note: (message) => counters.add(`noted: ${message}`),
    });
    const log = new TracedLog(file, counters, (entry) => {
      if (!process.isDead) emit({ type: 'appending', atMs: scheduler.nowMs, life: number, entry });
    });
    const identities = chance.fork('identities');
    const node = new Node({
      clock: process,
      random: (count) => identities.bytes(count),
      log,
      limits: machineLimits,
      version: 'simulated',
      snapshotCommandsMin: options.snapshotCommandsMin,
      stalled: () => counters.add('stalls noticed'),
      fault: fail,
      snapshotFailed: () => counters.add('snapshots failed'),
      fenced: () => {
        counters.add('fenced');
        void this.#end(life);
      },
    });
    node.name = `node ${number}`;
    const life: Life = { number, process, node, log, hasStarted: false, isEnding: false };
    this.#life = life;
    network.machineStarted();
    process.deliver(() => void this.#begin(life));
  }

  /** As the signal to end does: it drains, stops and ends. */
  stop(): void {
    const life = this.#life;
    if (life === null || !life.hasStarted || life.isEnding) return;
    life.process.deliver(() => void this.#end(life));
  }

  /** The process dies, or with `power` its machine. */
  kill(power: boolean): void {
    const life = this.#life;
    if (life === null) return;
    const { network, counters } = this.#parts;
    if ([...this.disk.files.keys()].some((name) => name.startsWith('snapshot-') && name.endsWith('.tmp'))) {
      counters.add('crashes during a snapshot');
    }
    this.#gone(life);
    if (power) {
      network.machineDied();
      this.#durable.forgetFiles();
      const { lost, kept } = this.disk.crash();
      if (lost > 0) counters.add('crashes that lost sectors');
      if (lost > 0 && kept > 0) counters.add('crashes that tore');
    } else {
      network.processDied(life.process);
    }
  }

  /** null: nobody dies at a disk operation any more. */
  killAtStep(deadly: DeadlyStep | null): void {
    this.#deadly = deadly;
    this.#stepsLeft = deadly?.steps ?? 0;
  }

  jumpWall(byMs: number): void {
    this.#wallJumpMs += byMs;
    this.#life?.process.jumpWall(byMs);
  }

  // ---- a life -----------------------------------------------------------------------------------------------------------------

  async #begin(life: Life): Promise<void> {
    const { scheduler, network, counters, emit, fail } = this.#parts;
    try {
      await life.node.start();
    } catch (error) {
      if (life.process.isDead) return;
      if (!isExcusable(error)) {
        fail(new Violation('recovery', `life ${life.number} cannot start: ${String(error)}`));
        return;
      }
      counters.add('starts that failed');
      this.#exit(life);
      return;
    }
    if (life.process.isDead || life.isEnding) return;
    life.hasStarted = true;
    emit({ type: 'server-started', atMs: scheduler.nowMs, life: life.number });
    network.listen(life.process, (socket) => life.node.accept(socket));
  }

  /** As server.ts: silence, then the sockets, then the log. */
  async #end(life: Life): Promise<void> {
    if (life.isEnding) return;
    life.isEnding = true;
    const { network, fail } = this.#parts;
    life.process.setTimer(END_MS_MAX, () => {
      fail(new Violation('shutdown', `life ${life.number} did not end within ${END_MS_MAX} ms`));
    });
    await life.node.drain(0);
    network.unlisten();
    life.node.stop();
    await network.whenClosed(life.process);
    try {
      await life.log.close();
    } catch (error) {
      if (!isExcusable(error)) fail(error);
    }
    this.#exit(life);
  }

  /** The process ends by itself. */
  #exit(life: Life): void {
    if (life.process.isDead) return;
    this.#gone(life);
    this.#parts.network.processDied(life.process);
  }

  #gone(life: Life): void {
    const { scheduler, random, emit } = this.#parts;
    life.process.kill();
    this.#life = null;
    this.#deadly = null;
    if (this.disk.owner === life.process) this.disk.owner = null;
    if (life.hasStarted) emit({ type: 'server-stopped', atMs: scheduler.nowMs, life: life.number });
    scheduler.after(random.between(RESTART_MS_MIN, RESTART_MS_MAX), () => this.start());
  }

  #step(what: string): void {
    const deadly = this.#deadly;
    if (deadly === null || !what.includes(deadly.matching)) return;
    this.#stepsLeft -= 1;
    if (this.#stepsLeft > 0) return;
    const { scheduler, emit } = this.#parts;
    const fault = deadly.power ? 'power-lost-at-step' : 'server-killed-at-step';
    emit({ type: 'fault', atMs: scheduler.nowMs, what: `${fault} of ${what}` });
    this.kill(deadly.power);
  }

  #look(): void {
    try {
      const entries = this.#durable.look(this.disk);
      if (entries.length > 0) this.#parts.emit({ type: 'durable', atMs: this.#parts.scheduler.nowMs, entries });
    } catch (error) {
      this.#parts.fail(error);
    }
  }
}

/** A disk that fails or is full is reason enough not to start; a log that cannot be trusted is not: no fault here damages what was durable. */
function isExcusable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'LogFailure' && 'kind' in error) return error.kind !== 'damaged' && error.kind !== 'truncated';
  return error.name === 'DiskFull' || error.message.startsWith('EIO');
}

/** The log as the node has it, watched. */
class TracedLog implements LogPort {
  readonly #log: LogPort;
  readonly #counters: Counters;
  readonly #appending: (entry: Entry) => void;

  constructor(log: LogPort, counters: Counters, appending: (entry: Entry) => void) {
    this.#log = log;
    this.#counters = counters;
    this.#appending = appending;
  }

  get supports(): LogPort['supports'] {
    return this.#log.supports;
  }

  open(): Promise<number> {
    return this.#log.open();
  }

  append(entry: Entry): Promise<void> {
    this.#appending(entry);
    return this.#log.append(entry);
  }

  read(index: number): AsyncIterable<Entry> {
    return this.#log.read(index);
  }

  saveSnapshot(snapshot: LogSnapshot): Promise<void> {
    return this.#log.saveSnapshot(snapshot);
  }

  async loadSnapshot(): Promise<SavedSnapshot | null> {
    const snapshot = await this.#log.loadSnapshot();
    if (snapshot !== null) this.#counters.add('snapshots loaded');
    return snapshot;
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

/** Places the faults that a seed has drawn, until calm: then everything that can heal heals at once. */
import type { ClientMachine } from './client-process.js';
import type { Connection, Network } from './network.js';
import type { FaultName, Parameters } from './parameters.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';
import type { ServerHost } from './server-host.js';
import type { TraceEvent } from './trace.js';

export interface FaultParts {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly parameters: Parameters;
  readonly server: ServerHost;
  readonly clients: readonly ClientMachine[];
  readonly network: Network;
  readonly emit: (event: TraceEvent) => void;
}

const STALL_MS_MIN = 200;
const STALL_MS_MAX = 6_000;
/** Shorter ones the SDK cannot see, because clocks are also set by a second now and then. */
const SUSPEND_MS_MIN = 1_200;
const WALL_JUMP_MS_MAX = 60_000;
/** At which operations of the disk the server dies: at any, or just where the engine has to be careful. */
const DEADLY = [
  { matching: '', stepsMax: 60 },
  { matching: 'sync wal', stepsMax: 20 },
  { matching: 'sync', stepsMax: 10 },
  { matching: 'snap', stepsMax: 12 },
  { matching: 'next', stepsMax: 12 },
  { matching: 'rename', stepsMax: 2 },
  { matching: 'remove', stepsMax: 3 },
] as const;

export class Faults {
  readonly #parts: FaultParts;
  #isCalm = false;

  constructor(parts: FaultParts) {
    this.#parts = parts;
  }

  start(): void {
    const { parameters, random } = this.#parts;
    for (const [name, meanMs] of Object.entries(parameters.faults)) {
      this.#arrange(name as FaultName, meanMs, random.fork(name));
    }
  }

  /** No fault comes any more, and those that last end now. */
  beCalm(): void {
    const { server, clients, network } = this.#parts;
    this.#isCalm = true;
    server.killAtStep(null);
    server.disk.isFull = false;
    server.disk.slowChance = 0;
    server.disk.failChance = 0;
    server.process?.heal();
    for (const { process } of clients) process?.heal();
    network.heal();
  }

  #arrange(name: FaultName, meanMs: number, random: Random): void {
    const { scheduler } = this.#parts;
    scheduler.after(random.between(0.2, 1.8) * meanMs, () => {
      if (this.#isCalm) return;
      const detail = this.#place(name, random);
      if (detail !== null) this.#parts.emit({ type: 'fault', atMs: scheduler.nowMs, what: `${name}${detail}` });
      this.#arrange(name, meanMs, random);
    });
  }

  /** Returns what more there is to say about it; null: there was nothing to disturb. */
  #place(name: FaultName, random: Random): string | null {
    const { scheduler, server, clients, network } = this.#parts;
    const client = random.pick(clients);
    const forMs = random.between(STALL_MS_MIN, STALL_MS_MAX * random.pick([0.1, 0.3, 1]));
    const untilMs = scheduler.nowMs + forMs;
    const isAlive = client.process?.isRunning === true;
    const ofClient = ` of client ${client.number}`;
    const forSoLong = ` for ${Math.round(forMs)} ms`;
    switch (name) {
      case 'server-kill':
      case 'server-power':
        if (server.process === null) return null;
        server.kill(name === 'server-power');
        return '';
      case 'server-kill-at-step':
      case 'server-power-at-step': {
        if (server.process === null) return null;
        const { matching, stepsMax } = random.pick(DEADLY);
        const steps = random.whole(1, stepsMax);
        server.killAtStep({ steps, matching, power: name === 'server-power-at-step' });
        return ` of ${steps} ${matching}`;
      }
      case 'server-stop':
        if (!server.isServing) return null;
        server.stop();
        return '';
      case 'server-stall':
        if (server.process?.isRunning !== true) return null;
        server.process.stall(forMs);
        return ` of server${forSoLong}`;
      case 'server-clock':
        server.jumpWall(random.whole(-WALL_JUMP_MS_MAX, WALL_JUMP_MS_MAX));
        return '';
      case 'client-kill':
      case 'client-power':
        if (client.process === null) return null;
        client.kill(name === 'client-power');
        return ofClient;
      case 'client-stall':
        if (!isAlive) return null;
        client.process?.stall(forMs);
        return ofClient + forSoLong;
      case 'client-suspend':
        if (!isAlive) return null;
        client.suspend(SUSPEND_MS_MIN + forMs);
        return `${ofClient} for ${Math.round(SUSPEND_MS_MIN + forMs)} ms`;
      case 'client-clock':
        if (client.process === null) return null;
        client.jumpWall(random.whole(-WALL_JUMP_MS_MAX, WALL_JUMP_MS_MAX));
        return ofClient;
      case 'reset':
        return this.#withConnection(random, (connection) => network.reset(connection));
      case 'silence':
        return this.#withConnection(random, (connection) => network.silence(connection));
      case 'stall-up':
      case 'stall-down':
      case 'stall-both':
        return this.#withConnection(random, (connection) => {
          if (name !== 'stall-down') connection.up.stall(untilMs);
          if (name !== 'stall-up') connection.down.stall(untilMs);
        });
      case 'refuse':
        network.refuse(untilMs);
        return forSoLong;
      case 'disk-full':
        this.#forAWhile(forMs, (isOn) => {
          server.disk.isFull = isOn;
        });
        return forSoLong;
      case 'disk-slow':
        this.#forAWhile(forMs, (isOn) => {
          server.disk.slowChance = isOn ? 0.05 : 0;
        });
        return forSoLong;
      case 'disk-error':
        this.#forAWhile(forMs, (isOn) => {
          server.disk.failChance = isOn ? 0.02 : 0;
        });
        return forSoLong;
    }
  }

  #withConnection(random: Random, disturb: (connection: Connection) => void): string | null {
    const { alive } = this.#parts.network;
    if (alive.length === 0) return null;
    const connection = random.pick(alive);
    disturb(connection);
    return ` of connection ${connection.number}`;
  }

  #forAWhile(forMs: number, set: (isOn: boolean) => void): void {
    set(true);
    this.#parts.scheduler.after(forMs, () => set(false));
  }
}

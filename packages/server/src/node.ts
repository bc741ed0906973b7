/**
 * One node, wired: the way of the data from accepted socket to log to outbox. It knows no port, no process and no real clock; server.ts gives
 * it those, and a simulation gives it its own.
 */
import { type Command, Machine, type MachineLimits, type MachineView } from '@holdfast/core';
import { CloseCode, type ElsewhereMessage, MessageType } from '@holdfast/protocol';
import type { Clock } from './clock.js';
import { Connections } from './connection/connections.js';
import { Requests } from './connection/requests.js';
import type { Socket, SocketHandler } from './connection/socket.js';
import { Delivery } from './delivery/delivery.js';
import { Flusher } from './delivery/flusher.js';
import { Places } from './delivery/places.js';
import { Queries } from './delivery/queries.js';
import { Scanner } from './delivery/scans.js';
import { Watches } from './delivery/watches.js';
import type { LogPort } from './log/port.js';
import { Sequencer, tokenFloor } from './sequencer.js';
import { Snapshots } from './snapshots.js';
import type { RandomBytes } from './session/identity.js';
import { Sessions } from './session/sessions.js';

export interface NodeParts {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: LogPort;
  readonly limits: MachineLimits;
  readonly version: string;
  /** Commands between two snapshots, at least. Default limits.snapshotCommandsMin. */
  readonly snapshotCommandsMin?: number;
  /** The event loop stood still for this long. */
  readonly stalled: (lateMs: number) => void;
  /** A fault while handling a message; its connection was closed. */
  readonly fault: (error: unknown) => void;
  /** A snapshot could not be saved; the node goes on. */
  readonly snapshotFailed: (error: unknown) => void;
  /** Nothing may be said by this node any more. */
  readonly fenced: (reason: Error) => void;
}

/** How long clients spread their coming back after a drain. */
const RECONNECT_SPREAD_MS = 1_000;

export class Node {
  /** For people, in welcomes and answers. */
  name = '';
  readonly machine: MachineView;
  readonly connections: Connections;
  readonly #watches: Watches;
  readonly #clock: Clock;
  readonly #log: LogPort;
  readonly #sequencer: Sequencer;
  readonly #sessions: Sessions;
  readonly #scanner: Scanner;
  readonly #places: Places;
  readonly #snapshots: Snapshots;
  #draining = false;
  /** While a drain waits: called after every step, and when there is nothing to wait for any more. */
  #onStep: (() => void) | null = null;

  constructor(parts: NodeParts) {
    const { clock, log } = parts;
    const machine = new Machine();
    this.machine = machine;
    this.#clock = clock;
    this.#log = log;
    this.#scanner = new Scanner(clock);
    // Positions of a log that forgets begin where no earlier life of it can have come to, so an old one is never taken for a present one.
    const positionBase = log.supports.durability === 'process' ? tokenFloor(clock.wallMs()) : 0;
    const watches = new Watches(machine, this.#scanner, clock, positionBase);
    this.#watches = watches;
    const propose = (command: Command): void => this.#sequencer.propose(command);
    const serverMs = (): number => this.#sequencer.nowMs();
    const facts = (): { node: string; version: string; draining: boolean; position: number } => ({
      node: this.name,
      version: parts.version,
      draining: this.#draining,
      position: watches.position,
    });
    const sessions = new Sessions({
      clock,
      random: parts.random,
      machine,
      propose,
      serverMs,
      facts,
      stalled: parts.stalled,
    });
    this.#sessions = sessions;
    this.#places = new Places(machine, clock, (id, message) => sessions.say(id, message));
    const delivery = new Delivery(sessions, watches, this.#places);
    const snapshots = new Snapshots({
      log,
      machine,
      failed: parts.snapshotFailed,
      ...(parts.snapshotCommandsMin === undefined ? {} : { commandsMin: parts.snapshotCommandsMin }),
    });
    this.#snapshots = snapshots;
    this.#sequencer = new Sequencer({
      log,
      machine,
      clock,
      limits: parts.limits,
      sink: {
        // Only a log that had a life before can have had watches.
        restored: () => {
          if (machine.index > 0) watches.beginReplay();
        },
        replayed: (entry, effects) => {
          if (entry.index === 1) watches.beginReplay();
          watches.deliver(effects);
          snapshots.replayed(entry);
        },
        applied: (entry, effects) => {
          delivery.applied(effects);
          snapshots.applied(entry);
          this.#onStep?.();
        },
        failed: (commands) => delivery.failed(commands),
        fenced: parts.fenced,
      },
    });
    const queries = new Queries({
      machine,
      scanner: this.#scanner,
      isConnected: (id) => (sessions.get(id)?.connection ?? null) !== null,
      facts,
      nowMs: serverMs,
    });
    this.connections = new Connections(clock, {
      sessions,
      requests: new Requests({ sessions, watches, queries, propose, isDraining: () => this.#draining }),
      flusher: new Flusher(() => clock.nowMs()),
      nowMs: () => clock.nowMs(),
      fault: parts.fault,
    });
  }

  get term(): number {
    return this.#sequencer.term;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Position of the latest step, as watches are told it. */
  get position(): number {
    return this.#watches.position;
  }

  /** Lists that are being sent. */
  get scanCount(): number {
    return this.#scanner.size;
  }

  /** Server time now. */
  nowMs(): number {
    return this.#sequencer.nowMs();
  }

  /** Begins a term. Rejects, with the log closed, when the log cannot be opened or appended to. */
  async start(): Promise<void> {
    try {
      await this.#sequencer.start();
    } catch (error) {
      await this.#log.close();
      throw error;
    }
    this.#sessions.adopt();
  }

  accept(socket: Socket): SocketHandler {
    return this.connections.accept(socket);
  }

  /**
   * Takes nobody new and tells everybody. With a log whose holds do not outlive the process it resolves when nothing is held any more, or after
   * `waitMs`, or when the node stops; with any other at once.
   */
  async drain(waitMs: number): Promise<void> {
    this.#draining = true;
    const message: ElsewhereMessage = [
      MessageType.elsewhere,
      { reason: 'DRAINING', urls: [], delayMs: RECONNECT_SPREAD_MS },
    ];
    this.connections.drain(message);
    if (this.#log.supports.durability === 'process') await this.#holdsEnd(waitMs);
  }

  /** Appends and decides nothing more, and closes every connection. */
  stop(): void {
    this.#sequencer.stop();
    this.#snapshots.stop();
    this.#sessions.stop();
    this.#places.stop();
    this.#scanner.stop();
    this.connections.stop();
    this.connections.closeAll(CloseCode.restart, 'this node stops');
    this.#onStep?.();
  }

  #holdsEnd(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: ReturnType<Clock['setTimer']> | null = null;
      const done = (): void => {
        if (timer !== null) this.#clock.clearTimer(timer);
        this.#onStep = null;
        resolve();
      };
      this.#onStep = () => {
        if (this.machine.heldCount === 0 || this.#sequencer.stopped) done();
      };
      timer = this.#clock.setTimer(waitMs, done);
      this.#onStep();
    });
  }
}

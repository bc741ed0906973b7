/**
 * The simulated network between clients and the one address of the service. Connections are TCP's: inside a living one nothing is lost and
 * nothing overtakes. What goes wrong goes wrong with connections: they are refused, reset, stalled, or die without anybody being told.
 */
import type { Dial } from '@holdfast/client/internal';
import type { Socket, SocketHandler } from '@holdfast/server/internal';
import { ClientSocket } from './client-socket.js';
import { type Delays, type Packet, Pipe } from './pipe.js';
import type { SimulatedProcess } from './process.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';
import { ServerSocket } from './server-socket.js';

export interface NetworkOptions {
  readonly delays: Delays;
  /** What the operating system takes of a connection's unsent bytes; the rest counts as buffered in the process. */
  readonly sendBufferBytes: number;
}

export interface NetworkEvents {
  /** The server handed a frame to a socket. */
  said(connection: number, bytes: Uint8Array): void;
  /** A frame or pong of a client reached the host of the server, on a connection that the server has not given up. */
  arrived(connection: number): void;
}

interface Listener {
  readonly process: SimulatedProcess;
  readonly accept: (socket: Socket) => SocketHandler;
}

/** A packet that met no machine is sent again by TCP, in the end after this long. */
const RETRANSMIT_MS = 300;

export class Connection {
  readonly number: number;
  readonly clientProcess: SimulatedProcess;
  readonly up: Pipe;
  readonly down: Pipe;
  readonly client: ClientSocket;
  /** The server process that accepted it, and its end; null before that. */
  server: { readonly process: SimulatedProcess; readonly socket: ServerSocket } | null = null;
  /** The machine that accepted it is gone, and nobody told the client. */
  orphaned = false;
  /** Nothing passes in either direction, and nobody is told. */
  silent = false;

  constructor(network: Network, number: number, process: SimulatedProcess, ends: ConnectionEnds) {
    this.number = number;
    this.clientProcess = process;
    this.up = new Pipe(ends.scheduler, ends.random.fork('up'), ends.delays, (packet) =>
      network.arrivedUp(this, packet),
    );
    this.down = new Pipe(ends.scheduler, ends.random.fork('down'), ends.delays, (packet) =>
      this.client.arrived(packet),
    );
    this.client = new ClientSocket(process, ends.seesPings, ends.callbacks, (packet) => {
      // A process that is dead says nothing; its kernel may refuse.
      if (!process.isDead || packet.kind === 'reset') this.up.send(packet);
    });
  }
}

interface ConnectionEnds {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly delays: Delays;
  readonly seesPings: boolean;
  readonly callbacks: Parameters<Dial>[2];
}

export class Network {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #options: NetworkOptions;
  readonly #events: NetworkEvents;
  readonly #connections = new Set<Connection>();
  #count = 0;
  #listener: Listener | null = null;
  #isMachineUp = true;
  #refusedUntilMs = 0;
  #onIdle: (() => void) | null = null;

  constructor(scheduler: Scheduler, random: Random, options: NetworkOptions, events: NetworkEvents) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#options = options;
    this.#events = events;
  }

  // ---- for clients ---------------------------------------------------------------------------------------------------------

  /** The SDK's way to sockets, for one client process. */
  dialer(process: SimulatedProcess, seesPings: boolean): Dial {
    return (_url, _protocols, callbacks) => {
      this.#count += 1;
      const { delays } = this.#options;
      const random = this.#random.fork(`connection ${this.#count}`);
      const ends = { scheduler: this.#scheduler, random, delays, seesPings, callbacks };
      const connection = new Connection(this, this.#count, process, ends);
      this.#connections.add(connection);
      connection.up.send({ kind: 'dial' });
      return connection.client;
    };
  }

  // ---- for the server ---------------------------------------------------------------------------------------------------

  listen(process: SimulatedProcess, accept: (socket: Socket) => SocketHandler): void {
    this.#listener = { process, accept };
  }

  /** New connections are refused from now on. */
  unlisten(): void {
    this.#listener = null;
  }

  /** Resolves, in the process, when none of its connections is left. */
  whenClosed(process: SimulatedProcess): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if ([...this.#connections].some(({ server }) => server?.process === process)) return;
        this.#onIdle = null;
        resolve();
      };
      this.#onIdle = look;
      look();
    });
  }

  /** The process is gone; its machine closes what it had open. */
  processDied(process: SimulatedProcess): void {
    if (this.#listener?.process === process) this.#listener = null;
    this.#onIdle = null;
    for (const connection of this.#connections) {
      if (connection.server?.process === process) this.#drop(connection, true);
    }
  }

  /** The machine is gone, with everything on it; its connections end when a packet meets the new one. */
  machineDied(): void {
    this.#isMachineUp = false;
    this.#listener = null;
    this.#onIdle = null;
    for (const connection of this.#connections) connection.orphaned = true;
  }

  machineStarted(): void {
    this.#isMachineUp = true;
  }

  // ---- faults ----------------------------------------------------------------------------------------------------------------

  /** Connections that somebody could still use. */
  get alive(): readonly Connection[] {
    return [...this.#connections].filter(({ silent, orphaned }) => !silent && !orphaned);
  }

  connectionsOf(process: SimulatedProcess): readonly Connection[] {
    return this.alive.filter(({ clientProcess }) => clientProcess === process);
  }

  /** Both sides learn of it at once. */
  reset(connection: Connection): void {
    connection.up.send({ kind: 'reset' });
    connection.down.send({ kind: 'reset' });
  }

  /** Nothing passes any more, and nobody is told. */
  silence(connection: Connection): void {
    connection.silent = true;
    connection.up.cut();
    connection.down.cut();
  }

  /** Dials are refused until then. */
  refuse(untilMs: number): void {
    this.#refusedUntilMs = Math.max(this.#refusedUntilMs, untilMs);
  }

  /** What was stalled or refused is so no more. A connection that died stays dead. */
  heal(): void {
    this.#refusedUntilMs = 0;
    for (const connection of this.#connections) {
      connection.up.heal();
      connection.down.heal();
    }
  }

  /** The client's process is gone; its machine closes what it had open. */
  clientDied(process: SimulatedProcess): void {
    for (const connection of this.#connections) {
      if (connection.clientProcess === process) connection.up.send({ kind: 'fin' });
    }
  }

  // ---- what the connections call ------------------------------------------------------------------------------------------

  /** A packet of a client reached the address of the service. */
  arrivedUp(connection: Connection, packet: Packet): void {
    if (!this.#isMachineUp) {
      this.#retransmit(connection, packet);
    } else if (connection.orphaned) {
      this.#drop(connection, packet.kind !== 'reset');
    } else if (packet.kind === 'dial') {
      this.#accept(connection);
    } else if (connection.server === null) {
      // The client gave up before it was accepted; what was refused has been told so.
      if (packet.kind === 'reset' || packet.kind === 'fin') this.#connections.delete(connection);
    } else {
      const { process, socket } = connection.server;
      // A close ends a connection; it does not keep its session. A client may close what it has never had a welcome on.
      const isSign = packet.kind === 'frame' || packet.kind === 'pong';
      if (socket.isOpen && isSign) this.#events.arrived(connection.number);
      process.deliver(() => socket.receive(packet));
    }
  }

  #retransmit(connection: Connection, packet: Packet): void {
    this.#scheduler.after(RETRANSMIT_MS, () => {
      if (!connection.silent) this.arrivedUp(connection, packet);
    });
  }

  #accept(connection: Connection): void {
    const listener = this.#listener;
    if (listener === null || listener.process.isDead || this.#scheduler.nowMs < this.#refusedUntilMs) {
      this.#drop(connection, true);
      return;
    }
    const { process, accept } = listener;
    const { down } = connection;
    const sendBufferBytes = this.#options.sendBufferBytes;
    const socket = new ServerSocket(process, {
      remote: '192.0.2.1',
      get bufferedBytes() {
        return Math.max(0, down.bytes - sendBufferBytes);
      },
      send: (packet) => down.send(packet),
      said: (bytes) => this.#events.said(connection.number, bytes),
      ended: () => this.#ended(connection),
    });
    connection.server = { process, socket };
    process.deliver(() => {
      socket.handler = accept(socket);
      down.send({ kind: 'accept' });
    });
  }

  /** This end of the connection does not exist (any more). */
  #drop(connection: Connection, tellsClient: boolean): void {
    if (tellsClient) connection.down.send({ kind: 'reset' });
    this.#ended(connection);
  }

  #ended(connection: Connection): void {
    this.#connections.delete(connection);
    this.#onIdle?.();
  }
}

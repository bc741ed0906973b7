/** One node, wired: the way of the data from socket to log to outbox, and its start and end. */
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { Machine } from '@holdfast/core';
import { CloseCode, type ElsewhereMessage, MessageType } from '@holdfast/protocol';
import { type Clock, systemClock } from './clock.js';
import { Connections } from './connection/connections.js';
import { Requests } from './connection/requests.js';
import { WebSocketAcceptor } from './connection/websocket.js';
import { Delivery } from './delivery/delivery.js';
import { Flusher } from './delivery/flusher.js';
import { Places } from './delivery/places.js';
import { Queries } from './delivery/queries.js';
import { Scanner } from './delivery/scans.js';
import { Watches } from './delivery/watches.js';
import { createHttpServer } from './http.js';
import { machineLimits } from './limits.js';
import { MemoryLog } from './log/memory.js';
import type { LogPort } from './log/port.js';
import { type LogLevel, type Logger, createLogger } from './logger.js';
import { Sequencer } from './sequencer.js';
import { systemRandomBytes } from './session/identity.js';
import { Sessions } from './session/sessions.js';
import { version } from './version.js';

export interface ServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 7420; 0 takes any free one. */
  readonly port?: number;
  /** Default: a new memory log. */
  readonly log?: LogPort;
  /** Name of this node in welcomes and logs. Default: host name and port. */
  readonly node?: string;
  /** Origins of web pages that may connect, besides those on loopback addresses. */
  readonly allowedOrigins?: readonly string[];
  /** How long a drain waits for holders, at most, when the log does not outlive the process. Default 5,000. */
  readonly drainMs?: number;
  readonly logLevel?: LogLevel;
}

export interface HoldfastServer {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly node: string;
  /** Resolves, with the reason, when the node can no longer serve and has closed by itself. */
  readonly failed: Promise<Error>;
  /**
   * Takes nobody new, tells everybody, waits (at most drainMs) until nothing is held if holds would not outlive this process, then closes.
   */
  drain(): Promise<void>;
  /** Closes at once. */
  close(): Promise<void>;
}

/** How long clients spread their coming back after a drain. */
const RECONNECT_SPREAD_MS = 1_000;

export async function startServer(options: ServerOptions = {}): Promise<HoldfastServer> {
  const server = new Server(options, systemClock, createLogger(options.logLevel ?? 'info'));
  await server.start();
  return server;
}

class Server implements HoldfastServer {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #log: LogPort;
  readonly #drainMs: number;
  readonly #requestedHost: string;
  readonly #requestedPort: number;
  #node: string;
  readonly #machine: Machine;
  readonly #flusher: Flusher;
  readonly #sessions: Sessions;
  readonly #scanner: Scanner;
  readonly #places: Places;
  readonly #sequencer: Sequencer;
  readonly #connections: Connections;
  readonly #acceptor = new WebSocketAcceptor();
  readonly #http: ReturnType<typeof createHttpServer>;
  #state: 'starting' | 'serving' | 'draining' | 'closed' = 'starting';
  #closing: Promise<void> | null = null;
  /** While a drain waits: called after every step, and when there is nothing to wait for any more. */
  #onHoldsChanged: (() => void) | null = null;
  readonly failed: Promise<Error>;
  #fail: (reason: Error) => void = () => {};

  constructor(options: ServerOptions, clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    this.#log = options.log ?? new MemoryLog();
    this.#drainMs = options.drainMs ?? 5_000;
    this.#requestedHost = options.host ?? '127.0.0.1';
    this.#requestedPort = options.port ?? 7420;
    this.#node = options.node ?? '';
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });

    const machine = new Machine();
    this.#machine = machine;
    this.#flusher = new Flusher(() => clock.nowMs());
    this.#scanner = new Scanner(clock);
    const watches = new Watches(machine, this.#scanner, clock);
    const serverMs = (): number => this.#sequencer.nowMs();
    const facts = (): { node: string; version: string; draining: boolean } => ({
      node: this.#node,
      version,
      draining: this.#state === 'draining',
    });
    const propose = (command: Parameters<Sequencer['propose']>[0]): void => this.#sequencer.propose(command);
    const sessions = new Sessions({
      clock,
      random: systemRandomBytes,
      machine,
      propose,
      serverMs,
      facts,
      stalled: (lateMs) => logger.warn({ lateMs: Math.round(lateMs) }, 'this process stalled; no session ends for it'),
    });
    this.#sessions = sessions;
    this.#places = new Places(machine, clock, (id, message) => sessions.say(id, message));
    const delivery = new Delivery(sessions, watches, this.#places);
    this.#sequencer = new Sequencer({
      log: this.#log,
      machine,
      clock,
      limits: machineLimits,
      sink: {
        applied: (entry, effects) => {
          delivery.applied(entry, effects);
          this.#onHoldsChanged?.();
        },
        failed: (commands) => delivery.failed(commands),
        fenced: (reason) => this.#fenced(reason),
      },
    });
    const queries = new Queries({
      machine,
      scanner: this.#scanner,
      isConnected: (id) => (sessions.get(id)?.connection ?? null) !== null,
      facts,
      nowMs: serverMs,
    });
    this.#connections = new Connections(clock, {
      sessions,
      requests: new Requests({
        sessions,
        watches,
        queries,
        propose,
        isDraining: () => this.#state === 'draining',
      }),
      flusher: this.#flusher,
      nowMs: () => clock.nowMs(),
      fault: (error) => logger.error({ err: error }, 'a fault while handling a message; its connection was closed'),
    });
    this.#http = createHttpServer({
      allowedOrigins: new Set(options.allowedOrigins ?? []),
      notReady: () => (this.#state === 'serving' ? null : this.#state),
      upgrade: (request, socket, head) =>
        this.#acceptor.upgrade(request, socket, head, (ws) => this.#connections.accept(ws)),
    });
  }

  get host(): string {
    return this.#address.address;
  }

  get port(): number {
    return this.#address.port;
  }

  get url(): string {
    const { address, family, port } = this.#address;
    return `ws://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  get node(): string {
    return this.#node;
  }

  async start(): Promise<void> {
    await this.#sequencer.start().catch(async (error: unknown) => {
      await this.#log.close();
      throw error;
    });
    this.#sessions.adopt();
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(this.#requestedPort, this.#requestedHost, 4_096, resolve);
    }).catch(async (error: unknown) => {
      this.#stop();
      await this.#log.close();
      throw error;
    });
    if (this.#node === '') this.#node = `${hostname()}:${this.port}`;
    this.#state = 'serving';
    this.#logger.info(
      { url: this.url, node: this.#node, term: this.#sequencer.term, durability: this.#log.supports.durability },
      'serving',
    );
  }

  async drain(): Promise<void> {
    if (this.#state !== 'serving') return this.close();
    this.#state = 'draining';
    this.#logger.info({ connections: this.#connections.size, holds: this.#machine.heldCount }, 'draining');
    const message: ElsewhereMessage = [
      MessageType.elsewhere,
      { reason: 'DRAINING', urls: [], delayMs: RECONNECT_SPREAD_MS },
    ];
    this.#connections.drain(message);
    if (this.#log.supports.durability === 'process') await this.#holdsEnd();
    return this.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  get #address(): AddressInfo {
    const address = this.#http.address();
    if (address === null || typeof address === 'string') throw new Error('the server does not listen');
    return address;
  }

  /** Resolves when nothing is held any more, or after drainMs. */
  #holdsEnd(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#machine.heldCount === 0) {
        resolve();
        return;
      }
      const done = (): void => {
        this.#clock.clearTimer(timer);
        this.#onHoldsChanged = null;
        resolve();
      };
      const timer = this.#clock.setTimer(this.#drainMs, done);
      this.#onHoldsChanged = () => {
        if (this.#machine.heldCount === 0 || this.#state === 'closed') done();
      };
    });
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    this.#onHoldsChanged?.();
    const closed = new Promise<void>((resolve) => {
      this.#http.close(() => resolve());
    });
    this.#stop();
    this.#connections.closeAll(CloseCode.restart, 'this node stops');
    // Requests that never end, and sockets that never said anything; upgraded ones are the connections above.
    this.#http.closeAllConnections();
    await closed;
    await this.#log.close();
    this.#logger.info({ position: this.#machine.index }, 'closed');
  }

  #stop(): void {
    this.#sequencer.stop();
    this.#sessions.stop();
    this.#places.stop();
    this.#scanner.stop();
    this.#connections.stop();
  }

  /** Another node may be the leader now, or the log cannot be trusted: silence first, then the rest. */
  #fenced(reason: Error): void {
    this.#logger.error({ err: reason }, 'this node may not append any more; it stops');
    this.#fail(reason);
    void this.close();
  }
}

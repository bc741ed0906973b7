/** A node behind a port: its start, its drain, its end. */
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { type Clock, systemClock } from './clock.js';
import { WebSocketAcceptor } from './connection/websocket.js';
import { createHttpServer } from './http.js';
import { machineLimits } from './limits.js';
import { MemoryLog } from './log/memory.js';
import type { LogPort } from './log/port.js';
import type { Note } from './log/file/trouble.js';
import { type LogLevel, type Logger, createLogger } from './logger.js';
import { Node } from './node.js';
import { systemRandomBytes } from './session/identity.js';
import { version } from './version.js';

export interface ServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 7420; 0 takes any free one. */
  readonly port?: number;
  /** Default: a new memory log. A function is given where the log can say what an operator should know: the server's own log. */
  readonly log?: LogPort | ((note: Note) => LogPort);
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

/** Connections that the kernel holds for us while the event loop is busy: a whole fleet comes back at once after a restart. */
const BACKLOG = 4_096;

export async function startServer(options: ServerOptions = {}): Promise<HoldfastServer> {
  const server = new Server(options, systemClock, createLogger(options.logLevel ?? 'info'));
  await server.start();
  return server;
}

class Server implements HoldfastServer {
  readonly #logger: Logger;
  readonly #log: LogPort;
  readonly #options: ServerOptions;
  readonly #node: Node;
  readonly #acceptor = new WebSocketAcceptor();
  readonly #http: ReturnType<typeof createHttpServer>;
  #state: 'starting' | 'serving' | 'draining' | 'closed' = 'starting';
  #closing: Promise<void> | null = null;
  readonly failed: Promise<Error>;
  #fail: (reason: Error) => void = () => {};

  constructor(options: ServerOptions, clock: Clock, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    const { log = new MemoryLog() } = options;
    this.#log = typeof log === 'function' ? log((message, facts) => logger.warn(facts, message)) : log;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.#node = new Node({
      clock,
      random: systemRandomBytes,
      log: this.#log,
      limits: machineLimits,
      version,
      stalled: (lateMs) => logger.warn({ lateMs: Math.round(lateMs) }, 'this process stalled; no session ends for it'),
      fault: (error) => logger.error({ err: error }, 'a fault while handling a message; its connection was closed'),
      snapshotFailed: (error) =>
        logger.warn({ err: error }, 'a snapshot could not be saved; the log keeps its entries'),
      fenced: (reason) => this.#fenced(reason),
    });
    this.#http = createHttpServer({
      allowedOrigins: new Set(options.allowedOrigins ?? []),
      notReady: () => (this.#state === 'serving' ? null : this.#state),
      upgrade: (request, socket, head) => this.#acceptor.upgrade(request, socket, head, (ws) => this.#node.accept(ws)),
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
    return this.#node.name;
  }

  async start(): Promise<void> {
    await this.#node.start();
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(this.#options.port ?? 7420, this.#options.host ?? '127.0.0.1', BACKLOG, resolve);
    }).catch(async (error: unknown) => {
      this.#node.stop();
      await this.#log.close();
      throw error;
    });
    this.#node.name = this.#options.node ?? `${hostname()}:${this.port}`;
    this.#state = 'serving';
    this.#logger.info(
      {
        url: this.url,
        node: this.node,
        term: this.#node.term,
        durability: this.#log.supports.durability,
        ...(this.#log.place === undefined ? {} : { place: this.#log.place }),
      },
      'serving',
    );
  }

  async drain(): Promise<void> {
    if (this.#state !== 'serving') return this.close();
    this.#state = 'draining';
    const { connections, machine } = this.#node;
    this.#logger.info({ connections: connections.size, holds: machine.heldCount }, 'draining');
    await this.#node.drain(this.#options.drainMs ?? 5_000);
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

  async #close(): Promise<void> {
    this.#state = 'closed';
    const closed = new Promise<void>((resolve) => {
      this.#http.close(() => resolve());
    });
    this.#node.stop();
    // Requests that never end, and sockets that never said anything; upgraded ones are the node's connections.
    this.#http.closeAllConnections();
    await closed;
    await this.#log.close();
    this.#logger.info({ position: this.#node.machine.index }, 'closed');
  }

  /** Another node may be the leader now, or the log cannot be trusted: silence first, then the rest. */
  #fenced(reason: Error): void {
    this.#logger.error({ err: reason }, 'this node may not append any more; it stops');
    this.#fail(reason);
    void this.close();
  }
}

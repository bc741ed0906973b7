/** The product's own node on a virtual clock, with sockets that a test holds. */
import type { MachineLimits } from '@holdfast/core';
import { type ClientMessage, type HelloOptions, type ServerMessage, encodeFrame, encodePing } from '@holdfast/protocol';
import { FakeSocket, type FakeSocketOptions, ScriptedLog, VirtualClock } from '../../../testing/src/index.js';
import type { Connections } from '../../src/connection/connections.js';
import type { SocketHandler } from '../../src/connection/socket.js';
import { machineLimits } from '../../src/limits.js';
import { MemoryLog } from '../../src/log/memory.js';
import { LogFailure, type LogPort } from '../../src/log/port.js';
import { Node } from '../../src/node.js';
import type { RandomBytes } from '../../src/session/identity.js';

export interface TestNodeOptions {
  readonly clock?: VirtualClock;
  readonly log?: LogPort;
  readonly limits?: MachineLimits;
  readonly random?: RandomBytes;
  readonly snapshotCommandsMin?: number;
}

/** Bytes that differ from call to call and are the same in every run. */
export function countingBytes(): RandomBytes {
  let calls = 0;
  return (count) => {
    calls += 1;
    const bytes = new Uint8Array(count);
    new DataView(bytes.buffer).setUint32(count - 4, calls);
    return bytes;
  };
}

export class TestNode extends Node {
  readonly clock: VirtualClock;
  readonly stalls: number[];
  readonly faults: unknown[];
  readonly fenced: Error[];
  readonly snapshotFailures: unknown[];

  constructor(options: TestNodeOptions = {}) {
    const clock = options.clock ?? new VirtualClock();
    const stalls: number[] = [];
    const faults: unknown[] = [];
    const fenced: Error[] = [];
    const snapshotFailures: unknown[] = [];
    super({
      clock,
      random: options.random ?? countingBytes(),
      log: options.log ?? new MemoryLog(),
      limits: options.limits ?? machineLimits,
      version: '0',
      stalled: (lateMs) => stalls.push(lateMs),
      fault: (error) => faults.push(error),
      snapshotFailed: (error) => snapshotFailures.push(error),
      fenced: (reason) => fenced.push(reason),
      ...(options.snapshotCommandsMin === undefined ? {} : { snapshotCommandsMin: options.snapshotCommandsMin }),
    });
    this.name = 'n1';
    this.clock = clock;
    this.stalls = stalls;
    this.faults = faults;
    this.fenced = fenced;
    this.snapshotFailures = snapshotFailures;
  }

  static async begin(options: TestNodeOptions = {}): Promise<TestNode> {
    const node = new TestNode(options);
    await node.start();
    return node;
  }

  /** A node over a log that resolves at once until it is told otherwise. */
  static async onScript(): Promise<{ readonly log: ScriptedLog; readonly node: TestNode }> {
    const log = new ScriptedLog({ failure: (kind, message) => new LogFailure(kind, message) });
    return { log, node: await TestNode.begin({ log }) };
  }

  /** A new connection that has said nothing. */
  connect(options: FakeSocketOptions = {}): Peer {
    return new Peer(this.clock, this.connections, options);
  }

  /** A connection with a session of its own; its socket has forgotten the welcome. */
  async open(hello: HelloOptions = {}, options: FakeSocketOptions = {}): Promise<Peer> {
    const peer = this.connect(options);
    await peer.hello(hello);
    return peer;
  }
}

/** The client's end of a connection, as the server's parts meet it. */
export class Peer {
  readonly socket: FakeSocket;
  readonly handler: SocketHandler;
  readonly #clock: VirtualClock;
  session = '';
  secret: Uint8Array = new Uint8Array(16);

  constructor(clock: VirtualClock, connections: Connections, options: FakeSocketOptions) {
    this.#clock = clock;
    this.socket = new FakeSocket(options);
    this.handler = connections.accept(this.socket);
  }

  /** Says hello, waits for what follows, remembers session and secret of a welcome, and returns everything. */
  async hello(options: HelloOptions = {}): Promise<ServerMessage[]> {
    this.say([1, options]);
    await this.#clock.turn();
    const messages = this.socket.drain();
    const first = messages[0];
    if (first?.[0] === 64) {
      this.session = first[1].session;
      this.secret = first[1].secret ?? this.secret;
    }
    return messages;
  }

  /** What resumes this session. */
  get proof(): HelloOptions {
    return { session: this.session, secret: this.secret };
  }

  /** One frame, handled at once; what it leads to is sent in this turn's microtasks. */
  say(...messages: ClientMessage[]): void {
    this.handler.onFrame(encodeFrame(messages));
  }

  /** One frame, and everything that is said to this peer in its turn. */
  async ask(...messages: ClientMessage[]): Promise<ServerMessage[]> {
    this.socket.drain();
    this.say(...messages);
    await this.#clock.turn();
    return this.socket.drain();
  }

  /** Echoes the latest ping. */
  pong(): void {
    const ping = this.socket.pings.at(-1);
    if (ping === undefined) throw new Error('there is no ping to answer');
    this.handler.onPong(encodePing(ping));
  }

  /** The connection breaks without a close frame. */
  breaks(): void {
    this.handler.onClosed();
  }

  /** A close frame with this code, and then the connection is gone. */
  closes(code: number): void {
    this.handler.onCloseFrame(code);
    this.handler.onClosed();
  }
}

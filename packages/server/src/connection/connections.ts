/** All connections of the node: how many there may be, and how long one may stay silent before its hello. */
import { CloseCode, HELLO_TIMEOUT_MS, type ServerMessage } from '@holdfast/protocol';
import type { Clock, Timer } from '../clock.js';
import { limits } from '../limits.js';
import { errorMessage } from '../session/sessions.js';
import { Connection, type ConnectionOwner } from './connection.js';
import type { Socket, SocketHandler } from './socket.js';

export type ConnectionParts = Omit<ConnectionOwner, 'greeted' | 'closed'>;

export class Connections {
  readonly #clock: Clock;
  readonly #owner: ConnectionOwner;
  readonly #all = new Set<Connection>();
  /** Those without a hello, oldest first, with the time at which they have to go. */
  readonly #silent = new Map<Connection, number>();
  #timer: Timer | null = null;
  #draining = false;

  constructor(clock: Clock, parts: ConnectionParts) {
    this.#clock = clock;
    this.#owner = {
      ...parts,
      greeted: (connection) => {
        this.#silent.delete(connection);
        return !this.#draining;
      },
      closed: (connection) => {
        this.#silent.delete(connection);
        this.#all.delete(connection);
      },
    };
  }

  get size(): number {
    return this.#all.size;
  }

  accept(socket: Socket): SocketHandler {
    const connection = new Connection(this.#owner, socket);
    if (this.#all.size >= limits.connectionsMax) {
      connection.close(CloseCode.overloaded, 'OVERLOADED', errorMessage(0, 0, 'OVERLOADED', 'too many connections'));
      return connection;
    }
    this.#all.add(connection);
    this.#silent.set(connection, this.#clock.nowMs() + HELLO_TIMEOUT_MS);
    // Whoever says hello in time is never kept out by those who do not.
    if (this.#silent.size > limits.newConnectionsMax) this.#sendOldestAway();
    this.#timer ??= this.#clock.setTimer(HELLO_TIMEOUT_MS, this.#check);
    return connection;
  }

  /** From now on nobody new is taken; everybody is told where to go. */
  drain(message: ServerMessage): void {
    this.#draining = true;
    for (const connection of this.#all) connection.push(message, 1_024);
  }

  /** Closes them all. For their sessions that is a dropped connection, which the log of a stopping node does not hear of. */
  closeAll(code: number, text: string, last?: ServerMessage): void {
    for (const connection of this.#all) connection.close(code, text, last);
  }

  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  readonly #check = (): void => {
    this.#timer = null;
    // A stalled node reads the hellos that wait in its sockets first.
    this.#clock.afterPoll(() => {
      const now = this.#clock.nowMs();
      for (const [, dueMs] of this.#silent) {
        if (dueMs > now) {
          this.#timer ??= this.#clock.setTimer(dueMs - now, this.#check);
          return;
        }
        this.#sendOldestAway();
      }
    });
  };

  #sendOldestAway(): void {
    const [connection] = this.#silent.keys();
    if (connection === undefined) return;
    const last = errorMessage(0, 0, 'HELLO_TIMEOUT', 'no hello in time');
    connection.close(CloseCode.helloTimeout, 'HELLO_TIMEOUT', last);
  }
}

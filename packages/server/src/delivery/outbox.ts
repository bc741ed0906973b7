/**
 * The outbox of one connection: the messages of one turn, sent as one frame. Bounded: a peer that does not read is cut off.
 */
import { CloseCode, type ServerMessage, encodeFrame } from '@holdfast/protocol';
import type { Socket } from '../connection/socket.js';
import { limits } from '../limits.js';
import type { Flusher } from './flusher.js';

/** What a small message is taken to need, encoded. Messages that may be larger say so. */
const SMALL_MESSAGE_BYTES = 48;

export class Outbox {
  readonly #socket: Socket;
  readonly #flusher: Flusher;
  #messages: ServerMessage[] = [];
  /** Upper estimate of #messages, encoded. */
  #bytes = 0;
  /** Frames that were full before the turn was over. */
  #frames: Uint8Array[] | null = null;
  #closed = false;
  /** Invariant: true exactly while this outbox is on one of the flusher's lists. */
  dirty = false;
  /** Bytes given to the socket, bytes that the operating system had taken of them when last seen, and since when it took no more. */
  #givenBytes = 0;
  #takenBytes = 0;
  #stuckSinceMs = 0;

  constructor(socket: Socket, flusher: Flusher) {
    this.#socket = socket;
    this.#flusher = flusher;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Too far behind for events and rows, which can be made up for later. */
  get congested(): boolean {
    return this.#bytes + this.#socket.bufferedBytes > limits.outboxWatchBytes;
  }

  /** Puts a message into this turn's frame. `bytes` is an upper estimate of its encoded size. */
  push(message: ServerMessage, bytes: number = SMALL_MESSAGE_BYTES): void {
    if (this.#closed) return;
    if (this.#bytes + bytes > limits.frameBytesTarget || this.#messages.length >= limits.frameMessagesTarget) {
      this.#fillFrame();
    }
    this.#messages.push(message);
    this.#bytes += bytes;
    if (!this.dirty) this.#flusher.add(this);
  }

  /** As push, and this outbox is flushed before those that carry no grant: somebody is waiting for it. */
  pushGrant(message: ServerMessage): void {
    if (!this.#closed && !this.dirty) this.#flusher.addUrgent(this);
    this.push(message);
  }

  ping(payload: Uint8Array): void {
    if (!this.#closed && !this.congested) this.#socket.ping(payload);
  }

  /** Sends what was gathered. Called by the flusher at the end of the turn. */
  flush(nowMs: number): void {
    if (this.#closed) return;
    if (this.#frames !== null) {
      for (const frame of this.#frames) this.#send(frame);
      this.#frames = null;
    }
    const messages = this.#messages;
    if (messages.length === 0) return;
    this.#messages = [];
    this.#bytes = 0;
    this.#send(encodeFrame(messages));
    this.#judge(nowMs);
  }

  /** A last error for the whole connection, then the close. Nothing is sent afterwards. */
  close(code: number, reason: string, last?: ServerMessage): void {
    if (this.#closed) return;
    if (last !== undefined) this.push(last, 512);
    this.flush(0);
    if (this.#closed) return;
    this.discard();
    this.#socket.close(code, reason);
  }

  /** The connection is gone: forget everything. */
  discard(): void {
    this.#closed = true;
    this.#messages = [];
    this.#frames = null;
    this.#bytes = 0;
  }

  #fillFrame(): void {
    if (this.#messages.length === 0) return;
    this.#frames ??= [];
    this.#frames.push(encodeFrame(this.#messages));
    this.#messages = [];
    this.#bytes = 0;
  }

  #send(frame: Uint8Array): void {
    this.#givenBytes += frame.length;
    this.#socket.send(frame);
  }

  /** Cuts a peer off that has too much unread, or that takes nothing of it for too long. */
  #judge(nowMs: number): void {
    const unsent = this.#socket.bufferedBytes;
    const taken = this.#givenBytes - unsent;
    if (unsent === 0 || taken > this.#takenBytes) {
      this.#takenBytes = taken;
      this.#stuckSinceMs = nowMs;
    } else if (unsent > limits.outboxBytesMax || nowMs - this.#stuckSinceMs > limits.outboxStuckMs) {
      this.discard();
      // A close frame alone would wait behind the bytes that the peer does not read.
      this.#socket.close(CloseCode.slowReader, 'SLOW_READER');
      this.#socket.terminate();
    }
  }
}

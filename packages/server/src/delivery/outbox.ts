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
  /** Frames that were full before the turn was over, and their bytes. */
  #frames: Uint8Array[] | null = null;
  #framesBytes = 0;
  #closed = false;
  /** Invariant: true exactly while this outbox is on one of the flusher's lists. */
  dirty = false;
  /** Bytes given to the socket, bytes that the operating system had taken of them when last seen, and since when it took no more. */
  #givenBytes = 0;
  #takenBytes = 0;
  #stuckSinceMs = 0;
  #largestTurnBytes = 0;

  constructor(socket: Socket, flusher: Flusher) {
    this.#socket = socket;
    this.#flusher = flusher;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Too far behind for events, which can be made up for later. */
  get congested(): boolean {
    return this.#waitingBytes > limits.outboxWatchBytes;
  }

  /** Far enough behind for lists to pause. Lower than `congested`, so that a list alone never costs a watch its events. */
  get busy(): boolean {
    return this.#waitingBytes > limits.outboxScanBytes;
  }

  get #waitingBytes(): number {
    return this.#bytes + this.#framesBytes + this.#socket.bufferedBytes;
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
    if (this.#closed) return;
    if (!this.congested) this.#socket.ping(payload);
    // A peer to whom nothing else is said has to be looked at now and then: whether it takes what was sent.
    if (this.#socket.bufferedBytes > 0 && !this.dirty) this.#flusher.add(this);
  }

  /** Sends what was gathered. Called by the flusher at the end of the turn. */
  flush(nowMs: number): void {
    if (this.#closed) return;
    this.#noteTaken(nowMs);
    const givenBytes = this.#givenBytes;
    if (this.#frames !== null) {
      for (const frame of this.#frames) this.#send(frame);
      this.#frames = null;
      this.#framesBytes = 0;
    }
    const messages = this.#messages;
    if (messages.length > 0) {
      this.#messages = [];
      this.#bytes = 0;
      this.#send(encodeFrame(messages));
    }
    this.#largestTurnBytes = Math.max(this.#largestTurnBytes, this.#givenBytes - givenBytes);
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
    this.#framesBytes = 0;
    this.#bytes = 0;
  }

  #fillFrame(): void {
    if (this.#messages.length === 0) return;
    const frame = encodeFrame(this.#messages);
    this.#frames ??= [];
    this.#frames.push(frame);
    this.#framesBytes += frame.length;
    this.#messages = [];
    this.#bytes = 0;
  }

  #send(frame: Uint8Array): void {
    this.#givenBytes += frame.length;
    this.#socket.send(frame);
  }

  /** Whether the peer took something since the last time. With nothing left to take, its time starts anew. */
  #noteTaken(nowMs: number): void {
    const unsent = this.#socket.bufferedBytes;
    const taken = this.#givenBytes - unsent;
    if (unsent > 0 && taken <= this.#takenBytes) return;
    this.#takenBytes = taken;
    this.#stuckSinceMs = nowMs;
  }

  /**
   * Cuts a peer off that has too much unread, or that takes nothing of it for too long. One turn may have more to say than the bound, such as
   * what a session with thousands of requests is told when it comes back: so the bound is on top of the largest turn.
   */
  #judge(nowMs: number): void {
    const unsent = this.#socket.bufferedBytes;
    const tooMuch = unsent > limits.outboxBytesMax + this.#largestTurnBytes;
    const tooLong = unsent > 0 && nowMs - this.#stuckSinceMs > limits.outboxStuckMs;
    if (!tooMuch && !tooLong) return;
    this.discard();
    // A close frame alone would wait behind the bytes that the peer does not read.
    this.#socket.close(CloseCode.slowReader, 'SLOW_READER');
    this.#socket.terminate();
  }
}

/**
 * A session as the node that serves it knows it: its connection and when it was heard. What it holds is in the machine;
 * this part is lost with the node and rebuilt from resumes.
 */
import type { ServerMessage } from '@holdfast/protocol';

/** What a session needs of its connection. */
export interface SessionConnection {
  readonly wantsBeats: boolean;
  push(message: ServerMessage, bytes?: number): void;
  pushGrant(message: ServerMessage): void;
  ping(payload: Uint8Array): void;
  close(code: number, code_text: string, last?: ServerMessage): void;
}

export class Session {
  readonly id: string;
  readonly timeoutMs: number;
  readonly resumable: boolean;
  connection: SessionConnection | null = null;
  /** An end was proposed: the session is not heard any more, and nothing is said to it until the end is known. */
  ending = false;
  /** Liveness time at which anything of it was last heard. */
  heardMs = 0;
  /** Number of the last ping sent, of the last one whose pong was heard, and server time then. */
  pingNumber = 0;
  pongNumber = 0;
  pongMs = 0;
  /** Number of the last probe heard, for beats, and server time then. */
  probeNumber = 0;
  probeMs = 0;
  nextPingMs = 0;
  /** Hash of the secret given out by a resume that is not confirmed yet: the client was not heard since. */
  unconfirmedHash: string | null = null;

  /** For the heap of the liveness check. */
  dueMs = 0;
  readonly ticket: number;
  heapIndex = -1;

  constructor(id: string, timeoutMs: number, resumable: boolean, ticket: number) {
    this.id = id;
    this.timeoutMs = timeoutMs;
    this.resumable = resumable;
    this.ticket = ticket;
  }
}

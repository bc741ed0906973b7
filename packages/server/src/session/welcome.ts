/** What a client is told when its session opens or comes back. */
import { type MachineView, NEVER, type SessionView } from '@holdfast/core';
import {
  FRAME_BYTES_MAX,
  KEY_BYTES_MAX,
  MODE_EXCLUSIVE,
  MODE_SHARED,
  MessageType,
  PINGS_PER_TIMEOUT,
  type RestoredHold,
  type RestoredQueued,
  type ServerMessage,
  type WelcomeMessage,
} from '@holdfast/protocol';
import { limits, machineLimits } from '../limits.js';

/** Features of this server beyond opening a session: PROTOCOL.md, 2. */
const FEATURES: readonly string[] = ['locks', 'places', 'watch', 'query', 'beats', 'force'];

export interface NodeFacts {
  readonly node: string;
  readonly version: string;
  readonly draining: boolean;
}

const WELCOME_LIMITS = {
  requests: machineLimits.requestsPerSessionMax,
  watches: limits.watchesPerConnectionMax,
  keyBytes: KEY_BYTES_MAX,
  frameBytes: FRAME_BYTES_MAX,
} as const;

export function welcomeMessage(
  session: SessionView,
  secret: Uint8Array | null,
  resumed: boolean,
  serverMs: number,
  facts: NodeFacts,
  term: number,
): WelcomeMessage {
  return [
    MessageType.welcome,
    {
      session: session.id,
      ...(secret === null ? {} : { secret }),
      resumed,
      timeoutMs: session.timeoutMs,
      pingMs: Math.floor(session.timeoutMs / PINGS_PER_TIMEOUT),
      serverMs,
      acked: session.acked,
      lastRequest: session.lastRequest,
      node: facts.node,
      term,
      features: FEATURES,
      limits: WELCOME_LIMITS,
    },
  ];
}

/** The holds and waiting requests of a resumed session, in as many messages as their size needs. */
export function* restoreMessages(
  session: SessionView,
  machine: MachineView,
): Iterable<{ readonly message: ServerMessage; readonly bytes: number }> {
  let holds: RestoredHold[] = [];
  let queued: RestoredQueued[] = [];
  let bytes = 16;
  for (const request of session.requests()) {
    const key = request.keyState.name;
    const mode = request.mode === 'shared' ? MODE_SHARED : MODE_EXCLUSIVE;
    if (request.held) {
      const leaseEndMs = request.dueMs === NEVER ? null : request.dueMs;
      holds.push([request.number, key, mode, request.token, leaseEndMs]);
    } else {
      queued.push([request.number, key, mode, machine.place(request)]);
    }
    bytes += 40 + key.length * 3;
    if (bytes > limits.pageBytesTarget) {
      yield { message: [MessageType.restore, holds, queued, false], bytes };
      holds = [];
      queued = [];
      bytes = 16;
    }
  }
  yield { message: [MessageType.restore, holds, queued, true], bytes };
}

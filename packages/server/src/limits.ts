/** Every bound of the server in one place. The relations between them are asserted when this file is loaded. */
import { FRAME_BYTES_MAX, PATTERN_BYTES_MAX, SERVER_FRAME_BYTES_MAX } from '@holdfast/protocol';
import type { MachineLimits } from '@holdfast/core';

export const machineLimits: MachineLimits = {
  sessionsMax: 100_000,
  requestsPerSessionMax: 10_000,
  queueLengthMax: 200_000,
};

export const limits = {
  /** Sockets of the port, whatever they say. More are closed at once. */
  socketsMax: 62_000,
  /** WebSocket connections, with or without a session. */
  connectionsMax: 60_000,
  /** Sockets that have not said hello. One more makes the oldest of them go, so silent sockets cannot lock anybody out. */
  newConnectionsMax: 1_000,
  watchesPerConnectionMax: 100,
  /** Distinct patterns with wildcards over all watches: each costs a match an event. */
  patternsMax: 1_000,
  callsPerConnectionMax: 64,
  /** Unsent bytes of a connection beyond which its lists pause. */
  outboxScanBytes: 64 * 1024,
  /** Unsent bytes of a connection beyond which its watches get no events. */
  outboxWatchBytes: 256 * 1024,
  /** Unsent bytes of a connection, on top of the most that one turn had to say, beyond which it is closed as a slow reader. */
  outboxBytesMax: 1024 * 1024,
  /** A connection with unsent bytes that takes none of them for this long is closed as a slow reader. */
  outboxStuckMs: 5_000,
  /** Encoded size at which an outbox starts another frame, and messages in one frame. */
  frameBytesTarget: 256 * 1024,
  frameMessagesTarget: 1_024,
  /** Encoded size of one message that carries rows: results, states, restores. */
  pageBytesTarget: 32 * 1024,
  /** Keys looked at in one turn of the event loop by a scan. */
  scanKeysPerTurn: 2_000,
  /** Recent steps kept for watches that come back with a position. */
  recentEventsMax: 10_000,
  /** For how long after the last watch went they are kept. */
  recentEventsKeptMs: 60_000,
  /** Holders listed in a state event or a row of a list; waiters listed for one key. */
  holdersListedMax: 16,
  queueListedMax: 100,
  /** Places told: how often, to how many of a queue, and how many in all in one round. */
  placesEveryMs: 1_000,
  placesPerKeyMax: 100,
  placesPerRoundMax: 1_000,
  /** Keys and waiting requests looked at for it in one round. */
  placesLookedPerRoundMax: 20_000,
  /** Commands in the log since the last snapshot, at least, before another one is taken. A start replays about a million a second or two. */
  snapshotCommandsMin: 200_000,
  /** How long new sessions wait, after the start of a node, for those that may resume. */
  resumesFirstMs: 200,
  /** Pause before a deadline is tried again when the log did not take it. */
  deadlineRetryMs: 100,
  /** A timer of the liveness check that fires later than this says that the process stalled. */
  stallMs: 200,
  /** HTTP: request line and headers. */
  headerBytesMax: 8 * 1024,
  headersMs: 5_000,
  requestMs: 10_000,
  /** Time a socket gets to finish its closing handshake. */
  closeMs: 2_000,
} as const;

const relations: readonly (readonly [boolean, string])[] = [
  [limits.connectionsMax < limits.socketsMax, 'a health check still gets in when all connections are taken'],
  [limits.newConnectionsMax <= limits.connectionsMax, 'new connections are connections'],
  [limits.outboxWatchBytes < limits.outboxBytesMax, 'watches go quiet before a connection is closed'],
  [limits.frameBytesTarget + limits.pageBytesTarget * 2 <= SERVER_FRAME_BYTES_MAX, 'a frame stays under its bound'],
  [limits.outboxScanBytes + limits.pageBytesTarget < limits.outboxWatchBytes, 'lists do not hold up events'],
  [PATTERN_BYTES_MAX < FRAME_BYTES_MAX, 'a pattern fits into a frame'],
  [machineLimits.requestsPerSessionMax <= machineLimits.queueLengthMax, 'one session may fill its own queue'],
];
for (const [holds, what] of relations) {
  if (!holds) throw new Error(`limits contradict each other: ${what}`);
}

/** The public API of the Holdfast SDK. */
export { connect } from './connect.js';
export type { ForceReleaseOptions, Holdfast, HoldfastState, ListOptions, WatchOptions } from './client.js';
export type { Duration } from './duration.js';
export type { LossReason } from './errors.js';
export { AcquireError, ConnectionError, HoldfastError, LockLostError } from './errors.js';
export type { Lock, LockState } from './lock.js';
export type { AcquireOptions, ConnectOptions, LockMode, TryAcquireOptions } from './options.js';
export type { HoldStatus, KeyStatus, KeySummary, ServerStatus, SessionSummary, WaiterStatus } from './status.js';
export type {
  EndedEvent,
  GapEvent,
  GrantedEvent,
  HoldView,
  QueuedEvent,
  StateEvent,
  SyncedEvent,
  WatchEvent,
} from './watch-events.js';

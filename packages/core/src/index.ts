export type {
  Acquire,
  BeginTerm,
  Cancel,
  Command,
  ConfirmSession,
  EndSession,
  Entry,
  Extend,
  ForceRelease,
  MachineLimits,
  Meta,
  Mode,
  OpenSession,
  Release,
  ResumeSession,
  SessionEndReason,
} from './commands.js';
export type {
  Effect,
  EndCode,
  Ended,
  Extended,
  Forced,
  Granted,
  Queued,
  Refused,
  SessionEnded,
  SessionOpened,
  SessionRefused,
  SessionResumed,
} from './effects.js';
export { type Deadline, DeadlineHeap } from './deadlines.js';
export { checkInvariants } from './invariants.js';
export { Machine } from './machine.js';
export type { SnapshotReader } from './snapshot-reader.js';
export type { SnapshotRow, SnapshotValue } from './snapshot-rows.js';
export type { KeyView, MachineView, RequestView, SessionView } from './views.js';
export { NEVER } from './state.js';

/**
 * The machine: lock rules as a fold over the entries of a log. Same entries in, same effects and byte-identical snapshots out.
 *
 * It has no clock, no randomness and no I/O: time and identities come with the entries. It changes its own state only, and says what
 * happened by adding to a list that the caller gives.
 */
import type { Command, Entry } from './commands.js';
import type { Effect } from './effects.js';
import { checkOrder, checkTerm } from './checks.js';
import { acquire, cancel, extend, fireDue, forceRelease, release } from './locks.js';
import { placeOf } from './places.js';
import { confirmSession, endSession, openSession, resumeSession } from './sessions.js';
import { SnapshotReader } from './snapshot-reader.js';
import type { SnapshotRow } from './snapshot-rows.js';
import { SnapshotWalk } from './snapshot-walk.js';
import { Request, State } from './state.js';
import type { KeyView, MachineView, RequestView, SessionView } from './views.js';

export class Machine implements MachineView {
  /** For core's own files, such as invariants.ts. Everybody else reads the machine through `MachineView`. */
  readonly state: State;

  constructor(state: State = new State()) {
    this.state = state;
  }

  /** The machine that a snapshot shows. Throws when the rows are not a whole snapshot of a version that it knows. */
  static restore(rows: Iterable<SnapshotRow>): Machine {
    const machine = new Machine();
    const reader = machine.load();
    for (const row of rows) {
      reader.add(row);
    }
    reader.finish();
    return machine;
  }

  /** Takes in a snapshot, row by row. Only for a machine that has applied nothing; it must not be used otherwise until the reader has finished. */
  load(): SnapshotReader {
    if (this.state.index !== 0) {
      throw new Error('a machine that has applied entries cannot take in a snapshot');
    }
    return new SnapshotReader(this.state);
  }

  /**
   * Fires every deadline that is due at the entry's time, then runs its commands in order. Adds to `effects` what happened.
   *
   * Throws when the entry cannot follow the last one, or holds what the protocol layer must not let through. The entry may be applied
   * in part then, so the machine must not be used further.
   */
  apply(entry: Entry, effects: Effect[]): void {
    const { state } = this;
    checkOrder(state, entry);
    state.index = entry.index;
    state.term = entry.term;
    state.nowMs = entry.nowMs;
    fireDue(state, effects);
    for (const command of entry.commands) {
      run(state, command, effects);
    }
  }

  /**
   * The whole present state as rows of primitives, to be read at any pace: entries may be applied between two rows and change nothing of
   * it. While it is neither read to its end nor given up by `return`, every first change of a session or a request costs one row more. Beginning another one gives it up.
   *
   * Canonical when it is read before the next apply(): states made by the same entries give the same rows, whether or not a snapshot lay in between.
   */
  snapshot(): IterableIterator<SnapshotRow> {
    this.state.walk?.giveUp();
    const walk = new SnapshotWalk(this.state);
    this.state.walk = walk;
    return walk;
  }

  get index(): number {
    return this.state.index;
  }

  get term(): number {
    return this.state.term;
  }

  get nowMs(): number {
    return this.state.nowMs;
  }

  get sessionCount(): number {
    return this.state.sessions.size;
  }

  get keyCount(): number {
    return this.state.keys.size;
  }

  get heldCount(): number {
    return this.state.heldCount;
  }

  get waitingCount(): number {
    return this.state.waitingCount;
  }

  get nextDueMs(): number {
    return this.state.deadlines.nextDueMs;
  }

  session(id: string): SessionView | undefined {
    return this.state.sessions.get(id);
  }

  sessions(): IterableIterator<SessionView> {
    return this.state.sessions.values();
  }

  request(session: string, request: number): RequestView | undefined {
    const record = this.state.sessions.get(session)?.records?.get(request);
    return record instanceof Request ? record : undefined;
  }

  key(name: string): KeyView | undefined {
    return this.state.keys.get(name);
  }

  keys(): IterableIterator<KeyView> {
    return this.state.keys.values();
  }

  place(request: RequestView): number {
    if (!(request instanceof Request)) {
      throw new TypeError('not a request of a machine');
    }
    return placeOf(request);
  }
}

function run(state: State, command: Command, effects: Effect[]): void {
  switch (command.type) {
    case 'acquire':
      return acquire(state, command, effects);
    case 'release':
      return release(state, command, effects);
    case 'cancel':
      return cancel(state, command, effects);
    case 'extend':
      return extend(state, command, effects);
    case 'open-session':
      return openSession(state, command, effects);
    case 'resume-session':
      return resumeSession(state, command, effects);
    case 'confirm-session':
      return confirmSession(state, command);
    case 'end-session':
      return endSession(state, command, effects);
    case 'force-release':
      return forceRelease(state, command, effects);
    case 'begin-term':
      checkTerm(command);
      state.token = Math.max(state.token, command.tokenFloor);
      state.limits = command.limits;
      return;
    default:
      command satisfies never;
      throw new Error('an entry holds a command that this machine does not know');
  }
}

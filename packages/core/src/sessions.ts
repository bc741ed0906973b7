/** The commands on sessions. Who is heard and when a session has to end is decided outside; here it is written down. */
import type { ConfirmSession, EndSession, OpenSession, ResumeSession } from './commands.js';
import type { Effect } from './effects.js';
import { tellForgotten } from './answers.js';
import { checkTimeout } from './checks.js';
import { leave, settle } from './requests.js';
import { SessionState, type State } from './state.js';

export function openSession(state: State, command: OpenSession, effects: Effect[]): void {
  const { session } = command;
  checkTimeout(command.timeoutMs);
  if (state.sessions.has(session)) {
    effects.push({ type: 'session-refused', session, code: 'SESSION_TAKEN', secretHash: null });
  } else if (state.sessions.size >= state.limits.sessionsMax) {
    effects.push({ type: 'session-refused', session, code: 'SESSION_LIMIT', secretHash: null });
  } else {
    state.sessions.set(
      session,
      new SessionState(session, ++state.ticket, command.client, command.timeoutMs, state.nowMs, command.secretHash),
    );
    effects.push({ type: 'session-opened', session });
  }
}

/** Older secrets that a session keeps at most. Only resumes without a word from the client in between add to them. */
const OLDER_MAX = 15;

/**
 * The proof may be any secret that the client can have: the last one that it was heard with, or one that was handed out since. The welcome
 * that carried a newer one may have been lost, and so may the connection that a newer one was meant for: a resume that was stuck in the network
 * can come after the one that its client tried next. What is older than the proof is spent, because the client has shown that it has the proof.
 */
export function resumeSession(state: State, command: ResumeSession, effects: Effect[]): void {
  const { session: id, proofHash, secretHash } = command;
  const session = state.sessions.get(id);
  const secrets = session === undefined ? [] : secretsOf(session);
  const proof = secrets.indexOf(proofHash);
  // A session that is not resumable has no secret, so no proof fits it.
  if (session === undefined || proof === -1) {
    effects.push({ type: 'session-refused', session: id, code: 'SESSION_OVER', secretHash });
    return;
  }
  state.walk?.keepSession(session);
  const older = secrets.slice(proof);
  if (older.length > OLDER_MAX) {
    // The client has the proof, or one of the latest.
    older.splice(1, older.length - OLDER_MAX);
  }
  session.olderHashes = older;
  session.secretHash = secretHash;
  effects.push({ type: 'session-resumed', session: id, secretHash });
}

/** The client was heard with a secret: those before it are spent. Those after it are not: a newer resume's client may have only its own. */
export function confirmSession(state: State, command: ConfirmSession): void {
  const session = state.sessions.get(command.session);
  if (session === undefined) {
    return;
  }
  const secrets = secretsOf(session);
  const heard = secrets.indexOf(command.secretHash);
  if (heard > 0) {
    state.walk?.keepSession(session);
    session.olderHashes = heard === secrets.length - 1 ? null : secrets.slice(heard, -1);
  }
}

/** Hashes of the secrets that resume the session, oldest first. */
function secretsOf({ olderHashes, secretHash }: SessionState): string[] {
  return secretHash === null ? [] : [...(olderHashes ?? []), secretHash];
}

/**
 * Everything the session holds and waits for goes in one step. All of it leaves before any key is settled, so that no waiting
 * request of this session is granted what another one of it held.
 */
export function endSession(state: State, command: EndSession, effects: Effect[]): void {
  const session = state.sessions.get(command.session);
  if (session === undefined) {
    return;
  }
  state.walk?.keepSession(session);
  for (const request of session.requests()) {
    leave(state, request);
    const token = request.held ? request.token : null;
    tellForgotten(session.id, request.number, request.keyState.name, 'SESSION_OVER', token, effects);
  }
  for (const request of session.requests()) {
    settle(state, request.keyState, effects);
  }
  state.sessions.delete(session.id);
  effects.push({ type: 'session-ended', session: session.id, reason: command.reason });
}

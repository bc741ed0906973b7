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

/**
 * The proof may be the present secret or the one before it: the welcome that carried the present one may have been lost. The proof
 * stays valid until the resume is confirmed, so that losing this welcome does not strand the client either.
 */
export function resumeSession(state: State, command: ResumeSession, effects: Effect[]): void {
  const { session: id, proofHash, secretHash } = command;
  const session = state.sessions.get(id);
  // A session that is not resumable has neither hash, so no proof fits it.
  if (session === undefined || (proofHash !== session.secretHash && proofHash !== session.previousHash)) {
    effects.push({ type: 'session-refused', session: id, code: 'SESSION_OVER', secretHash });
    return;
  }
  state.walk?.keepSession(session);
  session.previousHash = proofHash;
  session.secretHash = secretHash;
  effects.push({ type: 'session-resumed', session: id, secretHash });
}

/** A confirmation that a newer resume has overtaken changes nothing: the newer one's proof has to stay valid. */
export function confirmSession(state: State, command: ConfirmSession): void {
  const session = state.sessions.get(command.session);
  if (session !== undefined && session.secretHash === command.secretHash) {
    state.walk?.keepSession(session);
    session.previousHash = null;
  }
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

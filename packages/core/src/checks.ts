/**
 * Assertions that stay on. The protocol layer has validated what clients say, so what fails here is a fault of the program that wrote
 * the entry. Numbers are checked because a wrong one would not show at once: it would be in the state, and then in a snapshot that
 * cannot be restored.
 */
import type { Acquire, BeginTerm, Entry } from './commands.js';
import type { State } from './state.js';

/** Entries follow each other without a gap; terms and log time never fall. */
export function checkOrder(state: State, entry: Entry): void {
  if (entry.index !== state.index + 1) {
    throw new Error(`entry ${entry.index} cannot follow entry ${state.index}`);
  }
  if (!isInteger(entry.term, state.term)) {
    throw new Error(`entry ${entry.index}: term ${entry.term} cannot follow term ${state.term}`);
  }
  if (!isInteger(entry.nowMs, state.nowMs)) {
    throw new Error(`entry ${entry.index}: log time ${entry.nowMs} cannot follow log time ${state.nowMs}`);
  }
}

export function checkTerm(command: BeginTerm): void {
  const { sessionsMax, requestsPerSessionMax, queueLengthMax } = command.limits;
  checkInteger(command.tokenFloor, 0, 'token');
  checkInteger(sessionsMax, 0, 'limit');
  checkInteger(requestsPerSessionMax, 0, 'limit');
  checkInteger(queueLengthMax, 0, 'limit');
}

export function checkAcquire(command: Acquire): void {
  checkInteger(command.request, 1, 'request number');
  checkInteger(command.acked, 0, 'ending number');
  if (command.waitMs !== null) {
    checkInteger(command.waitMs, 0, 'wait');
  }
  checkLease(command.leaseMs);
}

export function checkLease(leaseMs: number | null): void {
  if (leaseMs !== null) {
    checkInteger(leaseMs, 1, 'lease');
  }
}

export function checkTimeout(timeoutMs: number): void {
  checkInteger(timeoutMs, 1, 'session time-out');
}

function checkInteger(value: number, least: number, what: string): void {
  if (!isInteger(value, least)) {
    throw new Error(`not a ${what}: ${value}`);
  }
}

function isInteger(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}

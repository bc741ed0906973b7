/**
 * The list of a key's requests, linked through the requests themselves: first those that hold, in order of grant, then those that
 * wait, in order of arrival. Adding at the end, moving the border and taking any request out are O(1).
 *
 * These functions keep links, border and the key's own counts; totals, deadlines and tokens are the caller's.
 */
import { joinQueue, leaveQueue } from './places.js';
import type { KeyState, Request } from './state.js';

/** Adds a holder. Only while nobody waits: a holder behind a waiting request would have overtaken it. */
export function appendHolder(key: KeyState, request: Request): void {
  if (key.firstWaiting !== null) {
    throw new Error(`request ${request.number} may not overtake the queue of its key`);
  }
  append(key, request);
  key.heldCount++;
}

/** Adds a request at the end of the queue. */
export function appendWaiting(key: KeyState, request: Request): void {
  joinQueue(key, request);
  append(key, request);
  key.firstWaiting ??= request;
  key.waitingCount++;
}

/** Moves the border behind the first waiting request: it holds now. */
export function advanceBorder(key: KeyState): void {
  const request = key.firstWaiting;
  if (request === null) {
    throw new Error('nobody waits for this key');
  }
  leaveQueue(key, request);
  key.firstWaiting = request.next;
  key.waitingCount--;
  key.heldCount++;
}

/** Takes a request out, whether it holds or waits. */
export function removeRequest(key: KeyState, request: Request): void {
  if (request.queueTicket === -1) {
    key.heldCount--;
  } else {
    leaveQueue(key, request);
    if (key.firstWaiting === request) {
      key.firstWaiting = request.next;
    }
    key.waitingCount--;
  }
  const { previous, next } = request;
  if (previous === null) {
    key.first = next;
  } else {
    previous.next = next;
  }
  if (next === null) {
    key.last = previous;
  } else {
    next.previous = previous;
  }
  // A dead request in the old generation would keep the younger ones it points to alive until the next full collection.
  request.previous = null;
  request.next = null;
}

function append(key: KeyState, request: Request): void {
  const { last } = key;
  request.previous = last;
  if (last === null) {
    key.first = request;
  } else {
    last.next = request;
  }
  key.last = request;
}

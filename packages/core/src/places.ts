/**
 * The place of a waiting request in its queue, in O(log n), without touching the others when somebody leaves.
 *
 * Requests take tickets when they join a queue. While all departures are at its two ends, the tickets are dense and a place is a
 * difference of two tickets. The first departure from the middle allocates a tree of holes; then a place is that difference less the
 * holes in between. When the tickets outgrow the tree, the queue is numbered anew and the tree goes: that walk is paid for by at least
 * half as many arrivals as the tree has room for. An empty queue has no tree.
 *
 * The tree is a binary indexed tree: P. M. Fenwick, "A new data structure for cumulative frequency tables" (1994).
 */
import type { KeyState, Request } from './state.js';

const CAPACITY_MIN = 16;

/** Which tickets of a queue have left its middle. */
export class HoleTree {
  private readonly base: number;
  private readonly counts: Int32Array;
  private nextTicket: number;

  /** For a queue whose tickets go from `base` to `nextTicket` - 1. */
  constructor(base: number, nextTicket: number) {
    let capacity = CAPACITY_MIN;
    while (capacity < 2 * (nextTicket - base)) {
      capacity *= 2;
    }
    this.base = base;
    this.nextTicket = nextTicket;
    this.counts = new Int32Array(capacity + 1);
  }

  /** A ticket for a request that joins, or -1: the tree has no room for more. */
  take(): number {
    return this.nextTicket - this.base < this.counts.length - 1 ? this.nextTicket++ : -1;
  }

  add(ticket: number): void {
    const { counts } = this;
    for (let index = ticket - this.base + 1; index < counts.length; index += index & -index) {
      counts[index]!++;
    }
  }

  /** How many holes there are from the ticket `from` to before the ticket `to`. */
  between(from: number, to: number): number {
    return this.before(to) - this.before(from);
  }

  private before(ticket: number): number {
    const { counts } = this;
    let count = 0;
    for (let index = ticket - this.base; index > 0; index -= index & -index) {
      count += counts[index]!;
    }
    return count;
  }
}

/** Gives a request its ticket. To be called before it is linked at the end of the queue. */
export function joinQueue(key: KeyState, request: Request): void {
  if (key.firstWaiting === null) {
    request.queueTicket = 0;
    return;
  }
  if (key.holes !== null) {
    const ticket = key.holes.take();
    if (ticket !== -1) {
      request.queueTicket = ticket;
      return;
    }
    numberAnew(key);
  }
  request.queueTicket = key.last!.queueTicket + 1; // somebody waits, so there is a last one, and it waits
}

/** Takes a request's ticket back. To be called while it is still linked and the border has not moved. */
export function leaveQueue(key: KeyState, request: Request): void {
  const { firstWaiting, last } = key;
  if (firstWaiting === last) {
    key.holes = null;
  } else if (request !== firstWaiting) {
    if (key.holes === null && request !== last) {
      key.holes = new HoleTree(firstWaiting!.queueTicket, last!.queueTicket + 1); // the queue is not empty: `request` is in it
    }
    key.holes?.add(request.queueTicket);
  }
  request.queueTicket = -1;
}

/** 1-based; 0 when the request does not wait. */
export function placeOf(request: Request): number {
  const ticket = request.queueTicket;
  if (ticket === -1) {
    return 0;
  }
  const { firstWaiting, holes } = request.keyState;
  const base = firstWaiting!.queueTicket; // the queue is not empty: `request` is in it
  return ticket - base + 1 - (holes === null ? 0 : holes.between(base, ticket));
}

function numberAnew(key: KeyState): void {
  let ticket = 0;
  for (let request = key.firstWaiting; request !== null; request = request.next) {
    request.queueTicket = ticket++;
  }
  key.holes = null;
}

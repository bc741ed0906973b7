import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeOf } from '../src/places.js';
import { advanceBorder, appendHolder, appendWaiting, removeRequest } from '../src/request-list.js';
import { KeyState, Request, SessionState } from '../src/state.js';

const SESSION = new SessionState('s', 1, '', 5000, 0, null);

function requestOf(key: KeyState, number: number): Request {
  return new Request(number, 'exclusive', null, key, SESSION, number, 0);
}

function describeKey(key: KeyState): string {
  const holders = Array.from(key.holders(), (request) => request.number);
  const queue = Array.from(key.queue(), (request) => request.number);
  return `${key.heldCount} hold: ${holders.join()}; ${key.waitingCount} wait: ${queue.join()}`;
}

function describeArrays(holders: Request[], queue: Request[]): string {
  const numbers = (requests: Request[]) => requests.map((request) => request.number).join();
  return `${holders.length} hold: ${numbers(holders)}; ${queue.length} wait: ${numbers(queue)}`;
}

/** More joins than departures, so that queues grow; runs of joins, so that tickets outgrow trees. */
const operation = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('join' as const), times: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('leave' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('leave end' as const) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('grant' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('release' as const) }) },
);

describe('places in a queue', () => {
  it('are the positions in an array that is searched', () => {
    let trees = 0;
    let renumberings = 0;
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120, size: 'max' }), (operations) => {
        const key = new KeyState('k');
        const queue: Request[] = [];
        const holders: Request[] = [];
        let number = 0;
        for (const step of operations) {
          const before = key.holes;
          if (step.type === 'join') {
            for (let time = 0; time < step.times; time++) {
              const request = requestOf(key, ++number);
              appendWaiting(key, request);
              queue.push(request);
            }
            renumberings += before !== null && key.holes === null ? 1 : 0;
          } else if (step.type === 'grant' && queue.length > 0) {
            advanceBorder(key);
            holders.push(queue.shift()!);
          } else if (step.type === 'release' && holders.length > 0) {
            removeRequest(key, holders.shift()!);
          } else if (queue.length > 0 && (step.type === 'leave' || step.type === 'leave end')) {
            const index = step.type === 'leave' ? step.pick % queue.length : queue.length - 1;
            const [gone] = queue.splice(index, 1);
            removeRequest(key, gone!);
            if (placeOf(gone!) !== 0) {
              throw new Error('who has left has a place');
            }
          }
          trees += before === null && key.holes !== null ? 1 : 0;
          for (const [index, request] of queue.entries()) {
            if (placeOf(request) !== index + 1) {
              throw new Error(`request ${request.number} is told place ${placeOf(request)} and is at ${index + 1}`);
            }
          }
          if (holders.some((request) => placeOf(request) !== 0)) {
            throw new Error('a holder has a place');
          }
          if (describeKey(key) !== describeArrays(holders, queue)) {
            throw new Error(`the key is\n${describeKey(key)}\nthe arrays are\n${describeArrays(holders, queue)}`);
          }
        }
      }),
      { numRuns: 1_000, seed: 1 },
    );
    expect(trees).toBeGreaterThan(500);
    expect(renumberings).toBeGreaterThan(100);
  });

  it('need no tree while requests leave at the two ends only', () => {
    const key = new KeyState('k');
    for (let number = 1; number <= 100; number++) {
      appendWaiting(key, requestOf(key, number));
    }
    while (key.waitingCount > 50) {
      removeRequest(key, key.firstWaiting!);
      removeRequest(key, key.last!);
    }
    expect(key.holes).toBeNull();
    removeRequest(key, key.firstWaiting!.next!);
    expect(key.holes).not.toBeNull();
  });

  it('keep no tree when the queue is empty', () => {
    const key = new KeyState('k');
    for (let number = 1; number <= 3; number++) {
      appendWaiting(key, requestOf(key, number));
    }
    removeRequest(key, key.firstWaiting!.next!);
    advanceBorder(key);
    expect(key.holes).not.toBeNull();
    advanceBorder(key);
    expect(key.holes).toBeNull();
  });
});

describe('the list of a key', () => {
  it('lets no holder in past the queue, and grants nobody when nobody waits', () => {
    const key = new KeyState('k');
    expect(() => advanceBorder(key)).toThrow('nobody waits');
    appendWaiting(key, requestOf(key, 1));
    expect(() => appendHolder(key, requestOf(key, 2))).toThrow('may not overtake');
  });
});

import { PerformanceObserver, constants } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { processorWaits } from './processor.js';

/** How often the event loop is asked for a turn, and so how exact a pause is. */
const EVERY_MS = 1;
/** Shorter ones, without what they waited, are not looked into. */
const NOTED_MS = 20;

const KINDS = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weak callbacks'],
]);

/**
 * A time in which the event loop did not turn.
 *
 * @typedef {object} Pause
 * @property {number} startMs of this process
 * @property {number} ms
 * @property {number} waitedMs of it in which the machine ran something else on the processor that this thread was ready for
 * @property {Record<string, number>} gc milliseconds of it in which garbage was collected, by kind
 */

/**
 * Watches the event loop of this process: a timer that is always due, and the distance between two of its calls. Everything between them
 * counts: one long task, many short ones in one turn, garbage collection, and times in which the machine ran something else.
 * @returns {{ stop: () => Promise<Pauses> }}
 *
 * @typedef {object} Pauses
 * @property {number} longestMs
 * @property {number} longestOwnMs the longest, each without its waitedMs; where the system does not count that, the same as longestMs
 * @property {Pause[]} pauses the noted ones
 */
export function watchPauses() {
  const pauses = [];
  const collections = [];
  const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  const processor = processorWaits();
  let longestMs = 0;
  let longestOwnMs = 0;
  let last = performance.now();
  let waitedBefore = processor?.waitedMs() ?? 0;
  const look = () => {
    const now = performance.now();
    const waited = processor?.waitedMs() ?? 0;
    const ms = now - last;
    const waitedMs = Math.min(ms, waited - waitedBefore);
    longestMs = Math.max(longestMs, ms);
    longestOwnMs = Math.max(longestOwnMs, ms - waitedMs);
    if (ms - waitedMs >= NOTED_MS) pauses.push({ startMs: last, ms, waitedMs });
    last = now;
    waitedBefore = waited;
  };
  const timer = setInterval(look, EVERY_MS);

  return {
    async stop() {
      look();
      clearInterval(timer);
      processor?.close();
      // Collections are told of in a later turn.
      await turn();
      await turn();
      collections.push(...observer.takeRecords());
      observer.disconnect();
      return {
        longestMs,
        longestOwnMs,
        pauses: pauses.map((pause) => ({ ...pause, gc: collectionsIn(pause, collections) })),
      };
    },
  };
}

function collectionsIn({ startMs, ms }, collections) {
  const byKind = {};
  for (const { startTime, duration, detail } of collections) {
    const overlapMs = Math.min(startMs + ms, startTime + duration) - Math.max(startMs, startTime);
    if (overlapMs <= 0) continue;
    const kind = KINDS.get(detail.kind) ?? String(detail.kind);
    byKind[kind] = (byKind[kind] ?? 0) + overlapMs;
  }
  return byKind;
}

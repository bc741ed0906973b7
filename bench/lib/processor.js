import { closeSync, openSync, readSync } from 'node:fs';

const LENGTH_MAX = 128;

/**
 * How long a thread was ready to run while the machine ran something else, as Linux counts it (the second number of
 * schedstat, see proc(5)).
 * @param {number | 'thread-self'} [thread] the main thread of this process, or this thread
 * @returns {{ waitedMs: () => number, close: () => void } | null} waitedMs: since the thread began; null where nobody counts
 */
export function processorWaits(thread = 'thread-self') {
  let file;
  try {
    file = openSync(`/proc/${thread}/schedstat`, 'r');
  } catch {
    return null;
  }
  const bytes = Buffer.alloc(LENGTH_MAX);
  return {
    waitedMs() {
      const length = readSync(file, bytes, 0, LENGTH_MAX, 0);
      return Number(bytes.latin1Slice(0, length).split(' ')[1]) / 1e6;
    },
    close: () => closeSync(file),
  };
}

import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { percentile } from '../lib/stats.js';

const RECORD = new Uint8Array(100).fill(1);

/**
 * The floor of every durable write on this disk: 100 bytes appended to a growing file, and fdatasync, one after the other, in one
 * thread that waits for nothing else.
 * @param {{ directory: string }} params
 */
export async function openFdatasync({ directory }) {
  const path = join(directory, 'appended');
  closeSync(openSync(path, 'wx'));

  return {
    /** @returns {Promise<{ operations: number, seconds: number, p50Us: number }>} */
    async round({ seconds }) {
      const microseconds = [];
      const file = openSync(path, 'a');
      const start = performance.now();
      const end = start + seconds * 1000;
      let last = start;
      while (last < end) {
        writeSync(file, RECORD);
        fdatasyncSync(file);
        const now = performance.now();
        microseconds.push((now - last) * 1000);
        last = now;
      }
      closeSync(file);
      return {
        operations: microseconds.length,
        seconds: (last - start) / 1000,
        p50Us: percentile(microseconds, 0.5),
      };
    },
  };
}

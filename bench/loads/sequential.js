import { clientNamed } from '../clients/index.js';
import { percentile } from '../lib/stats.js';

/** 12 characters, as the bound on the growth of the log has it. */
const KEY = 'orders/00001';

/**
 * One connection that acquires and releases one key by turns, and times each of these round trips.
 * @param {{ url: string, client: 'sdk' | 'wire' }} params
 */
export async function openSequential({ url, client }) {
  const open = await clientNamed(client);
  const connection = await open(url);

  return {
    /** @returns {Promise<{ operations: number, seconds: number, p50Us: number }>} an operation is a pair */
    async round({ seconds }) {
      const microseconds = [];
      const start = performance.now();
      const end = start + seconds * 1000;
      let last = start;
      while (last < end) {
        const hold = await connection.acquire(KEY);
        const granted = performance.now();
        await hold.release();
        const released = performance.now();
        microseconds.push((granted - last) * 1000, (released - granted) * 1000);
        last = released;
      }
      return {
        operations: microseconds.length / 2,
        seconds: (last - start) / 1000,
        p50Us: percentile(microseconds, 0.5),
      };
    },
  };
}

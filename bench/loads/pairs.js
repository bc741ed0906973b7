import { clientNamed, openMany } from '../clients/index.js';

/** A round ends at about this many operations at the latest. */
const OPERATIONS_MAX = 20_000_000;

/**
 * Pairs of acquire and release, each task on a key of its own.
 * @param {{ url: string, client: 'sdk' | 'wire', connections: number, tasks: number, fresh?: boolean }} params
 *     `tasks` a connection; `fresh`: every pair takes a key that was never used before
 */
export async function openPairs({ url, client, connections, tasks, fresh = false }) {
  const open = await clientNamed(client);
  const opened = await openMany(connections, () => open(url));
  const workers = opened.flatMap((connection, i) =>
    Array.from({ length: tasks }, (_, j) => ({ connection, key: `pairs/${i}/${j}`, used: 0 })),
  );

  return {
    /** @param {{ seconds: number, operationsMax?: number }} params it ends when one of them is reached */
    async round({ seconds, operationsMax = OPERATIONS_MAX }) {
      let operations = 0;
      const start = performance.now();
      const end = start + seconds * 1000;
      const work = async (worker) => {
        while (performance.now() < end && operations < operationsMax) {
          const key = fresh ? `${worker.key}/${++worker.used}` : worker.key;
          const hold = await worker.connection.acquire(key);
          await hold.release();
          operations++;
        }
      };
      await Promise.all(workers.map(work));
      return { operations, seconds: (performance.now() - start) / 1000 };
    },
  };
}

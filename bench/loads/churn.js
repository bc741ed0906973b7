import { holdKeys } from './held.js';

/** Sessions that work, and tasks of each: enough under way for several snapshots a minute. */
const WORKING_SESSIONS = 16;
const TASKS_PER_SESSION = 16;

/**
 * Holds many keys and keeps changing them: each task acquires and releases a key that was never used, then releases
 * one of its held keys and acquires it again, so that in time every part of the state changes while it is being saved.
 * @param {{ url: string, keys: number }} params
 */
export async function openChurn({ url, keys }) {
  const sessions = await holdKeys({ url, keys });
  const workers = sessions.slice(0, WORKING_SESSIONS).flatMap(({ connection, holds }, i) =>
    Array.from({ length: TASKS_PER_SESSION }, (_, j) => ({
      connection,
      holds,
      name: `fresh/${i}/${j}`,
      at: j,
      used: 0,
    })),
  );

  return {
    /** @returns {Promise<{ operations: number, seconds: number }>} an operation is a pair */
    async round({ seconds }) {
      let operations = 0;
      const start = performance.now();
      const end = start + seconds * 1000;
      const work = async (worker) => {
        const { connection, holds, name } = worker;
        while (performance.now() < end) {
          const hold = await connection.acquire(`${name}/${++worker.used}`);
          await hold.release();
          const held = holds[worker.at];
          await held.hold.release();
          held.hold = await connection.acquire(held.key);
          worker.at = (worker.at + TASKS_PER_SESSION) % holds.length;
          operations += 2;
        }
      };
      await Promise.all(workers.map(work));
      return { operations, seconds: (performance.now() - start) / 1000 };
    },
  };
}

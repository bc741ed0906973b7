import { setImmediate as turn } from 'node:timers/promises';
import { clientNamed, openMany } from '../clients/index.js';

const KEY = 'queue';

/**
 * Hand-overs of one key: `requests` requests, spread over the connections, of which one holds and the others wait.
 * A holder releases at once and queues up again in the same turn, so the queue keeps its length. Between rounds
 * the key is held.
 * @param {{ url: string, client: 'sdk' | 'wire', connections: number, requests: number }} params
 */
export async function openQueue({ url, client, connections, requests }) {
  const open = await clientNamed(client);
  const opened = await openMany(connections, () => open(url));
  const state = { end: 0, handovers: 0, parked: null, started: 0 };

  const wait = () =>
    new Promise((resume) => {
      state.parked?.();
      state.resume = resume;
    });

  const queueUp = async (connection) => {
    let next = connection.acquire(KEY);
    for (;;) {
      const hold = await next;
      if (performance.now() >= state.end) await wait();
      state.handovers++;
      const released = hold.release();
      next = connection.acquire(KEY);
      await released;
    }
  };

  // One request a connection and turn, so that neighbours in the queue belong to different connections.
  const first = new Promise((resolve) => {
    state.parked = resolve;
  });
  for (let i = 0; i < requests; i++) {
    void queueUp(opened[i % connections]);
    if (i % connections === connections - 1) await turn();
  }
  await first;
  // A connection is heard in order: when this comes back, everything before it stands in the queue.
  for (const [i, connection] of opened.entries()) await (await connection.acquire(`fence/${i}`)).release();

  return {
    async round({ seconds }) {
      const start = performance.now();
      state.handovers = 0;
      state.end = start + seconds * 1000;
      const parked = new Promise((resolve) => {
        state.parked = resolve;
      });
      state.resume();
      await parked;
      return { operations: state.handovers, seconds: (performance.now() - start) / 1000 };
    },
  };
}

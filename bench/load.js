/**
 * One load in a process of its own: `node bench/load.js`, started by the bench.
 */
import { openChurn } from './loads/churn.js';
import { openEcho } from './loads/echo.js';
import { openFdatasync } from './loads/fdatasync.js';
import { openHeld } from './loads/held.js';
import { openIdle } from './loads/idle.js';
import { openPairs } from './loads/pairs.js';
import { openQueue } from './loads/queue.js';
import { openSequential } from './loads/sequential.js';
import { answerCalls } from './lib/worker.js';

const LOADS = {
  churn: openChurn,
  echo: openEcho,
  fdatasync: openFdatasync,
  held: openHeld,
  idle: openIdle,
  pairs: openPairs,
  queue: openQueue,
  sequential: openSequential,
};

let load;

answerCalls({
  /** @param {{ load: string, url: string, client?: string }} params and those of the load */
  async open(params) {
    load = await LOADS[params.load](params);
  },
  /**
   * @param {{ seconds: number }} params and those of the load
   * @returns {Promise<{ operations: number, seconds: number }>} and what the load adds
   */
  round: (params) => load.round(params),
  /** @returns {Promise<{ open: number, closed: number }>} */
  prove: () => load.prove(),
  grow: (params) => load.grow(params),
});

/**
 * One load in a process of its own: `node bench/load.js`, started by the bench.
 */
import { openEcho } from './loads/echo.js';
import { openHeld } from './loads/held.js';
import { openIdle } from './loads/idle.js';
import { openPairs } from './loads/pairs.js';
import { openQueue } from './loads/queue.js';
import { answerCalls } from './lib/worker.js';

const LOADS = { echo: openEcho, held: openHeld, idle: openIdle, pairs: openPairs, queue: openQueue };

let load;

answerCalls({
  /** @param {{ load: string, url: string, client?: string }} params and those of the load */
  async open(params) {
    load = await LOADS[params.load](params);
  },
  /**
   * @param {{ seconds: number }} params
   * @returns {Promise<{ operations: number, seconds: number }>}
   */
  round: (params) => load.round(params),
  /** @returns {Promise<{ open: number, closed: number }>} */
  prove: () => load.prove(),
  grow: (params) => load.grow(params),
});

/**
 * One server in a process of its own: `node bench/server.js echo|minimum|holdfast`, started by the bench.
 */
import { watchPauses } from './lib/pauses.js';
import { answerCalls, usage } from './lib/worker.js';

const SERVERS = {
  echo: () => import('./servers/echo.js'),
  minimum: () => import('./servers/minimum.js'),
  holdfast: () => import('./servers/holdfast.js'),
};

const name = process.argv[2];
const server = await SERVERS[name]();
let watched = null;

answerCalls({
  /**
   * @param {object} storage where the state is kept, for a server that keeps one
   * @returns {Promise<{ url: string }>}
   */
  async start(storage) {
    const port = await server.start(storage);
    return { url: `ws://127.0.0.1:${port}` };
  },
  usage,
  /** Begins to watch for pauses of the event loop. Snapshots that were taken before do not count. */
  async watch() {
    await server.takeSnapshots?.();
    watched = watchPauses();
  },
  /** Ends it, when a snapshot that is under way is taken. */
  async watched() {
    const snapshots = (await server.takeSnapshots?.()) ?? [];
    return { ...(await watched.stop()), snapshots };
  },
});

/**
 * One server in a process of its own: `node bench/server.js echo|minimum|holdfast`, started by the bench.
 */
import { answerCalls, usage } from './lib/worker.js';

const SERVERS = {
  echo: () => import('./servers/echo.js'),
  minimum: () => import('./servers/minimum.js'),
  holdfast: () => import('./servers/holdfast.js'),
};

const name = process.argv[2];
const server = await SERVERS[name]();

answerCalls({
  /** @returns {Promise<{ url: string }>} */
  async start() {
    const port = await server.start();
    return { url: `ws://127.0.0.1:${port}` };
  },
  usage,
});

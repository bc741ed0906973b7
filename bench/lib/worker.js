/**
 * The other side of processes.js: answers the calls of the bench until it is gone.
 * @param {Record<string, (params: any) => unknown>} methods
 */
export function answerCalls(methods) {
  const answer = async ({ call, method, params }) => {
    try {
      const result = await methods[method](params);
      process.send({ call, result });
    } catch (error) {
      process.send({ call, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  };
  process.on('message', (message) => {
    void answer(message);
  });
  // With this it is up: whoever started it may pin it now.
  process.send({});
  // A process without its bench measures nothing and must not go on running.
  process.on('disconnect', () => process.exit(0));
}

/**
 * What this process takes now.
 * @param {{ collect: boolean }} options collect: garbage first, so that only what is in use counts
 * @returns {{ rssBytes: number, heapBytes: number, cpuSeconds: number }}
 */
export function usage({ collect }) {
  if (collect) {
    globalThis.gc();
    globalThis.gc();
  }
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return { rssBytes: rss, heapBytes: heapUsed, cpuSeconds: (user + system) / 1e6 };
}

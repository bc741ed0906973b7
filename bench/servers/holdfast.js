import { FileLog, MemoryLog, SystemDisk, startServer, systemClock } from '@holdfast/server';

/** When the snapshots of this server's log began and ended, in milliseconds of this process. */
const snapshots = [];
let underWay = Promise.resolve();

/**
 * The server as a user starts it, with the memory log unless a directory is given.
 * @param {{ directory?: string, fsync?: 'always' | 'interval' | 'never' }} [storage]
 * @returns {Promise<number>} the port
 */
export async function start({ directory, fsync } = {}) {
  const log = directory === undefined ? new MemoryLog() : fileLog(directory, fsync);
  const server = await startServer({ host: '127.0.0.1', port: 0, node: 'bench', logLevel: 'warn', log });
  // A server that cannot go on would be measured as a fast one.
  void server.failed.then((reason) => {
    throw reason;
  });
  return server.port;
}

/**
 * Waits for the snapshot that is being taken, if one is.
 * @returns {Promise<readonly { startMs: number, endMs: number }[]>} all that were saved since the last call
 */
export async function takeSnapshots() {
  await underWay;
  return snapshots.splice(0);
}

function fileLog(directory, fsync) {
  const note = (message, facts) => console.error(`log: ${message} ${JSON.stringify(facts)}`);
  const log = new FileLog({ disk: new SystemDisk(directory), clock: systemClock, fsync, note });
  const save = log.saveSnapshot.bind(log);
  log.saveSnapshot = (snapshot) => {
    const startMs = performance.now();
    const saved = save(snapshot);
    underWay = saved.then(
      () => snapshots.push({ startMs, endMs: performance.now() }),
      (error) => console.error(`a snapshot could not be saved: ${error.message}`),
    );
    return saved;
  };
  return log;
}

/**
 * A worker that shares its work with others of its kind: start it twice, in two terminals, beside a server.
 *
 *     node examples/worker.js [ws://127.0.0.1:7420]
 *
 * Each round it takes the lock on one report, writes the next line into a file, and passes the lock's token to the
 * file's guard, which refuses a writer that is late. Ctrl-C ends it; the other one goes on at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, LockLostError } from '@holdfast/client';
import { FencedFile } from './fenced-file.js';

const url = process.argv[2] ?? process.env['HOLDFAST_URL'] ?? 'ws://127.0.0.1:7420';
const file = new FencedFile('report.txt');
const me = `worker ${process.pid}`;

const holdfast = await connect(url, { name: me });
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
console.log(`${me}: connected to ${holdfast.node}`);

while (!stop.signal.aborted) {
  try {
    await holdfast.withLock('reports/today', { signal: stop.signal, meta: { who: me } }, async (lock) => {
      console.log(`${me}: holds ${lock.key}, token ${lock.token}`);
      // The work stops when the lock is lost or the worker is stopped, whichever comes first.
      await sleep(1_000, undefined, { signal: AbortSignal.any([lock.signal, stop.signal]) });
      file.append(`${new Date().toISOString()} ${me}`, lock.token);
    });
  } catch (error) {
    if (error instanceof LockLostError) console.log(`${me}: lost the lock: ${error.message}`);
    else if (!stop.signal.aborted) throw error;
  }
}

await holdfast.close();
console.log(`${me}: done`);

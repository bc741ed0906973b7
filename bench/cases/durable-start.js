import { readdirSync, statSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@holdfast/client';
import { inspectLog } from '@holdfast/server';
import { startCommand, startWorker } from '../lib/processes.js';
import { processorWaits } from '../lib/processor.js';
import { single, spread } from '../lib/stats.js';

const START_SECONDS_MAX = 10;
const BYTES_PER_PAIR_MAX = 200;
/** Long enough that no session ends while servers are killed and started: the holds must be there at every start. */
const SESSION_TIMEOUT_MS = 60_000;
/** Pairs after the keys are taken, for each held key: nearly as many as a log takes before the next snapshot begins. */
const PAIRS_PER_KEY = 0.55;
const ASK_EVERY_MS = 5;
/** A start that takes longer is a failed one. */
const ANSWER_MS_MAX = 120_000;

/** A server that was killed under a large state: how long its next start takes, and what the state takes on the disk. */
export const durableStart = {
  name: 'durable-start',
  async run(options) {
    const keys = options.keys.at(-1);
    const bytesPerPair = await growth(options);
    const directory = options.directories.fresh();
    try {
      options.log(`taking ${keys} keys`);
      await fill(directory, keys);
      const content = await contentOf(directory);
      const starts = [];
      for (let round = 0; round < options.startRounds; round++) {
        starts.push(await measureStart(directory, keys));
        options.log(`start ${round + 1} of ${options.startRounds}`);
      }
      const ready = starts.map(({ readySeconds }) => readySeconds);
      const waited = starts.map(({ waitedSeconds }) => waitedSeconds);
      const granted = starts.map(({ grantedSeconds }) => grantedSeconds);
      return {
        name: 'durable-start',
        title: `a start after SIGKILL with ${keys.toLocaleString('en-GB')} held keys in files`,
        unit: 's',
        ratioOf: null,
        rows: [
          {
            name: 'from the start of the process until its port answers',
            rate: spread(ready),
            rounds: ready,
            target: { bound: 'at most', value: START_SECONDS_MAX, of: 'rate' },
          },
          { name: 'of that, waiting for a processor', rate: spread(waited), rounds: waited, target: null },
          { name: 'until a new session has a lock', rate: spread(granted), rounds: granted, target: null },
          {
            name: 'commands in the log after its snapshot',
            unit: 'commands',
            rate: single(content.commandsAfter),
            target: null,
          },
          { name: 'size of the directory', unit: 'MB', rate: single(content.directoryBytes / 1e6), target: null },
          {
            name: 'growth of the log, 1 client, keys of 12 characters',
            unit: 'bytes a pair',
            rate: single(bytesPerPair),
            target: { bound: 'at most', value: BYTES_PER_PAIR_MAX, of: 'rate' },
          },
        ],
      };
    } finally {
      options.directories.remove(directory);
    }
  },
};

/**
 * Bytes of records that an acquire and its release add when nothing shares a record with them: the worst case.
 * The few records that begin the term and the session are counted as well.
 */
async function growth({ directories, seconds }) {
  const directory = directories.fresh();
  const server = startWorker('server.js', ['holdfast']);
  const load = startWorker('load.js', []);
  let pairs;
  try {
    const { url } = await server.call('start', { directory, fsync: 'never' });
    await load.call('open', { load: 'sequential', url, client: 'wire' });
    ({ operations: pairs } = await load.call('round', { seconds }));
  } finally {
    await Promise.all([load.stop(), server.stop()]);
  }
  let bytes = 0;
  let before = null;
  for await (const line of inspectLog(directory)) {
    if (line.type !== 'record') continue;
    // Segments are prepared at their full size: what was written is what lies between two records.
    if (before?.file === line.file) bytes += line.offset - before.offset;
    before = line;
  }
  return bytes / pairs;
}

/** Leaves the files of a server that was killed while all keys were held and its log had about its greatest length. */
async function fill(directory, keys) {
  const server = await serve(directory);
  const holder = startWorker('load.js', []);
  const pairs = startWorker('load.js', []);
  try {
    await server.answers;
    await holder.call('open', { load: 'held', url: server.url, keys, timeoutMs: SESSION_TIMEOUT_MS });
    await pairs.call('open', {
      load: 'pairs',
      url: server.url,
      client: 'wire',
      connections: 1,
      tasks: 64,
      fresh: true,
    });
    await pairs.call('round', { seconds: ANSWER_MS_MAX / 1000, operationsMax: keys * PAIRS_PER_KEY });
  } finally {
    // The loads go without a word, so what they hold stays for the time-out of their sessions.
    await Promise.all([holder.stop(), pairs.stop()]);
    await server.kill();
  }
}

/** Starts the server once, proves that it has everything, and kills it. */
async function measureStart(directory, keys) {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const server = await serve(directory);
  try {
    await server.answers;
    const readySeconds = seconds();
    const waitedSeconds = waitedBy(server.pid);
    const client = await connect(server.url);
    await client.acquire('started');
    const grantedSeconds = seconds();
    const { holds } = await client.server();
    if (holds !== keys + 1) throw new Error(`${holds - 1} of ${keys} held keys are there after the start`);
    // Its lock and its session go, so that the next round finds what this one found.
    await client.close();
    return { readySeconds, waitedSeconds, grantedSeconds };
  } finally {
    await server.kill();
  }
}

/** How long this process was ready and the machine ran something else; 0 where nobody counts. */
function waitedBy(pid) {
  const processor = processorWaits(pid);
  if (processor === null) return 0;
  const seconds = processor.waitedMs() / 1000;
  processor.close();
  return seconds;
}

/** `holdfast serve` on a free port. `answers` resolves when the port says that it serves. */
async function serve(directory) {
  const port = await freePort();
  const server = startCommand(['serve', '--data', directory, '--port', String(port), '--log-level', 'warn']);
  const ended = server.exited.then((said) => {
    throw new Error(`holdfast serve ended: ${said}`);
  });
  // Whoever waits for an answer is told; nobody is when it was killed.
  ended.catch(() => undefined);
  const answers = Promise.race([untilReady(port), ended]);
  return { url: `ws://127.0.0.1:${port}`, pid: server.pid, answers, kill: server.kill };
}

async function untilReady(port) {
  const last = performance.now() + ANSWER_MS_MAX;
  while (!(await isReady(port))) {
    if (performance.now() > last) throw new Error('the server does not answer');
    await sleep(ASK_EVERY_MS);
  }
}

function isReady(port) {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/readyz', agent: false }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
    });
    request.once('error', () => resolve(false));
  });
}

function freePort() {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** What a start has to read. */
async function contentOf(directory) {
  const directoryBytes = readdirSync(directory)
    .map((name) => statSync(join(directory, name)).size)
    .reduce((sum, size) => sum + size, 0);
  let snapshotIndex = 0;
  let commandsAfter = 0;
  for await (const line of inspectLog(directory)) {
    if (line.type === 'problem' && line.kind !== 'torn')
      throw new Error(`${line.file}, ${line.offset}: ${line.message}`);
    if (line.type === 'snapshot') snapshotIndex = Math.max(snapshotIndex, line.index);
    if (line.type !== 'record') continue;
    for (const { index, commands } of line.entries) if (index > snapshotIndex) commandsAfter += commands.length;
  }
  return { directoryBytes, commandsAfter };
}

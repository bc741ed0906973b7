import { setTimeout as sleep } from 'node:timers/promises';
import { startWorker } from '../lib/processes.js';
import { format, single, spread } from '../lib/stats.js';

/**
 * Of a pause without the time in which the machine ran something else: that time says nothing of the server, and a
 * process that does nothing has the same.
 */
const PAUSE_MS_MAX = 50;
/** With fewer, nothing is known of their pauses. */
const SNAPSHOTS_MIN = 3;

/**
 * The longest pauses of a server's event loop while it takes snapshots under load; beside it the same server with the
 * memory log, which takes none, and a process that does nothing: what the machine itself does to a process.
 */
export const durablePauses = {
  name: 'durable-pauses',
  async run(options) {
    const keys = options.keys.at(-1);
    const directory = options.directories.fresh();
    const workers = [];
    try {
      const file = await startLoaded(workers, keys, { directory, fsync: 'always' });
      const memory = await startLoaded(workers, keys);
      const idle = startWorker('server.js', ['echo']);
      workers.push(idle);
      const tracks = [
        { name: 'files, fsync always', server: file.server, work: (params) => file.load.call('round', params) },
        { name: 'memory', server: memory.server, work: (params) => memory.load.call('round', params) },
        { name: 'idle process', server: idle, work: ({ seconds }) => sleep(seconds * 1000) },
      ].map((track) => ({ ...track, rounds: [] }));
      for (const track of tracks) await measure(track, 1, options.log);
      for (let round = 0; round < options.pauseRounds; round++) {
        for (const track of tracks) track.rounds.push(await measure(track, options.pauseSeconds, options.log));
        options.log(`round ${round + 1} of ${options.pauseRounds}`);
      }
      return report(keys, tracks);
    } finally {
      await Promise.all(workers.map((worker) => worker.stop()));
      options.directories.remove(directory);
    }
  },
};

async function startLoaded(workers, keys, storage) {
  const server = startWorker('server.js', ['holdfast']);
  const load = startWorker('load.js', []);
  workers.push(server, load);
  const { url } = await server.call('start', storage);
  await load.call('open', { load: 'churn', url, keys });
  return { server, load };
}

async function measure({ name, server, work }, seconds, log) {
  await server.call('watch');
  const round = await work({ seconds });
  const { longestMs, longestOwnMs, pauses, snapshots } = await server.call('watched');
  for (const pause of pauses) log(`${name}: ${describe(pause, snapshots)}`);
  return {
    longestMs,
    longestOwnMs,
    snapshotSeconds: snapshots.map(({ startMs, endMs }) => (endMs - startMs) / 1000),
    pairs: round === undefined ? null : round.operations / round.seconds,
  };
}

function describe({ startMs, ms, waitedMs, gc }, snapshots) {
  const collected = Object.entries(gc).map(([kind, gcMs]) => `${format(gcMs)} ms of it ${kind} garbage collection`);
  const during = snapshots.find((snapshot) => snapshot.startMs < startMs + ms && startMs < snapshot.endMs);
  const when =
    during === undefined ? 'no snapshot under way' : `${format(startMs - during.startMs)} ms into a snapshot`;
  const waited = `${format(waitedMs)} ms of it waiting for a processor`;
  return [`a pause of ${format(ms)} ms`, when, waited, ...collected].join(', ');
}

function report(keys, tracks) {
  const [{ rounds }] = tracks;
  const snapshotSeconds = rounds.flatMap((round) => round.snapshotSeconds);
  const isVoid = snapshotSeconds.length < SNAPSHOTS_MIN;
  const rows = tracks.flatMap((track) => {
    const row = (name, figure) => {
      const figures = track.rounds.map(figure);
      return { name: `${track.name}: ${name}`, rate: spread(figures), rounds: figures, target: null };
    };
    return [
      row('longest pause of a round', ({ longestMs }) => longestMs),
      row('longest without what it waited for a processor', ({ longestOwnMs }) => longestOwnMs),
    ];
  });
  rows.push({
    name: `files: longest of all without what it waited${isVoid ? ' (void: too few snapshots)' : ''}`,
    rate: single(Math.max(...rounds.map(({ longestOwnMs }) => longestOwnMs))),
    target: isVoid ? null : { bound: 'at most', value: PAUSE_MS_MAX, of: 'rate' },
  });
  rows.push({
    name: 'files: snapshots taken in all rounds',
    unit: 'snapshots',
    rate: single(snapshotSeconds.length),
    target: { bound: 'at least', value: SNAPSHOTS_MIN, of: 'rate' },
  });
  if (snapshotSeconds.length > 0) {
    rows.push({ name: 'files: time of a snapshot', unit: 's', rate: spread(snapshotSeconds), target: null });
  }
  for (const { name, rounds: measured } of tracks.slice(0, 2)) {
    const rates = measured.map(({ pairs }) => pairs);
    rows.push({ name: `${name}: load meanwhile`, unit: 'pairs/s', rate: spread(rates), target: null });
  }
  return {
    name: 'durable-pauses',
    title: `${keys.toLocaleString('en-GB')} held keys, new ones and held ones acquired and released, 256 under way: pauses of the server's event loop`,
    unit: 'ms',
    ratioOf: null,
    rows,
  };
}

import { startWorker } from './processes.js';
import { ratios, spread } from './stats.js';

/**
 * What is measured, or what it is measured against.
 *
 * @typedef {object} Subject
 * @property {string} name
 * @property {'echo' | 'minimum' | 'holdfast' | null} server null: the load needs none
 * @property {object} [storage] where the server keeps its state, as servers/holdfast.js takes it; default: in memory
 * @property {object} load what bench/load.js opens
 * @property {(round: any) => number} [figure] what is taken of a round of the load; default: operations a second
 * @property {number} [perOperation] how many of the row's units one operation of the load is; default 1
 * @property {number} [held] keys that other sessions hold on this server meanwhile
 */

/**
 * Starts a server and a load for each subject, and measures them by turns: baseline, first subject, second subject, …,
 * baseline, and so on, so that what the machine does meanwhile meets all of them alike. All processes stay up, the
 * ones that are not measured are idle.
 * @param {{ rounds: number, seconds: number, log: (text: string) => void }} options
 * @param {Subject} baseline
 * @param {readonly Subject[]} subjects
 * @param {(servers: readonly import('./processes.js').Worker[]) => Promise<void>} [inspect] asked before the servers stop
 * @returns {Promise<{ name: string, rounds: number[], rate: Spread, ratios: number[] | null, ratio: Spread | null }[]>}
 *
 * @typedef {{ median: number, min: number, max: number }} Spread
 */
export async function compare({ rounds, seconds, log }, baseline, subjects, inspect) {
  const all = [baseline, ...subjects];
  const workers = [];
  try {
    const tracks = [];
    for (const subject of all) tracks.push(await startTrack(subject, workers));
    // Just-in-time compilers want to be warm before the first round that counts.
    for (const track of tracks) await measure(track, Math.min(seconds, 2));

    for (let round = 0; round < rounds; round++) {
      for (const track of tracks) track.rounds.push(await measure(track, seconds));
      log(`round ${round + 1} of ${rounds}`);
    }
    const [first] = tracks;
    const reference = [...first.rounds, await measure(first, seconds)];
    await inspect?.(tracks.map((track) => track.server));

    return tracks.map((track, i) => {
      const ratioRounds = i === 0 ? null : ratios(track.rounds, reference);
      return {
        name: track.subject.name,
        rounds: i === 0 ? reference : track.rounds,
        rate: spread(i === 0 ? reference : track.rounds),
        ratios: ratioRounds,
        ratio: ratioRounds && spread(ratioRounds),
      };
    });
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

async function startTrack(subject, workers) {
  const server = subject.server === null ? null : startWorker('server.js', [subject.server]);
  if (server !== null) workers.push(server);
  const { url } = (await server?.call('start', subject.storage)) ?? {};
  if (subject.held !== undefined) {
    const holder = startWorker('load.js', []);
    workers.push(holder);
    await holder.call('open', { load: 'held', url, keys: subject.held });
  }
  const load = startWorker('load.js', []);
  workers.push(load);
  await load.call('open', { ...subject.load, url });
  return { subject, server, load, rounds: [] };
}

/** The figure of one round: units of the row per second, or what the subject takes instead. */
async function measure({ subject, load }, seconds) {
  const round = await load.call('round', { seconds });
  if (subject.figure !== undefined) return subject.figure(round);
  return (round.operations * (subject.perOperation ?? 1)) / round.seconds;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { startWorker } from '../lib/processes.js';
import { single, spread } from '../lib/stats.js';

const WARM_CONNECTIONS = 100;
const SETTLE_SECONDS = 3;

/**
 * What an idle session takes beyond a bare ws connection, and whether it lives. Each measurement has a fresh process: what
 * a process has once taken it does not give back.
 */
export const idle = {
  name: 'idle',
  async run(options) {
    const bare = [];
    const sessions = [];
    for (let round = 0; round < options.idleRounds; round++) {
      bare.push((await measure('echo', 'bare', options, 0)).bytesEach / 1e3);
      sessions.push(await measure('holdfast', 'wire', options, round === 0 ? options.idleSeconds : 0));
      options.log(`round ${round + 1} of ${options.idleRounds}`);
    }
    const each = sessions.map(({ bytesEach }) => bytesEach / 1e3);
    const beyond = each.map((value, round) => value - bare[round]);
    const [{ closed, cpu, heldSeconds }] = sessions;
    return {
      name: 'idle',
      title: `${options.idleSessions.toLocaleString('en-GB')} sessions that say nothing, time-out 5 s`,
      unit: 'KB each',
      ratioOf: null,
      rows: [
        { name: 'bare ws connection', rate: spread(bare), rounds: bare, target: null },
        { name: 'holdfast session', rate: spread(each), rounds: each, target: null },
        {
          name: 'holdfast session beyond bare ws',
          rate: spread(beyond),
          rounds: beyond,
          target: { bound: 'at most', value: 6, of: 'rate' },
        },
        {
          name: `sessions lost in ${Math.round(heldSeconds)} s`,
          unit: 'sessions',
          rate: single(closed),
          target: { bound: 'at most', value: 0, of: 'rate' },
        },
        { name: 'processor of the server meanwhile', unit: '% of a core', rate: single(cpu * 100), target: null },
      ],
    };
  },
};

async function measure(serverName, client, { idleSessions }, idleSeconds) {
  const server = startWorker('server.js', [serverName]);
  const load = startWorker('load.js', []);
  try {
    const { url } = await server.call('start');
    await load.call('open', { load: 'idle', url, client });
    // What the first connections load once (code, tables) is no cost of a connection.
    await load.call('grow', { connections: WARM_CONNECTIONS });
    await sleep(SETTLE_SECONDS * 1000);
    const before = await server.call('usage', { collect: true });
    await load.call('grow', { connections: idleSessions });
    await sleep(SETTLE_SECONDS * 1000);
    const after = await server.call('usage', { collect: true });

    const started = performance.now();
    await sleep(idleSeconds * 1000);
    const heldSeconds = (performance.now() - started) / 1000;
    const { cpuSeconds } = await server.call('usage', { collect: false });
    const { closed } = await load.call('prove');
    return {
      bytesEach: (after.rssBytes - before.rssBytes) / idleSessions,
      closed,
      heldSeconds,
      cpu: idleSeconds === 0 ? 0 : (cpuSeconds - after.cpuSeconds) / heldSeconds,
    };
  } finally {
    await Promise.all([load.stop(), server.stop()]);
  }
}

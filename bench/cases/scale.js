import { compare } from '../lib/compare.js';
import { single } from '../lib/stats.js';

const SESSIONS = 12;

/**
 * Cost of a hand-over with ever more waiters: three servers side by side, one queue each.
 * The ratio is cost against cost with the shortest queue, so it is the inverse of the rates'.
 */
export const waiters = {
  name: 'waiters',
  async run(options) {
    const [least, ...more] = options.waiters;
    const subject = (count, client) => ({
      name: `${count.toLocaleString('en-GB')} waiters, ${client === 'sdk' ? 'SDK' : 'bare client'}`,
      server: 'holdfast',
      load: { load: 'queue', connections: SESSIONS, requests: count + 1, client },
    });
    const blocks = [];
    for (const client of options.clients.filter((name) => name !== 'minimum')) {
      const subjects = more.map((count) => subject(count, client));
      blocks.push(...costs(await compare(options, subject(least, client), subjects), 1.3));
    }
    return {
      name: 'waiters',
      title: `one key, ${SESSIONS} sessions, a hand-over with n waiters`,
      unit: 'hand-overs/s',
      ratioOf: `cost, of that with ${least} waiters`,
      rows: blocks,
    };
  },
};

/** A million held keys: what they take, and what they cost the next acquire. */
export const keys = {
  name: 'keys',
  async run(options) {
    const [few, many] = options.keys;
    const subject = (held) => ({
      name: `${held.toLocaleString('en-GB')} keys held`,
      server: 'holdfast',
      held,
      load: { load: 'pairs', client: 'wire', connections: 1, tasks: 64, fresh: true },
    });
    const memory = [];
    const results = await compare(options, subject(few), [subject(many)], async (servers) => {
      for (const server of servers) {
        // First as it is, then what is in use: the target is for what an operator sees.
        memory.push({ seen: await server.call('usage', { collect: false }) });
        memory.at(-1).used = await server.call('usage', { collect: true });
      }
    });
    const rows = costs(results, 1.5);
    memory.forEach(({ seen, used }, i) => {
      const { name } = subject([few, many][i]);
      const target = i === 1 ? { bound: 'at most', value: 500, of: 'rate' } : null;
      rows.push({ name: `${name}: server memory (RSS)`, unit: 'MB', rate: single(seen.rssBytes / 1e6), target });
      rows.push({ name: `${name}: in use (heap)`, unit: 'MB', rate: single(used.heapBytes / 1e6), target: null });
    });
    return {
      name: 'keys',
      title: 'acquire and release of new keys, 64 under way, while n other keys are held',
      unit: 'pairs/s',
      ratioOf: `cost, of that with ${few.toLocaleString('en-GB')} keys`,
      rows,
    };
  },
};

/** Rates become costs: the inverse of a ratio of rates. */
function costs(results, atMost) {
  return results.map((result) => {
    if (result.ratio === null) return { ...result, target: null };
    const { median, min, max } = result.ratio;
    return {
      ...result,
      ratios: result.ratios.map((ratio) => 1 / ratio),
      ratio: { median: 1 / median, min: 1 / max, max: 1 / min },
      target: { bound: 'at most', value: atMost },
    };
  });
}

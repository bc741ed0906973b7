import { compare } from '../lib/compare.js';

/**
 * Rates against the echo's, measured beside it. Half of the echo's round trips is what a lock service that costs nothing
 * could do: an acquire and a release are two round trips.
 *
 * @typedef {object} Target
 * @property {'at least' | 'at most'} bound
 * @property {number} value
 */

const pairs = (connections, tasks) => ({ load: 'pairs', connections, tasks });
const queue = (connections, requests) => ({ load: 'queue', connections, requests });
const echo = (connections, depth) => ({ load: 'echo', connections, depth });

/** @param {string} client as `--clients` names them */
function subject(client, load) {
  if (client === 'sdk') return { name: 'holdfast, SDK', server: 'holdfast', load: { ...load, client: 'sdk' } };
  if (client === 'wire')
    return { name: 'holdfast, bare client', server: 'holdfast', load: { ...load, client: 'wire' } };
  return { name: 'bare minimum lock', server: 'minimum', load: { ...load, client: 'wire' } };
}

const CASES = [
  {
    name: 'sequential',
    title: '1 connection, acquire and release by turns',
    unit: 'pairs/s',
    echo: { load: echo(1, 1), perOperation: 0.5, name: 'echo, 1 connection, half its round trips' },
    load: pairs(1, 1),
    atLeast: 0.9,
  },
  {
    name: 'connections',
    title: '50 connections, each with its own key',
    unit: 'pairs/s',
    echo: { load: echo(50, 1), perOperation: 0.5, name: 'echo, 50 connections, half its round trips' },
    load: pairs(50, 1),
    atLeast: 0.85,
  },
  {
    name: 'tasks',
    title: '1 connection, 50 concurrent tasks, each with its own key',
    unit: 'pairs/s',
    echo: { load: echo(1, 64), perOperation: 0.5, name: 'echo, 1 connection, depth 64, half its round trips' },
    load: pairs(1, 50),
    atLeast: 1.5,
  },
  {
    name: 'handover',
    title: '50 connections, one key',
    unit: 'hand-overs/s',
    echo: { load: echo(1, 1), perOperation: 1, name: 'echo, 1 connection, its round trips' },
    load: queue(50, 50),
    atLeast: 0.9,
  },
];

export const throughput = CASES.map((row) => ({
  name: row.name,
  async run(options) {
    const subjects = options.clients.map((client) => subject(client, row.load));
    const results = await compare(options, { ...row.echo, server: 'echo' }, subjects);
    return {
      name: row.name,
      title: row.title,
      unit: row.unit,
      ratioOf: 'of the echo',
      rows: results.map((result) => ({
        ...result,
        target: result.name === 'holdfast, SDK' ? { bound: 'at least', value: row.atLeast } : null,
      })),
    };
  },
}));

import { compare } from '../lib/compare.js';
import { neighbours, spread } from '../lib/stats.js';

/** Fsync of every group of appends costs at most this share of the rate. */
const RATE_AT_LEAST = 0.7;
/** A round trip waits at most this many times as long for the disk as one append and fdatasync takes. */
const FDATASYNCS_AT_MOST = 1.5;

/** Pairs of acquire and release with the log in memory and in files: what durability costs when many share it. */
export const durable = {
  name: 'durable',
  async run(options) {
    const rows = [];
    for (const client of options.clients.filter((name) => name !== 'minimum')) {
      const clientName = client === 'sdk' ? 'SDK' : 'bare client';
      const subject = (name, storage) => ({
        name: `${name}, ${clientName}`,
        server: 'holdfast',
        storage,
        load: { load: 'pairs', connections: 50, tasks: 1, client },
      });
      const file = (fsync) => subject(`files, fsync ${fsync}`, { directory: options.directories.fresh(), fsync });
      const results = await compare(options, subject('memory'), [file('always'), file('interval')]);
      results.forEach((result, i) => {
        rows.push({ ...result, target: i === 1 ? { bound: 'at least', value: RATE_AT_LEAST } : null });
      });
    }
    return {
      name: 'durable',
      title:
        '50 connections, each with its own key; the log in memory, in files with fsync always, with one fsync a second',
      unit: 'pairs/s',
      ratioOf: 'of memory',
      rows,
    };
  },
};

/** What one client alone waits for the disk, beside what the disk takes. */
export const durableLatency = {
  name: 'durable-latency',
  async run(options) {
    const figure = ({ p50Us }) => p50Us;
    const client = options.clients.includes('wire') ? 'wire' : 'sdk';
    const subject = (name, storage) => ({
      name,
      server: 'holdfast',
      storage,
      load: { load: 'sequential', client },
      figure,
    });
    const disk = {
      name: 'append of 100 bytes and fdatasync',
      server: null,
      load: { load: 'fdatasync', directory: options.directories.fresh() },
      figure,
    };
    const file = subject('files, fsync always', { directory: options.directories.fresh(), fsync: 'always' });
    const [memory, files, syncs] = await compare(options, subject('memory'), [file, disk]);
    const memoryUs = neighbours(memory.rounds);
    const over = files.rounds.map((fileUs, i) => (fileUs - memoryUs[i]) / syncs.rounds[i]);
    const plain = ({ name, rate, rounds }) => ({ name, rate, rounds, target: null });
    return {
      name: 'durable-latency',
      title:
        '1 connection, acquire and release by turns: p50 of one round trip, and of one append of 100 bytes and fdatasync on the same disk',
      unit: 'µs',
      ratioOf: 'what is beyond memory, in fdatasyncs',
      rows: [
        plain(memory),
        plain(syncs),
        {
          ...plain(files),
          ratios: over,
          ratio: spread(over),
          target: { bound: 'at most', value: FDATASYNCS_AT_MOST },
        },
      ],
    };
  },
};

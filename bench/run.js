/**
 * Measures Holdfast beside what it is built on: see `pnpm bench --help`.
 */
import { fileURLToPath } from 'node:url';
import { durable, durableLatency } from './cases/durable.js';
import { durablePauses } from './cases/durable-pauses.js';
import { durableStart } from './cases/durable-start.js';
import { idle } from './cases/idle.js';
import { keys, waiters } from './cases/scale.js';
import { throughput } from './cases/throughput.js';
import { dataDirectories } from './lib/directories.js';
import { commitFacts, machineFacts } from './lib/machine.js';
import { pinWorkers } from './lib/processes.js';
import { HELP, readOptions } from './lib/options.js';
import { caseTable, save, verdict } from './lib/report.js';

const CASES = [...throughput, waiters, keys, idle, durable, durableLatency, durableStart, durablePauses];
const RESULTS = fileURLToPath(new URL('results/', import.meta.url));

async function main() {
  const names = CASES.map(({ name }) => name);
  let options;
  try {
    options = readOptions(process.argv.slice(2), names);
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    process.exitCode = 2;
    return;
  }
  if (options.help) {
    console.log(HELP);
    return;
  }
  const machine = { ...machineFacts(), pinned: !options.unpinned && pinWorkers() };
  console.log(Object.entries(machine).flat().join(' '));

  // Taken now: a commit made while this runs is not what is measured.
  const commit = commitFacts();
  const directories = dataDirectories(options.directory);
  const results = [];
  for (const measured of CASES.filter(({ name }) => options.cases.includes(name))) {
    const log = (text) => console.error(`${measured.name}: ${text}`);
    const result = await measured.run({ ...options.sizes, clients: options.clients, directories, log });
    results.push(result);
    console.log(`\n${caseTable(result)}`);
  }

  const missed = results.flatMap(({ rows }) => rows).filter((row) => verdict(row) === false).length;
  console.log(`\n${missed} targets missed`);
  if (options.save) {
    const date = new Date().toISOString().slice(0, 10);
    const complete = options.cases.length === CASES.length && options.clients.includes('sdk');
    const name = save(RESULTS, { date, ...commit, machine, options: options.sizes, results }, complete);
    console.log(`written: bench/results/${name}.md and .json${complete ? ', latest.md' : ''}`);
  }
  if (options.check && missed > 0) process.exitCode = 1;
}

await main();

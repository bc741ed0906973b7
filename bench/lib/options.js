import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const HELP = `pnpm bench [case…] [--option=value…]

Measures Holdfast beside a bare ws and msgpackr echo, and its files beside its memory, on this machine, in one run.

Cases: sequential, connections, tasks, handover, waiters, keys, idle, durable, durable-latency, durable-start,
durable-pauses; default: all.

  --rounds=7         rounds of each subject, by turns
  --seconds=2        length of a round
  --waiters=10,1000,100000
  --keys=1000,1000000   held keys; the durable cases hold the last number
  --idle-sessions=10000
  --idle-rounds=3    fresh processes for the memory of idle sessions
  --idle-seconds=300 for how long idle sessions must live
  --start-rounds=5   starts after a SIGKILL
  --pause-rounds=5   rounds that look for pauses, and the length of each
  --pause-seconds=10
  --dir=bench/holdfast-data    on the disk that is measured; what is put there goes again
  --clients=sdk,wire,minimum   which of them are measured: Holdfast with its SDK, with a bare client, the bare minimum lock
  --unpinned         leave servers and loads to the scheduler, do not give each a core
  --smoke            short and small: shows that the bench works, measures nothing; writes no results
  --no-save          print, write no results
  --check            exit code 1 when a target is missed
`;

const CLIENTS = ['sdk', 'wire', 'minimum'];
const FULL = { rounds: '7', seconds: '2', waiters: '10,1000,100000', keys: '1000,1000000' };
const FULL_IDLE = { 'idle-sessions': '10000', 'idle-rounds': '3', 'idle-seconds': '300' };
const FULL_DURABLE = { 'start-rounds': '5', 'pause-rounds': '5', 'pause-seconds': '10' };
const SMOKE = { rounds: '2', seconds: '0.5', waiters: '10,100,1000', keys: '100,10000' };
const SMOKE_IDLE = { 'idle-sessions': '500', 'idle-rounds': '1', 'idle-seconds': '6' };
const SMOKE_DURABLE = { 'start-rounds': '2', 'pause-rounds': '2', 'pause-seconds': '3' };
const DIRECTORY = fileURLToPath(new URL('../holdfast-data/', import.meta.url));

/**
 * @param {readonly string[]} words the command line after the program
 * @param {readonly string[]} known names of the cases
 */
export function readOptions(words, known) {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const names = [...Object.keys(FULL), ...Object.keys(FULL_IDLE), ...Object.keys(FULL_DURABLE), 'clients', 'dir'];
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      ...Object.fromEntries(names.map((name) => [name, text])),
      smoke: flag,
      unpinned: flag,
      'no-save': flag,
      check: flag,
      help: flag,
    },
  });
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`no such case: ${unknown.join(', ')}; there are ${known.join(', ')}`);

  const clients = (values.clients ?? CLIENTS.join(',')).split(',');
  if (clients.some((name) => !CLIENTS.includes(name))) throw new Error(`--clients wants some of ${CLIENTS.join(',')}`);

  const base = values.smoke
    ? { ...SMOKE, ...SMOKE_IDLE, ...SMOKE_DURABLE }
    : { ...FULL, ...FULL_IDLE, ...FULL_DURABLE };
  const given = { ...base, ...values };
  const number = (name) => toNumber(name, given[name]);
  const numbers = (name) => given[name].split(',').map((part) => toNumber(name, part));
  return {
    help: values.help,
    check: values.check,
    unpinned: values.unpinned,
    save: !values.smoke && !values['no-save'],
    cases: positionals.length === 0 ? known : known.filter((name) => positionals.includes(name)),
    clients,
    directory: values.dir ?? DIRECTORY,
    sizes: {
      rounds: number('rounds'),
      seconds: number('seconds'),
      waiters: numbers('waiters'),
      keys: numbers('keys'),
      idleSessions: number('idle-sessions'),
      idleRounds: number('idle-rounds'),
      idleSeconds: number('idle-seconds'),
      startRounds: number('start-rounds'),
      pauseRounds: number('pause-rounds'),
      pauseSeconds: number('pause-seconds'),
    },
  };
}

function toNumber(name, text) {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} wants positive numbers, not "${text}"`);
  return value;
}

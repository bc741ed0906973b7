import { parseArgs } from 'node:util';

export const HELP = `pnpm bench [case…] [--option=value…]

Measures Holdfast beside a bare ws and msgpackr echo, on this machine, in one run.

Cases: sequential, connections, tasks, handover, waiters, keys, idle; default: all.

  --rounds=7         rounds of each subject, by turns
  --seconds=2        length of a round
  --waiters=10,1000,100000
  --keys=1000,1000000
  --idle-sessions=10000
  --idle-rounds=3    fresh processes for the memory of idle sessions
  --idle-seconds=300 for how long idle sessions must live
  --clients=sdk,wire,minimum   which of them are measured: Holdfast with its SDK, with a bare client, the bare minimum lock
  --unpinned         leave servers and loads to the scheduler, do not give each a core
  --smoke            short and small: shows that the bench works, measures nothing; writes no results
  --no-save          print, write no results
  --check            exit code 1 when a target is missed
`;

const CLIENTS = ['sdk', 'wire', 'minimum'];
const FULL = { rounds: '7', seconds: '2', waiters: '10,1000,100000', keys: '1000,1000000' };
const FULL_IDLE = { 'idle-sessions': '10000', 'idle-rounds': '3', 'idle-seconds': '300' };
const SMOKE = { rounds: '2', seconds: '0.5', waiters: '10,100,1000', keys: '100,10000' };
const SMOKE_IDLE = { 'idle-sessions': '500', 'idle-rounds': '1', 'idle-seconds': '6' };

/**
 * @param {readonly string[]} words the command line after the program
 * @param {readonly string[]} known names of the cases
 */
export function readOptions(words, known) {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const names = [...Object.keys(FULL), ...Object.keys(FULL_IDLE), 'clients'];
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

  const base = values.smoke ? { ...SMOKE, ...SMOKE_IDLE } : { ...FULL, ...FULL_IDLE };
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
    sizes: {
      rounds: number('rounds'),
      seconds: number('seconds'),
      waiters: numbers('waiters'),
      keys: numbers('keys'),
      idleSessions: number('idle-sessions'),
      idleRounds: number('idle-rounds'),
      idleSeconds: number('idle-seconds'),
    },
  };
}

function toNumber(name, text) {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} wants positive numbers, not "${text}"`);
  return value;
}

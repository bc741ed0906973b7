import { execFileSync, fork, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const CALL_SECONDS_MAX = 900;
const STOP_MS = 5_000;

/** Children that still run: none may outlive a bench that fails or is interrupted. */
const running = new Set();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

/**
 * A process of the bench (a server, or a load) that answers calls.
 *
 * @typedef {object} Worker
 * @property {(method: string, params?: object) => Promise<any>} call
 * @property {() => Promise<void>} stop
 */

/**
 * Cores for the main threads of servers and loads. A round trip between two cores takes several times as long as one on
 * the same core (waking the other one is most of it), and the scheduler changes its mind about that from round to
 * round: fixed cores make rounds comparable. Helper threads, such as the collector's and those that wait for the disk, stay free.
 */
const CORES = { 'server.js': '0', 'load.js': '1' };
/** A server has the heap that it has with a user; a load may take what it needs. */
const FLAGS = { 'server.js': ['--expose-gc'], 'load.js': ['--max-old-space-size=6144'] };

let pinned = false;

/**
 * Decides for all workers that are started from now on.
 * @returns {boolean} whether they will have a core each
 */
export function pinWorkers() {
  const cores = availableParallelism();
  pinned = cores >= 2 && pin(process.pid, `0-${cores - 1}`);
  return pinned;
}

function pin(pid, cores) {
  try {
    execFileSync('taskset', ['-cp', cores, String(pid)], { stdio: 'ignore' });
    return true;
  } catch {
    // Not Linux, or not allowed: the report says that the rounds are less comparable.
    return false;
  }
}

/**
 * Servers and loads have a process each, as clients and servers have: they share no event loop, no heap and no
 * just-in-time compiler.
 * @param {'server.js' | 'load.js'} file
 * @param {readonly string[]} words
 * @returns {Worker}
 */
export function startWorker(file, words) {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const child = fork(path, words, { execArgv: FLAGS[file] });
  running.add(child);

  /** @type {Map<number, { resolve: (value: any) => void, reject: (reason: Error) => void }>} */
  const calls = new Map();
  let lastCall = 0;
  let stopping = false;
  const exited = new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      running.delete(child);
      const error = new Error(`${file} ${words.join(' ')} ended with ${signal ?? code}`);
      for (const { reject } of calls.values()) reject(error);
      calls.clear();
      resolve();
    });
  });
  // A thread has the cores of the one that made it: when the worker speaks, its helper threads have been made.
  child.once('message', () => {
    if (pinned) pin(child.pid, CORES[file]);
  });
  child.on('message', ({ call, result, error }) => {
    if (call === undefined) return;
    const { resolve, reject } = calls.get(call);
    calls.delete(call);
    if (error === undefined) resolve(result);
    else reject(new Error(`${file} ${words.join(' ')}: ${error}`));
  });

  return {
    call(method, params = {}) {
      if (stopping || !child.connected) return Promise.reject(new Error(`${file} ${words.join(' ')} has ended`));
      const call = ++lastCall;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          calls.delete(call);
          reject(new Error(`${file} ${words.join(' ')}: no answer to ${method}`));
        }, CALL_SECONDS_MAX * 1000);
        const settle = (then) => (value) => {
          clearTimeout(timer);
          then(value);
        };
        calls.set(call, { resolve: settle(resolve), reject: settle(reject) });
        child.send({ call, method, params });
      });
    },
    async stop() {
      stopping = true;
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

/**
 * The command as a user runs it, in a process that nobody speaks with.
 * @param {readonly string[]} words after `holdfast`
 * @returns {{ pid: number, exited: Promise<string>, kill: () => Promise<void> }} exited: resolves with what it said on stderr; kill: SIGKILL, and
 *     waits for its end
 */
export function startCommand(words) {
  const path = fileURLToPath(new URL('../../packages/cli/bin/holdfast.js', import.meta.url));
  const child = spawn(process.execPath, [path, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child);
  let said = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text) => {
    said += text;
  });
  const exited = new Promise((resolve) => {
    child.once('close', () => {
      running.delete(child);
      resolve(said);
    });
  });
  return {
    pid: child.pid,
    exited,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/**
 * A command in its own process group, so that it can be ended together with everything it started.
 *
 * What this cannot reach, and the documentation says so: processes that leave the group (daemons that call setsid), and,
 * when `holdfast run` itself is killed with SIGKILL, everything but the command's first process.
 */
import { type ChildProcess, type SpawnOptions, execFile, spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { resolveCommand } from './command-path.js';

/** How the command's first process ended. */
export type Ending =
  | { readonly code: number; readonly signal: null }
  | { readonly code: null; readonly signal: NodeJS.Signals };

/** The command could not be started although it was found: a missing interpreter, a wrong architecture, no more processes. */
export class CannotStart extends Error {
  readonly notFound: boolean;

  constructor(cause: NodeJS.ErrnoException) {
    super(cause.message, { cause });
    this.name = 'CannotStart';
    this.notFound = cause.code === 'ENOENT';
  }
}

export interface GroupOptions {
  /** The program and its arguments; no shell sees them. */
  readonly command: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  readonly stdio: SpawnOptions['stdio'];
  /** The setpriv(1) of deathWatchProgram(), or null to start the command directly. */
  readonly setpriv: string | null;
}

export class ProcessGroup {
  /** Resolves when the first process has ended; others of the group may still run. Rejects with CannotStart. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;

  constructor({ command, env, stdio, setpriv }: GroupOptions) {
    const [program, ...args] = setpriv === null ? command : [setpriv, '--pdeathsig', 'KILL', '--', ...command];
    // detached is setsid(2): a new group that the terminal's Ctrl-C does not reach by itself; signals are passed on by us, once.
    this.#child = spawn(program, args, { detached: true, stdio, env });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', (error) => {
        // Later errors of a child (a failed kill) are not failures to start it.
        if (this.#child.pid === undefined) reject(new CannotStart(error));
      });
      this.#child.once('exit', (code, signal) => {
        resolve(signal === null ? { code: code ?? 0, signal } : { code: null, signal });
      });
    });
  }

  /** The number of the group, which is that of its first process; undefined when it could not be started. */
  get id(): number | undefined {
    return this.#child.pid;
  }

  /** Sends a signal to every process of the group. False when there is none left, or none that we may signal. */
  signal(signal: NodeJS.Signals): boolean {
    if (this.id === undefined) return false;
    try {
      return process.kill(-this.id, signal);
    } catch {
      return false;
    }
  }

  /** Asks all to end. CONT lets a stopped process hear it. */
  terminate(): void {
    this.signal('SIGTERM');
    this.signal('SIGCONT');
  }

  /** Ends all. */
  kill(): void {
    this.signal('SIGKILL');
  }

  /** How many processes of the group can still do something. */
  async running(): Promise<number> {
    // Signal 0 asks whether the group has any member, which most often answers the question without looking at every process of the machine.
    if (this.id === undefined || !this.#exists(this.id)) return 0;
    if (process.platform !== 'linux') return 1;
    return countRunning(this.id);
  }

  #exists(id: number): boolean {
    try {
      return process.kill(-id, 0);
    } catch (error) {
      // EPERM: there are processes, of another user.
      return error instanceof Error && 'code' in error && error.code === 'EPERM';
    }
  }
}

/**
 * Processes of the group that are not zombies. A zombie answers signal 0 like anybody until its parent collects it, which in a
 * container without an init may be never; it cannot do anything any more.
 */
async function countRunning(groupId: number): Promise<number> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const states = await Promise.all(processes.map((name) => readState(name)));
  return states.filter((state) => state !== null && state.groupId === groupId && !/^[ZX]$/.test(state.state)).length;
}

/** From proc_pid_stat(5): "pid (name) state ppid pgrp …"; the name may hold anything, so fields are counted from its last bracket. */
async function readState(pid: string): Promise<{ readonly state: string; readonly groupId: number } | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const [state = '', , group] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, groupId: Number(group) };
  } catch {
    return null;
  }
}

/**
 * The setpriv(1) that can tie the command's life to ours, or null: on Linux only, and only the one of util-linux knows `--pdeathsig` (BusyBox's does not).
 * It sets the signal and then becomes the command, so the process number stays the same.
 */
export async function deathWatchProgram(searchPath: string): Promise<string | null> {
  if (process.platform !== 'linux') return null;
  const setpriv = await resolveCommand('setpriv', searchPath);
  if (setpriv.found !== 'executable') return null;
  try {
    await promisify(execFile)(setpriv.path, ['--pdeathsig', 'KILL', '--', setpriv.path, '--version'], {
      timeout: 2_000,
    });
    return setpriv.path;
  } catch {
    return null;
  }
}

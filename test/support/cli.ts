/** The `holdfast` command as a user starts it: its own process, what it prints, how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { inTime, until } from './until.js';

const BIN = fileURLToPath(new URL('../../packages/cli/bin/holdfast.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Cli {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;

  /**
   * Starts `holdfast ARGS…` with its output in pipes. `env` is added to the environment, in which nothing of Holdfast's is set otherwise. `uid`: as
   * this user, which takes root.
   */
  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}, uid?: number) {
    const others = Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_'));
    this.#process = spawn(process.execPath, [BIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...Object.fromEntries(others), ...env },
      ...(uid === undefined ? {} : { uid }),
    });
    this.#process.stdout?.on('data', (bytes: Buffer) => {
      this.stdout += bytes.toString('utf8');
    });
    this.#process.stderr?.on('data', (bytes: Buffer) => {
      this.stderr += bytes.toString('utf8');
    });
    // `exit` and not `close`: what a command leaves behind may keep the pipes open, and that must show as a failure elsewhere.
    this.ended = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => {
        // What was written before the end is in the pipes by now, and read in the next turns.
        setImmediate(() => setImmediate(() => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })));
      });
    });
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error('holdfast did not start');
    return this.#process.pid;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Closes our end of its standard output, as `head` does when it has seen enough. */
  stopReading(): void {
    this.#process.stdout?.destroy();
  }

  /** How it ended, within the patience of a test. */
  end(): Promise<Ended> {
    return inTime('the end of holdfast', this.ended);
  }

  async says(text: string): Promise<void> {
    await until(`holdfast says ${text}`, () => this.stdout.includes(text) || this.stderr.includes(text));
  }

  /** The JSON lines of standard output so far that are complete. */
  rows(): readonly Readonly<Record<string, unknown>>[] {
    const complete = this.stdout.slice(0, this.stdout.lastIndexOf('\n') + 1);
    return complete
      .split('\n')
      .filter((line) => line !== '')
      .map((line): Readonly<Record<string, unknown>> => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.ended;
  }
}

/** Runs a command to its end. */
export async function holdfast(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  uid?: number,
): Promise<Ended> {
  await using cli = new Cli(args, env, uid);
  return await cli.end();
}

/** Whether a process can still do something: zombies do not count. */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(text.slice(text.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/**
 * Programs of test/support/children in processes of their own, so that a crash, a stop and a kill are real. They are written in TypeScript
 * and bundled on first use; packages stay outside of the bundle, so a child runs what a user would install.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { inTime, until } from './until.js';

/** Inside node_modules, because packages are found from there and nobody commits it. */
const BUNDLES = fileURLToPath(new URL('../node_modules/.cache/children/', import.meta.url));
const SOURCES = fileURLToPath(new URL('children/', import.meta.url));

export type ChildProgram = 'server' | 'client' | 'holder' | 'log-writer';

export interface ChildMessage {
  readonly kind: string;
  readonly [fact: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Waiter {
  readonly matches: (message: ChildMessage) => boolean;
  readonly take: (message: ChildMessage) => void;
  readonly fail: (reason: Error) => void;
}

const bundles = new Map<ChildProgram, Promise<string>>();

async function bundle(program: ChildProgram): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${SOURCES}${program}.ts`],
    write: false,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  const text = outputFiles.map((file) => file.text).join('');
  // Named by what is in it, so that runs of other sources at the same time are not disturbed, and the same one is written once.
  const file = `${BUNDLES}${program}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.mjs`;
  if (!existsSync(file)) {
    mkdirSync(BUNDLES, { recursive: true });
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, text);
    renameSync(draft, file);
  }
  return file;
}

export class Child {
  readonly exited: Promise<Exit>;
  /** Everything it wrote to standard output and standard error. */
  output = '';
  exit: Exit | null = null;
  readonly #process: ChildProcess;
  readonly #program: ChildProgram;
  #inbox: ChildMessage[] = [];
  #waiters: Waiter[] = [];

  static async start(program: ChildProgram, facts: object = {}): Promise<Child> {
    const file = bundles.get(program) ?? bundle(program);
    bundles.set(program, file);
    const { NODE_OPTIONS: _options, ...env } = process.env;
    const started = fork(await file, [JSON.stringify(facts)], {
      // What a peer can make the server keep is what is looked at. Garbage that only waits for its collection would hide it, and how much of
      // that there may be differs between the lines of Node; so there is little room for any, and who makes the server keep more ends it.
      execArgv: ['--enable-source-maps', '--expose-gc', '--max-semi-space-size=4', '--max-old-space-size=64'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
      env,
    });
    return new Child(program, started);
  }

  constructor(program: ChildProgram, started: ChildProcess) {
    this.#program = program;
    this.#process = started;
    const keep = (bytes: Buffer): void => {
      this.output += bytes.toString('utf8');
    };
    started.stdout?.on('data', keep);
    started.stderr?.on('data', keep);
    started.on('message', (message) => this.#arrived(message as ChildMessage));
    this.exited = new Promise((resolve) => {
      started.once('close', (code, signal) => {
        this.exit = { code, signal };
        const reason = new Error(`the ${program} process is gone (${code ?? signal}):\n${this.output}`);
        for (const waiter of this.#waiters.splice(0)) waiter.fail(reason);
        resolve(this.exit);
      });
    });
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error(`the ${this.#program} process did not start`);
    return this.#process.pid;
  }

  send(message: ChildMessage): void {
    this.#process.send(message);
  }

  /** The first message of this kind that was not taken yet; `matches` narrows it down. */
  next(kind: string, matches: (message: ChildMessage) => boolean = () => true): Promise<ChildMessage> {
    const wanted = (message: ChildMessage): boolean => message.kind === kind && matches(message);
    const index = this.#inbox.findIndex(wanted);
    const [present] = index === -1 ? [] : this.#inbox.splice(index, 1);
    if (present !== undefined) return Promise.resolve(present);
    const coming = new Promise<ChildMessage>((take, fail) => {
      if (this.exit === null) this.#waiters.push({ matches: wanted, take, fail });
      else fail(new Error(`the ${this.#program} process is gone:\n${this.output}`));
    });
    return inTime(`${kind} from the ${this.#program} process`, coming);
  }

  async ask(kind: string, facts: object = {}): Promise<ChildMessage> {
    this.send({ ...facts, kind });
    return this.next(kind);
  }

  /** SIGSTOP; resolves when the process stands still. */
  async stop(): Promise<void> {
    process.kill(this.pid, 'SIGSTOP');
    await until('the process stands still', () => this.#state() === 'T');
  }

  wake(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async kill(): Promise<Exit> {
    this.#process.kill('SIGKILL');
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #arrived(message: ChildMessage): void {
    const index = this.#waiters.findIndex((waiter) => waiter.matches(message));
    const [waiter] = index === -1 ? [] : this.#waiters.splice(index, 1);
    if (waiter === undefined) this.#inbox.push(message);
    else waiter.take(message);
  }

  /** The letter of proc(5): R running, S sleeping, T stopped. */
  #state(): string {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    return stat.charAt(stat.lastIndexOf(')') + 2);
  }
}

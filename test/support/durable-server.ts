/** `holdfast serve` on one directory and one port, in one life after another. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cli, type Ended } from './cli.js';

/** A fresh directory, and what removes it. */
export class Scratch {
  readonly path: string;

  static async make(): Promise<Scratch> {
    return new Scratch(await mkdtemp(join(tmpdir(), 'holdfast-durable-')));
  }

  constructor(path: string) {
    this.path = path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

export class DurableServer {
  readonly directory: string;
  /** The same in all lives, as clients know no other one. */
  readonly port: number;
  #cli: Cli;

  /** Resolves when it serves, on any free port. `env` is for this life only. */
  static async start(directory: string, env: Readonly<Record<string, string>> = {}): Promise<DurableServer> {
    const cli = launch(directory, 0, env);
    await whenServing(cli);
    const serving = cli.rows().find(({ msg }) => msg === 'serving');
    return new DurableServer(directory, Number(new URL(String(serving?.['url'])).port), cli);
  }

  constructor(directory: string, port: number, cli: Cli) {
    this.directory = directory;
    this.port = port;
    this.#cli = cli;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** The present life. */
  get cli(): Cli {
    return this.#cli;
  }

  /** In this very call: SIGKILL is sent, and no instruction of the server follows it. */
  kill(): Promise<Ended> {
    this.#cli.kill('SIGKILL');
    return this.#cli.end();
  }

  /** Begins the next life, and waits for nothing. The one before must have ended. */
  launch(): void {
    this.#cli = launch(this.directory, this.port);
  }

  /** Resolves when the present life serves. A process that ends before has failed to start. */
  serves(): Promise<void> {
    return whenServing(this.#cli);
  }

  /** With SIGTERM, in good order. */
  stop(): Promise<Ended> {
    this.#cli.kill('SIGTERM');
    return this.#cli.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cli[Symbol.asyncDispose]();
  }
}

function launch(directory: string, port: number, env: Readonly<Record<string, string>> = {}): Cli {
  return new Cli(['serve', '--data', directory, '--port', String(port), '--json'], env);
}

async function whenServing(cli: Cli): Promise<void> {
  const ended = cli.ended.then(({ code, signal, stdout, stderr }) => {
    throw new Error(`a start failed with ${code ?? signal}: ${stderr}${stdout}`);
  });
  await Promise.race([cli.says('"serving"'), ended]);
}

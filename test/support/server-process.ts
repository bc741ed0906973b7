/** A real server in a child process, and what can be asked about the process. */
import type { ServerOptions } from '@holdfast/server';
import { Child, type Exit } from './child.js';

export interface ServerStats {
  /** Resident memory after a collection. */
  readonly rssBytes: number;
  /** The most that was resident since the last time the stats were asked for. */
  readonly peakBytes: number;
  /** Open file descriptors. */
  readonly descriptors: number;
}

export class ServerProcess {
  readonly child: Child;
  readonly url: string;
  readonly port: number;

  /** Options are sent as JSON: no log port, which is the memory engine. */
  static async start(options: Omit<ServerOptions, 'log'> = {}): Promise<ServerProcess> {
    const child = await Child.start('server', options);
    const ready = await child.next('ready');
    return new ServerProcess(child, String(ready['url']), Number(ready['port']));
  }

  constructor(child: Child, url: string, port: number) {
    this.child = child;
    this.url = url;
    this.port = port;
  }

  /** Not before the process has turned its event loop once: an answer is the proof that it lives. */
  async stats(): Promise<ServerStats> {
    const { rssBytes, peakBytes, descriptors } = await this.child.ask('stats');
    return { rssBytes: Number(rssBytes), peakBytes: Number(peakBytes), descriptors: Number(descriptors) };
  }

  /** Blocks the server's event loop; resolves when it turns again. */
  async block(blockMs: number): Promise<void> {
    await this.child.ask('block', { blockMs });
  }

  /** Closes in good order. */
  close(): Promise<Exit> {
    this.child.send({ kind: 'close' });
    return this.child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.kill();
  }
}

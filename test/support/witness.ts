/**
 * Well-behaved clients that must not notice what others do to the server: one holds a lock all the time, one waits behind it.
 */
import { MessageType } from '@holdfast/protocol';
import { expect } from 'vitest';
import { RawClient } from './raw-client.js';
import { ServerProcess } from './server-process.js';
import { inTime } from './until.js';

const HELD = 'witness/held';
const HOLD = 1;

export class Witness {
  readonly #holder: RawClient;
  readonly #waiter: RawClient;
  readonly #session: string;
  readonly #token: number;
  #number = HOLD;

  static async open(url: string): Promise<Witness> {
    const holder = await RawClient.open(url, { client: 'witness that holds' });
    const waiter = await RawClient.open(url, { client: 'witness that waits' });
    const token = await holder.acquired(HOLD, HELD);
    waiter.acquire(HOLD, HELD);
    await waiter.probed(HOLD);
    return new Witness(holder, waiter, holder.welcome.session, token);
  }

  constructor(holder: RawClient, waiter: RawClient, session: string, token: number) {
    this.#holder = holder;
    this.#waiter = waiter;
    this.#session = session;
    this.#token = token;
  }

  /** Both are connected, were told nothing, stand where they stood; and another lock can be had and given back. */
  async check(): Promise<void> {
    this.#number += 1;
    const number = this.#number;
    const holder = this.#holder;
    expect([holder.closing, this.#waiter.closing]).toEqual([null, null]);
    holder.send([MessageType.query, number, 'key', { key: HELD }]);
    const [, , rows] = await holder.next(MessageType.result, number);
    expect(rows).toMatchObject([{ held: 1, waiting: 1, holds: [{ session: this.#session, token: this.#token }] }]);
    await holder.acquired(number, `witness/${number}`);
    await holder.released(number);
    await this.#waiter.probed(number);
    expect([holder.unread, this.#waiter.unread]).toEqual([[], []]);
  }

  /** The lock goes to the one who waited. */
  async leave(): Promise<void> {
    this.#holder.send([MessageType.release, HOLD]);
    const [, , token] = await this.#waiter.granted(HOLD);
    expect(token).toBeGreaterThan(this.#token);
    await this.#holder.close();
    await this.#waiter.close();
  }
}

/** A server under attack: the process, its witness, and the memory it had before. */
export class Scene {
  readonly server: ServerProcess;
  readonly witness: Witness;
  #restingBytes = 0;

  static async start(): Promise<Scene> {
    const server = await ServerProcess.start();
    const scene = new Scene(server, await Witness.open(server.url));
    await scene.check();
    scene.#restingBytes = (await server.stats()).rssBytes;
    return scene;
  }

  constructor(server: ServerProcess, witness: Witness) {
    this.server = server;
    this.witness = witness;
  }

  /** The process lives, nobody else was disturbed, and no memory was taken that an attacker could make grow without end. */
  async check(growthMaxBytes: number = 64 * 1_024 * 1_024): Promise<void> {
    expect(this.server.child.exit, this.server.child.output).toBeNull();
    await this.witness.check();
    const { peakBytes } = await this.server.stats();
    if (this.#restingBytes > 0) expect(peakBytes - this.#restingBytes).toBeLessThan(growthMaxBytes);
  }

  /** Ends in good order; a server that was hurt could not. */
  async end(): Promise<void> {
    await this.witness.leave();
    try {
      const exit = await inTime('the end of the server', this.server.close());
      expect(exit, this.server.child.output).toEqual({ code: 0, signal: null });
    } finally {
      await this.server.child.kill();
    }
    expect(faults(this.server.child.output)).toEqual([]);
  }
}

/** Lines of the server's log at level error or worse, and whatever is no log line: a warning of Node, a stack. */
function faults(output: string): string[] {
  const lines = output.split('\n').filter((line) => line !== '');
  return lines.filter((line) => !line.startsWith('{') || (JSON.parse(line) as { level: number }).level >= 50);
}

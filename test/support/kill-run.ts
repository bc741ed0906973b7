/** One server under load, killed again and again, and what has to be so after each kill. */
import { setTimeout as delay } from 'node:timers/promises';
import type { KeyStatus, Lock } from '@holdfast/client';
import { expect } from 'vitest';
import type { DurableServer } from './durable-server.js';
import { type Call, History } from './history.js';
import { Gate, LoadClient, Register, type World } from './load.js';
import { LockModel } from './lock-model.js';
import { LogTail } from './log-tail.js';
import { Random } from './random.js';
import { inTime, until } from './until.js';

const CLIENTS = 6;
/** How many turns of work a client has under way at once. */
const WORKERS = 3;
const KEYS = ['load/a', 'load/b', 'load/c', 'load/d'];
const LINE = 'line';

/** Calls that return between two kills, at least and below. */
export const CALLS_MIN = 10;
const CALLS_END = 120;
/** A kill comes this much after the last of them, below. */
const LATE_MS_END = 8;
/** Of a hundred kills so many come while the server starts, within this time. */
const EARLY_PERCENT = 15;
const EARLY_MS_END = 300;

export class KillRun {
  readonly random: Random;
  readonly history = new History();
  readonly register = new Register();
  readonly gate = new Gate();
  readonly model = new LockModel();
  readonly clients: LoadClient[] = [];
  readonly server: DurableServer;
  /** Kills that came during a start. */
  early = 0;
  /** Calls that were under way when the server was killed. */
  underWay = 0;
  readonly #tail: LogTail;
  #working: Promise<unknown> = Promise.resolve();
  /** Locks and acquires that last for the whole run, and how the line for one of them stands. */
  #own: readonly Lock[] = [];
  #line: readonly Promise<Lock>[] = [];
  #lineStatus: unknown;

  constructor(server: DurableServer, seed: number) {
    this.server = server;
    this.random = new Random(seed);
    this.#tail = new LogTail(server.directory);
  }

  /** Kills it `kills` times, and sees to it that everything ends well. */
  async go(kills: number): Promise<void> {
    await this.#begin();
    for (let kill = 1; kill <= kills; kill++) {
      if (kill > 1 && this.random.chance(EARLY_PERCENT)) {
        await this.#killWhileItStarts();
      } else {
        if (kill > 1) await this.#checkServer();
        await this.#killUnderLoad();
      }
      await this.#checkLog();
      this.server.launch();
    }
    await this.#checkServer();
    await this.#end();
  }

  /** Each client holds a key of its own; the first holds another one, for which all the others stand in line. */
  async #begin(): Promise<void> {
    const world: World = { ...this, keys: KEYS };
    for (let i = 0; i < CLIENTS; i++) {
      this.clients.push(await LoadClient.connect(this.server.url, `load ${i}`, world));
    }
    this.#own = await Promise.all(this.clients.map((client, i) => client.acquire(`own/${i}`)));
    const line: Promise<Lock>[] = [];
    for (const [i, client] of this.clients.entries()) {
      line.push(client.acquire(LINE));
      await until('a place in the line', async () => standing(await this.#query(LINE)).length === i + 1);
    }
    this.#line = line;
    this.#lineStatus = standing(await this.#query(LINE));
    this.#working = Promise.all(this.clients.flatMap((client) => Array.from({ length: WORKERS }, () => client.work())));
    this.#working.catch(() => undefined);
  }

  /** What was waited for, unless a worker has found something wrong. */
  async #unlessWrong<T>(promise: Promise<T>): Promise<T> {
    const wrong = this.#working.then(() => {
      throw new Error('the work has ended');
    });
    return Promise.race([promise, wrong]);
  }

  /** Work goes on, and in its middle the server is killed. */
  async #killUnderLoad(): Promise<void> {
    const calls = CALLS_MIN + this.random.below(CALLS_END - CALLS_MIN);
    const enough = this.history.afterEnds(calls);
    this.gate.open();
    await this.#unlessWrong(inTime(`${calls} calls return`, enough));
    if (this.random.chance(50)) await delay(this.random.below(LATE_MS_END));
    this.gate.close();
    this.underWay += this.history.pending('acquire').length + this.history.pending('release').length;
    const ended = this.server.kill();
    expect((await ended).signal).toBe('SIGKILL');
  }

  async #killWhileItStarts(): Promise<void> {
    this.early += 1;
    await delay(this.random.below(EARLY_MS_END));
    const { code, signal, stderr } = await this.server.kill();
    expect({ code, signal, stderr }).toEqual({ code: null, signal: 'SIGKILL', stderr: '' });
  }

  /** What was acknowledged is in the log, whatever comes after. */
  async #checkLog(): Promise<void> {
    await until('every client has noticed', () => this.clients.every(({ holdfast }) => holdfast.state !== 'connected'));
    await this.#compareWithLog();
  }

  async #compareWithLog(): Promise<void> {
    const { calls } = this.history;
    const told = calls.filter(({ outcome }) => outcome === 'ok');
    const releasing = new Set(calls.filter(({ what }) => what === 'release').map(({ id }) => id));
    for (const entry of await this.#tail.read()) this.model.apply(entry);
    const losses = told.flatMap((call) => {
      const why = this.#lossOf(call, releasing.has(call.id));
      return why === null ? [] : [{ ...call, why }];
    });
    expect(losses).toEqual([]);
  }

  #lossOf({ id, session, token, what }: Call, isReleasing: boolean): string | null {
    const asked = this.model.calls.get(id);
    if (asked === undefined) return 'it never was';
    if (asked.session !== session) return `it is of ${asked.session}`;
    if (asked.token !== token) return `its token is ${asked.token}`;
    if (what === 'release' && !asked.isOver) return 'it is held still';
    if (!isReleasing && asked.isOver) return 'it is not held any more';
    return null;
  }

  /** The server serves, everybody is back, and for every key it says what its clients say and what the log says. */
  async #checkServer(): Promise<void> {
    await this.server.serves();
    const { clients, history, register } = this;
    await until('every client is back', () => clients.every(({ holdfast }) => holdfast.state === 'connected'));
    await until('every release is answered', () => history.pending('release').length === 0);
    for (const key of KEYS) {
      const what = `${key} is as its clients have it`;
      await until(what, async () => {
        const { holds, waiting } = await this.#query(key);
        const isHeldAlike = holds[0]?.token === register.holder(key)?.token;
        return isHeldAlike && waiting === history.pending('acquire', key).length;
      });
    }
    for (const entry of await this.#tail.read()) this.model.apply(entry);
    for (const key of [...KEYS, LINE, ...this.#own.map((lock) => lock.key)]) {
      expect(standing(await this.#query(key)), key).toEqual(
        this.model.queue(key).map(({ session, request, token }) => [session, request, token]),
      );
    }
    expect(standing(await this.#query(LINE))).toEqual(this.#lineStatus);
    this.#checkClients();
  }

  #checkClients(): void {
    expect(this.clients.flatMap(({ surprises }) => surprises)).toEqual([]);
    expect(this.clients.map(({ holdfast }) => holdfast.session)).toEqual(this.clients.map(({ session }) => session));
    for (const lock of this.register.locks) expect(lock.state, lock.key).toBe('held');
  }

  /** Everybody finishes; the line moves on in its order. */
  async #end(): Promise<void> {
    for (const client of this.clients) client.stop();
    this.gate.open();
    await inTime('the end of the work', this.#working);
    let latest = 0;
    for (const [i, client] of this.clients.entries()) {
      const lock = await inTime(`place ${i + 1} in the line`, this.#line[i] ?? Promise.reject(new Error('no line')));
      expect(lock.token).toBeGreaterThan(latest);
      latest = lock.token;
      await client.release(lock);
    }
    for (const [i, lock] of this.#own.entries()) await this.clients[i]?.release(lock);
    this.#checkClients();
    for (const { holdfast } of this.clients) await holdfast.close();
    expect((await this.server.stop()).code).toBe(0);
    await this.#compareWithLog();
  }

  async #query(key: string): Promise<KeyStatus> {
    const [first] = this.clients;
    if (first === undefined) throw new Error('nobody can ask');
    return inTime(`the state of ${key}`, first.holdfast.query(key));
  }
}

/** Who holds and who waits, in order, as the model lists it. */
function standing({ holds, queue }: KeyStatus): readonly (readonly [string, number, number | null])[] {
  return [
    ...holds.map(({ session, request, token }) => [session, request, token] as const),
    ...queue.map(({ session, request }) => [session, request, null] as const),
  ];
}

/** A resumable session of the bare protocol that keeps account of what it was told, request by request. */
import { MessageType } from '@holdfast/protocol';
import { RawClient } from './raw-client.js';

const FRAME_REQUESTS = 50;

export interface Refusal {
  readonly code: string;
  readonly retry: string;
}

interface Answer {
  readonly refusal: Refusal | null;
  /** Of a grant. */
  readonly token: number;
}

export class RawSession {
  readonly session: string;
  /** Of every hold that was acknowledged and whose release was not: its token. */
  readonly held = new Map<number, number>();
  readonly #secret: Uint8Array;
  #client: RawClient;
  #request = 0;

  static async open(url: string, timeoutMs: number): Promise<RawSession> {
    const client = await RawClient.open(url, { resumable: true, timeoutMs });
    const { session, secret } = client.welcome;
    if (secret === undefined) throw new Error('the session cannot be resumed');
    return new RawSession(client, session, secret);
  }

  constructor(client: RawClient, session: string, secret: Uint8Array) {
    this.#client = client;
    this.session = session;
    this.#secret = secret;
  }

  /** Its present connection. */
  get client(): RawClient {
    return this.#client;
  }

  /** The same session on a copy of the log that it is in. */
  twin(): RawSession {
    return new RawSession(this.#client, this.session, this.#secret);
  }

  /** Asks for one key each in one frame, and gives what was refused. `fillBytes`: so much metadata comes with each. */
  async acquire(keys: readonly string[], fillBytes = 0): Promise<readonly Refusal[]> {
    const meta = fillBytes === 0 ? null : { fill: 'x'.repeat(fillBytes) };
    const first = this.#request + 1;
    const { acquire, granted } = MessageType;
    this.#client.send(...keys.map((key, i) => [acquire, first + i, first - 1, key, 0, null, null, 0, meta] as const));
    this.#request += keys.length;
    const refusals: Refusal[] = [];
    for (let i = 0; i < keys.length; i++) {
      const { refusal, token } = await this.#answer(granted, first + i);
      if (refusal === null) this.held.set(first + i, token);
      else refusals.push(refusal);
    }
    return refusals;
  }

  /** Releases these holds in one frame, and gives what was refused. */
  async release(requests: readonly number[]): Promise<readonly Refusal[]> {
    const { release, ended } = MessageType;
    this.#client.send(...requests.map((request) => [release, request] as const));
    const refusals: Refusal[] = [];
    for (const request of requests) {
      const { refusal } = await this.#answer(ended, request);
      if (refusal === null) this.held.delete(request);
      else refusals.push(refusal);
    }
    return refusals;
  }

  /** Acquires and releases without keeping anything, as many times. Stops at the first refusal. */
  async churn(times: number, fillBytes: number): Promise<readonly Refusal[]> {
    for (let done = 0; done < times; done += FRAME_REQUESTS) {
      const first = this.#request + 1;
      const keys = Array.from({ length: FRAME_REQUESTS }, (_, i) => `churn/${this.session}/${i}`);
      const refused = await this.acquire(keys, fillBytes);
      if (refused.length > 0) return refused;
      const stuck = await this.release(keys.map((_, i) => first + i));
      if (stuck.length > 0) return stuck;
    }
    return [];
  }

  /** On a new connection. Gives what the service says that this session holds: request and token. */
  async resume(url: string): Promise<ReadonlyMap<number, number>> {
    this.#client = await RawClient.connect(url);
    this.#client.send([MessageType.hello, { session: this.session, secret: this.#secret }]);
    const [, { resumed }] = await this.#client.next(MessageType.welcome);
    if (!resumed) throw new Error(`the session ${this.session} is not known any more`);
    const holds = new Map<number, number>();
    for (let isLast = false; !isLast;) {
      const restore = await this.#client.next(MessageType.restore);
      for (const [request, , , token] of restore[1]) holds.set(request, token);
      isLast = restore[3];
    }
    return holds;
  }

  /** A grant, an ending, or the refusal of what was asked. */
  async #answer(type: typeof MessageType.granted | typeof MessageType.ended, request: number): Promise<Answer> {
    const answer = await this.#client.nextOf(`an answer to ${request}`, (message) =>
      message[0] === MessageType.error ? message[2] === request : message[0] === type && message[1] === request,
    );
    if (answer[0] === MessageType.error) return { refusal: { code: answer[3], retry: answer[4] }, token: 0 };
    return { refusal: null, token: answer[0] === MessageType.granted ? answer[2] : 0 };
  }
}

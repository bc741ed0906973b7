/**
 * What the entries of a log mean for exclusive locks without leases and limited waits, written down a second time and as plainly as
 * possible: a queue for each key, whose first request holds.
 */
import type { LogEntry } from './log-tail.js';

type LogCommand = LogEntry['commands'][number];
type Acquire = Extract<LogCommand, { readonly type: 'acquire' }>;

export interface Asked {
  readonly session: string;
  readonly request: number;
  readonly key: string;
  /** The number that the caller gave this call, in its metadata. */
  readonly call: string;
  /** null: not granted so far. */
  token: number | null;
  isOver: boolean;
}

export class LockModel {
  /** Every request that was ever made and not refused, by its call. */
  readonly calls = new Map<string, Asked>();
  /** Tokens in the order in which they were given. */
  readonly tokens: number[] = [];
  /** How many entries began a term. */
  terms = 0;
  readonly #queues = new Map<string, Asked[]>();
  readonly #lastRequests = new Map<string, number>();
  #token = 0;

  /** The first one holds, the others wait. */
  queue(key: string): readonly Asked[] {
    return this.#queues.get(key) ?? [];
  }

  apply(entry: LogEntry): void {
    for (const command of entry.commands) this.#run(command);
  }

  #run(command: LogCommand): void {
    switch (command.type) {
      case 'begin-term':
        this.terms += 1;
        this.#token = Math.max(this.#token, command.tokenFloor);
        break;
      case 'open-session':
        this.#lastRequests.set(command.session, 0);
        break;
      case 'acquire':
        this.#acquire(command);
        break;
      case 'release':
        this.#end((asked) => asked.token !== null && isNamed(asked, command));
        break;
      case 'cancel':
        this.#end((asked) => isNamed(asked, command));
        break;
      case 'end-session':
        this.#end((asked) => asked.session === command.session);
        this.#lastRequests.delete(command.session);
        break;
      case 'resume-session':
      case 'confirm-session':
        break;
      default:
        throw new Error(`nobody in this run says ${command.type}`);
    }
  }

  #acquire({ session, request, key, waitMs, meta }: Acquire): void {
    const last = this.#lastRequests.get(session);
    // A session that is over, or a request that was said before.
    if (last === undefined || request <= last) return;
    this.#lastRequests.set(session, request);
    const queue = this.#queues.get(key) ?? [];
    if (waitMs === 0 && queue.length > 0) return;
    const call = meta?.['call'] ?? '';
    if (this.calls.has(call)) throw new Error(`the call ${call} took effect twice`);
    const asked = { session, request, key, call, token: null, isOver: false };
    this.calls.set(call, asked);
    queue.push(asked);
    this.#queues.set(key, queue);
    this.#grant(queue);
  }

  #end(isMeant: (asked: Asked) => boolean): void {
    for (const [key, queue] of this.#queues) {
      const left = queue.filter((asked) => !isMeant(asked));
      if (left.length === queue.length) continue;
      for (const asked of queue) asked.isOver = isMeant(asked);
      if (left.length === 0) this.#queues.delete(key);
      else this.#queues.set(key, left);
      this.#grant(left);
    }
  }

  #grant([first]: readonly Asked[]): void {
    if (first === undefined || first.token !== null) return;
    this.#token += 1;
    first.token = this.#token;
    this.tokens.push(this.#token);
  }
}

function isNamed(asked: Asked, { session, request }: { readonly session: string; readonly request: number }): boolean {
  return asked.session === session && asked.request === request;
}

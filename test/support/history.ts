/** What a run's callers asked, when, and what they were told. */

/** `unknown`: the call ended without saying whether it was done. */
export type Outcome = 'ok' | 'failed' | 'unknown';

export interface Call {
  /** Names the call in the metadata of its request, so that it is found in the log. A release has the id of its acquire. */
  readonly id: string;
  readonly session: string;
  readonly key: string;
  readonly what: 'acquire' | 'release';
  readonly invokedMs: number;
  /** null: it is under way. */
  returnedMs: number | null;
  outcome: Outcome | null;
  /** Of a grant. */
  token: number | null;
}

export class History {
  readonly calls: Call[] = [];
  #onEnd: (() => void) | null = null;
  #endsLeft = 0;
  #ended = 0;

  /** Calls that have returned. */
  get ended(): number {
    return this.#ended;
  }

  begin(session: string, key: string, what: Call['what'], id = `call-${this.calls.length}`): Call {
    const invokedMs = performance.now();
    const call: Call = { id, session, key, what, invokedMs, returnedMs: null, outcome: null, token: null };
    this.calls.push(call);
    return call;
  }

  end(call: Call, outcome: Outcome, token: number | null = null): void {
    call.returnedMs = performance.now();
    call.outcome = outcome;
    call.token = token;
    this.#ended += 1;
    this.#endsLeft -= 1;
    if (this.#endsLeft === 0) this.#onEnd?.();
  }

  /** Resolves in the moment in which so many more calls have returned. */
  afterEnds(count: number): Promise<void> {
    this.#endsLeft = count;
    return new Promise((resolve) => {
      this.#onEnd = resolve;
    });
  }

  /** Of the calls under way. */
  pending(what: Call['what'], key?: string): readonly Call[] {
    return this.calls.filter(
      (call) => call.what === what && call.outcome === null && (key === undefined || call.key === key),
    );
  }
}

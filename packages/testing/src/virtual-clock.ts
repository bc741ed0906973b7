/**
 * A clock that moves when it is told to, and an event loop's order of work around it: timers, then what waits in the sockets,
 * then tasks for after the poll. Node runs them in this order, also after a stall, and rules of the server depend on it.
 *
 * Microtasks run between any two callbacks, as in Node. Nothing here waits for real time.
 */

interface VirtualTimer {
  readonly number: number;
  readonly dueMs: number;
  readonly fire: () => void;
}

/** More turns than this without time passing are a loop that spins, not work. */
const TURNS_MAX = 100_000;

export interface VirtualClockOptions {
  /** Monotonic start. Default 1,000: code that takes 0 for "never" shows itself. */
  readonly nowMs?: number;
  /** Wall clock at the start, Unix milliseconds. Default 2026-01-01T00:00:00Z. */
  readonly wallMs?: number;
}

export class VirtualClock {
  #nowMs: number;
  #wallMs: number;
  #count = 0;
  readonly #timers = new Map<number, VirtualTimer>();
  #polls: (() => void)[] = [];
  #afterPolls: (() => void)[] = [];

  constructor(options: VirtualClockOptions = {}) {
    this.#nowMs = options.nowMs ?? 1_000;
    this.#wallMs = options.wallMs ?? Date.UTC(2026, 0, 1);
  }

  // ---- the port that the server sees ------------------------------------------------------------------------------------

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  /** As Node's: a delay below 1 ms is 1 ms, so no timer fires in the turn that set it. */
  setTimer(delayMs: number, fire: () => void): number {
    this.#count += 1;
    this.#timers.set(this.#count, { number: this.#count, dueMs: this.#nowMs + Math.max(1, delayMs), fire });
    return this.#count;
  }

  /** Takes what its `setTimer` returned; the server's timers may also be objects of Node's. */
  clearTimer(timer: unknown): void {
    if (typeof timer === 'number') this.#timers.delete(timer);
  }

  afterPoll(task: () => void): void {
    this.#afterPolls.push(task);
  }

  // ---- what tests and simulations do with it ------------------------------------------------------------------------------

  /** Timers that are set. A stopped server has none. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** When the next timer is due, on this clock; Infinity: none is set. */
  get nextTimerMs(): number {
    let dueMs = Infinity;
    for (const timer of this.#timers.values()) dueMs = Math.min(dueMs, timer.dueMs);
    return dueMs;
  }

  /** Something arrives in a socket: `task` runs in the next turn's poll, after that turn's timers. */
  atPoll(task: () => void): void {
    this.#polls.push(task);
  }

  /** Only the wall clock jumps. */
  setWall(wallMs: number): void {
    this.#wallMs = wallMs;
  }

  /** One turn of the event loop at the present time: due timers, the poll, the tasks for after it. */
  async turn(): Promise<void> {
    await microtasks();
    const due = [...this.#timers.values()].filter((timer) => timer.dueMs <= this.#nowMs);
    due.sort((left, right) => left.dueMs - right.dueMs || left.number - right.number);
    for (const timer of due) {
      // An earlier one may have cleared it.
      if (!this.#timers.delete(timer.number)) continue;
      timer.fire();
      await microtasks();
    }
    await runAll(this.#polls.splice(0));
    await runAll(this.#afterPolls.splice(0));
  }

  /** Lets `ms` pass on an idle machine: stops at every timer's time and works until only later timers are left. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await this.settle();
    for (let nextMs = this.nextTimerMs; nextMs <= endMs; nextMs = this.nextTimerMs) {
      this.#move(nextMs);
      await this.settle();
    }
    this.#move(endMs);
    await this.settle();
  }

  /**
   * The process does not run for `ms`, whatever is due. Returns before it runs again, so that a test can put into the sockets what came
   * meanwhile (`atPoll`); the next `turn` then runs every overdue timer first, as Node does.
   */
  stall(ms: number): void {
    this.#move(this.#nowMs + ms);
  }

  /** Turns until nothing is left to do at the present time. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < TURNS_MAX; turns++) {
      await this.turn();
      if (this.#polls.length === 0 && this.#afterPolls.length === 0 && this.nextTimerMs > this.#nowMs) return;
    }
    throw new Error(`still busy after ${TURNS_MAX} turns in which no time passed`);
  }

  #move(nowMs: number): void {
    this.#wallMs += nowMs - this.#nowMs;
    this.#nowMs = nowMs;
  }
}

async function runAll(tasks: readonly (() => void)[]): Promise<void> {
  for (const task of tasks) {
    task();
    await microtasks();
  }
}

/** Resolves when every microtask that is queued now, and those that they queue, have run. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

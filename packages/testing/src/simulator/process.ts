/**
 * A simulated process: its clocks, its timers, and an event loop that does things in Node's order: what is in the sockets (and what disk
 * operations have ended), the tasks for after that, the timers. It may stand still, be suspended with its machine, or die.
 *
 * It is the Clock of the server and the Clock of the client at once.
 */
import { Heap } from './heap.js';
import type { Scheduler } from './scheduler.js';

export interface ProcessOptions {
  /** How fast its clocks go, 1 being the simulation's. */
  readonly rate: number;
  /** Wall clock at its start, Unix milliseconds. */
  readonly wallMs: number;
  /** After it stood still: whether timers come before the sockets. Real loops do either, depending on where they stood. */
  readonly timersFirst: boolean;
  /** In [0, 1): where in a millisecond of the monotonic clock the loop's own clock, which knows whole ones only, ticks. */
  readonly tickPhase: number;
}

interface ProcessTimer {
  readonly number: number;
  /** On the loop's clock. */
  readonly dueTick: number;
  readonly fire: () => void;
}

/** Monotonic clocks do not begin at 0: code that takes 0 for "never" shows itself. */
const START_MS = 1_000;

export class SimulatedProcess {
  readonly #scheduler: Scheduler;
  readonly #options: ProcessOptions;
  readonly #bornMs: number;
  #state: 'running' | 'stalled' | 'dead' = 'running';
  /** Stalls so far: a stall's end that a later stall has overtaken is none. */
  #stalls = 0;
  /** Simulated time in which the machine, and with it the monotonic clock, stood still. */
  #suspendedMs = 0;
  /** While suspended: since when. */
  #suspendedSinceMs: number | null = null;
  #woken: () => void = () => undefined;
  #wallJumpMs = 0;

  #timerCount = 0;
  readonly #timers = new Map<number, ProcessTimer>();
  /** Heap of all timers by (due, number), cleared ones included. */
  readonly #timerHeap = new Heap<ProcessTimer>(isBefore);
  /** The tick for which a wake-up was delivered: that it has come is true even if rounding says it is about to. */
  #wokenTick = 0;
  /** The tick of the wake-up that is scheduled, and how many were: of several only the last one counts. */
  #wakeTick = Infinity;
  #wakes = 0;

  /** What arrived and was not looked at by the loop. */
  #inbox: (() => void)[] = [];
  #polls: (() => void)[] = [];
  #polled = 0;
  #afterPolls: (() => void)[] = [];
  #checks: (() => void)[] = [];
  #checked = 0;
  #phase: 'poll' | 'check' | 'timers' = 'poll';
  /** A step of the loop is scheduled. */
  #stepping = false;

  constructor(scheduler: Scheduler, options: ProcessOptions) {
    this.#scheduler = scheduler;
    this.#options = options;
    this.#bornMs = scheduler.nowMs;
  }

  // ---- the clocks -----------------------------------------------------------------------------------------------------------

  nowMs(): number {
    const simulatedMs = this.#suspendedSinceMs ?? this.#scheduler.nowMs;
    return START_MS + (simulatedMs - this.#bornMs - this.#suspendedMs) * this.#options.rate;
  }

  wallMs(): number {
    const stoodMs = this.#suspendedSinceMs === null ? 0 : this.#scheduler.nowMs - this.#suspendedSinceMs;
    return this.#options.wallMs + this.#wallJumpMs + this.nowMs() - START_MS + this.#suspendedMs + stoodMs;
  }

  /** As Node's: fractions of a millisecond are cut off, a delay below 1 ms is 1 ms, and the loop's clock knows whole milliseconds only. */
  setTimer(delayMs: number, fire: () => void): number {
    this.#timerCount += 1;
    const dueTick = this.#tick() + Math.max(1, Math.trunc(delayMs));
    const timer = { number: this.#timerCount, dueTick, fire };
    this.#timers.set(timer.number, timer);
    this.#timerHeap.add(timer);
    if (!this.#stepping) this.#wake();
    return timer.number;
  }

  /** Takes what its `setTimer` returned; the types of the product's clocks allow for more. */
  clearTimer(timer: unknown): void {
    if (typeof timer === 'number') this.#timers.delete(timer);
  }

  afterPoll(task: () => void): void {
    this.#afterPolls.push(task);
    this.#schedule();
  }

  // ---- what the rest of the simulation does with it -----------------------------------------------------------------------

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  /** It runs: neither dead nor standing still. */
  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Timers that are set. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** Something arrived for it, in a socket or from the disk: `task` runs in the poll phase of its next turn. */
  deliver(task: () => void): void {
    if (this.#state === 'dead') return;
    this.#inbox.push(task);
    this.#schedule();
  }

  /** Its wall clock alone is set. */
  jumpWall(byMs: number): void {
    this.#wallJumpMs += byMs;
  }

  /** Nothing of it runs for so long; its clocks go on. */
  stall(forMs: number): void {
    this.#halt(forMs);
  }

  /** Its machine sleeps for so long: nothing of it runs, and its monotonic clock stands still. `woken` is called before anything of it runs again. */
  suspend(forMs: number, woken: () => void): void {
    if (this.#state !== 'running') return;
    this.#woken = woken;
    this.#suspendedSinceMs = this.#scheduler.nowMs;
    this.#halt(forMs);
  }

  /** A stall ends now. A suspension lasts as long as it was to: a short one could not be seen by the process. */
  heal(): void {
    if (this.#suspendedSinceMs === null) this.#resume();
  }

  /** Nothing of it ever runs again. */
  kill(): void {
    this.#state = 'dead';
    this.#timers.clear();
    this.#timerHeap.clear();
    this.#inbox = [];
    this.#polls = [];
    this.#afterPolls = [];
    this.#checks = [];
  }

  // ---- the loop -----------------------------------------------------------------------------------------------------------------

  #halt(forMs: number): void {
    if (this.#state === 'dead') return;
    this.#state = 'stalled';
    this.#stalls += 1;
    const stall = this.#stalls;
    this.#scheduler.after(forMs, () => {
      if (stall === this.#stalls) this.#resume();
    });
  }

  #resume(): void {
    if (this.#state !== 'stalled') return;
    this.#state = 'running';
    if (this.#suspendedSinceMs !== null) {
      this.#suspendedMs += this.#scheduler.nowMs - this.#suspendedSinceMs;
      this.#suspendedSinceMs = null;
      this.#woken();
    }
    this.#phase = this.#options.timersFirst ? 'timers' : 'poll';
    this.#wakeTick = Infinity;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#stepping || this.#state !== 'running') return;
    this.#stepping = true;
    this.#scheduler.at(this.#scheduler.nowMs, this.#step);
  }

  /** One callback of the loop, so that microtasks run between any two. */
  readonly #step = (): void => {
    this.#stepping = false;
    if (this.#state !== 'running') return;
    const task = this.#next();
    if (task === null) {
      this.#wake();
      return;
    }
    // Whatever the task adds is taken by a step that comes anyway.
    this.#stepping = true;
    this.#scheduler.at(this.#scheduler.nowMs, this.#step);
    task();
  };

  /** The next callback of this turn, or of the one after it; null: there is nothing to do now. */
  #next(): (() => void) | null {
    for (;;) {
      if (this.#phase === 'poll') {
        if (this.#polled === 0 && this.#polls.length === 0) {
          this.#polls = this.#inbox;
          this.#inbox = [];
        }
        const task = this.#polls[this.#polled];
        this.#polled += 1;
        if (task !== undefined) return task;
        this.#polls = [];
        this.#polled = 0;
        this.#phase = 'check';
        this.#checks = this.#checks.concat(this.#afterPolls);
        this.#afterPolls = [];
      }
      if (this.#phase === 'check') {
        const task = this.#checks[this.#checked];
        this.#checked += 1;
        if (task !== undefined) return task;
        this.#checks = [];
        this.#checked = 0;
        this.#phase = 'timers';
      }
      const timer = this.#takeDue();
      if (timer !== null) return timer.fire;
      this.#phase = 'poll';
      if (this.#inbox.length === 0 && this.#afterPolls.length === 0) return null;
    }
  }

  #tick(): number {
    return Math.max(this.#wokenTick, Math.floor(this.nowMs() + this.#options.tickPhase));
  }

  #takeDue(): ProcessTimer | null {
    const timer = this.#firstTimer();
    if (timer === undefined || timer.dueTick > this.#tick()) return null;
    this.#timerHeap.take();
    this.#timers.delete(timer.number);
    return timer;
  }

  #firstTimer(): ProcessTimer | undefined {
    for (;;) {
      const { first } = this.#timerHeap;
      if (first === undefined || this.#timers.has(first.number)) return first;
      this.#timerHeap.take();
    }
  }

  /** Sees to it that the loop turns when the first timer is due. */
  #wake(): void {
    const dueTick = this.#firstTimer()?.dueTick ?? Infinity;
    if (dueTick >= this.#wakeTick || this.#state !== 'running') return;
    this.#wakeTick = dueTick;
    this.#wakes += 1;
    const wake = this.#wakes;
    const dueMs = (dueTick - this.#options.tickPhase - START_MS) / this.#options.rate;
    this.#scheduler.at(this.#bornMs + this.#suspendedMs + dueMs, () => {
      if (this.#state !== 'running' || wake !== this.#wakes) return;
      this.#wakeTick = Infinity;
      this.#wokenTick = Math.max(this.#wokenTick, dueTick);
      this.#schedule();
    });
  }
}

function isBefore(left: ProcessTimer, right: ProcessTimer): boolean {
  return left.dueTick < right.dueTick || (left.dueTick === right.dueTick && left.number < right.number);
}

/** How holds end without an answer of the service: deadlines, leases, lost sessions. Once lost, a hold stays lost. */
import type { ClientMessage, Meta } from '@holdfast/protocol';
import { MessageType } from '@holdfast/protocol';
import type { Clock } from './clock.js';
import type { LossReason } from './errors.js';
import { AcquireError, ConnectionError, LockLostError } from './errors.js';
import type { Guarded } from './guard.js';
import { Guard } from './guard.js';
import type { Liveness } from './liveness.js';
import { shortened } from './liveness.js';
import type { HeldLock } from './lock.js';
import type { Request, RequestTable } from './requests.js';
import { NEVER } from './requests.js';

export type HoldRequest = Request<HeldLock>;

/** The way out to the service. */
export interface Outbox {
  /** The connection is welcomed and restored: what is sent now comes after all repeats. */
  readonly isOpen: boolean;
  send(message: ClientMessage): void;
  /** A time no later than the moment at which a message that is sent now leaves. */
  sendTimeMs(): number;
  probe(): void;
  /** The service wants this client to connect again before it goes on. */
  reconnect(): void;
}

export class Holds implements Guarded {
  readonly guard: Guard;
  readonly #clock: Clock;
  readonly #liveness: Liveness;
  readonly #table: RequestTable<HeldLock>;
  readonly #outbox: Outbox;

  constructor(clock: Clock, liveness: Liveness, table: RequestTable<HeldLock>, outbox: Outbox) {
    this.#clock = clock;
    this.#liveness = liveness;
    this.#table = table;
    this.#outbox = outbox;
    this.guard = new Guard(clock, liveness, this);
  }

  get hasClaims(): boolean {
    return this.#table.heldCount > 0 || this.#table.releaseCount > 0;
  }

  /** Looks at the clocks; a hold whose time is over is lost when this returns. */
  check(request: HoldRequest): void {
    const nowMs = this.guard.check();
    if (request.phase === 'held' && nowMs >= this.leaseDeadlineMs(request)) this.#end([request], 'LEASE_OVER');
  }

  /** From here on the service may have ended this hold. */
  deadlineMs(request: HoldRequest): number {
    return Math.min(this.#liveness.deadlineMs, this.leaseDeadlineMs(request));
  }

  /**
   * No later than the end of the hold's lease; Infinity: it has none. An extend without an answer may have been handled
   * at any time since it was sent, so the lease that it asks for counts from there if that is shorter.
   */
  leaseDeadlineMs(request: HoldRequest): number {
    let endMs = request.leaseEndMs === null ? Number.POSITIVE_INFINITY : this.#liveness.clientMs(request.leaseEndMs);
    for (const { leaseMs, sentMs } of request.extends ?? []) {
      if (leaseMs !== null) endMs = Math.min(endMs, sentMs + shortened(leaseMs));
    }
    return endMs;
  }

  /** Says the release or cancel of a request that nobody uses any more; later, if there is no connection. */
  sayEnding(request: HoldRequest): void {
    if (!this.#outbox.isOpen) return;
    request.onServer = true;
    this.#outbox.send([request.ending, request.number]);
  }

  /** A waiting request is given up. What was never sent needs no cancel. */
  giveUp(request: HoldRequest): void {
    request.unlisten?.();
    if (request.sentMs === NEVER) {
      this.#table.drop(request);
      return;
    }
    this.#table.beginEnding(request, MessageType.cancel);
    this.sayEnding(request);
  }

  /** Tells the holder. The request is already out of `held`. */
  lose(request: HoldRequest, why: LossReason, detail: Meta | null = null): void {
    const error = new LockLostError(request.key, request.token, why, detail);
    this.rejectExtends(request, error);
    request.handle?.lost(error);
  }

  rejectExtends(request: HoldRequest, error: Error): void {
    const { extends: extending } = request;
    request.extends = null;
    for (const { reject } of extending ?? []) reject(error);
  }

  clockJumped(): void {
    this.#loseAll('CLOCK_JUMP');
    // Its answer is the first thing that is known again.
    this.#outbox.probe();
  }

  deadlinePassed(): void {
    this.#loseAll('DEADLINE');
  }

  expire(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    const leasesOver: HoldRequest[] = [];
    const waitsOver: HoldRequest[] = [];
    for (const request of this.#table.all()) {
      const isHeld = request.phase === 'held';
      if (!isHeld && (request.phase !== 'waiting' || request.onServer)) continue;
      const endMs = isHeld ? this.leaseDeadlineMs(request) : this.waitEndMs(request);
      if (endMs > nowMs) nextMs = Math.min(nextMs, endMs);
      else (isHeld ? leasesOver : waitsOver).push(request);
    }
    this.#end(leasesOver, 'LEASE_OVER');
    for (const request of waitsOver) this.#timeOut(request);
    return nextMs;
  }

  /**
   * When a request that is not with the service is given up here. A try asks how the queue stands, which takes a
   * connection; so it waits for one, for one session time-out.
   */
  waitEndMs({ spec: { waitMs }, askedMs }: HoldRequest): number {
    if (waitMs === null) return Number.POSITIVE_INFINITY;
    return askedMs + (waitMs === 0 ? this.#liveness.timeoutMs : waitMs);
  }

  /** Watches over the requests that are not with the service. */
  watchAll(): void {
    const nowMs = this.#clock.nowMs();
    const nextMs = this.expire(nowMs);
    if (nextMs < Number.POSITIVE_INFINITY) this.guard.watch(nowMs, nextMs);
  }

  /** The session is over, and with it every hold. Waiting requests were never granted and stay, to be asked again. */
  sessionOver(why: LossReason): void {
    const ended = [...this.#table.all()].filter(({ phase }) => phase !== 'waiting');
    this.#table.forgetSession();
    this.#forget(ended, (request) => this.lose(request, why));
  }

  /** Nothing is held or waited for any more. `why` null: because the caller closed the client, which releases. */
  close(error: Error, why: LossReason | null): void {
    this.guard.stop();
    const all = [...this.#table.all()];
    const waiting = all.filter(({ phase }) => phase === 'waiting');
    this.#forget(all, (request) => {
      if (why !== null) this.lose(request, why);
      else {
        this.rejectExtends(request, error);
        request.handle?.changed();
      }
    });
    for (const request of waiting) {
      request.unlisten?.();
      request.caller.reject(error);
    }
  }

  /** First the state of all, then everybody is told: who is told may call back, and finds nothing half done. */
  #forget(requests: readonly HoldRequest[], tellHolder: (request: HoldRequest) => void): void {
    const held = requests.filter(({ phase }) => phase === 'held');
    for (const request of requests) this.#table.drop(request);
    for (const request of requests) this.#table.takeRelease(request)?.resolve();
    for (const request of held) tellHolder(request);
  }

  #loseAll(why: LossReason): void {
    const all = [...this.#table.all()];
    this.#end(
      all.filter(({ phase }) => phase === 'held'),
      why,
    );
    // Whatever became of these releases: past the deadline the hold does not count any more.
    for (const request of all) this.#table.takeRelease(request)?.resolve();
  }

  /** Holds that are over by our own clock. The service may not know it yet: it is told, so that the next one need not wait for it. */
  #end(requests: readonly HoldRequest[], why: LossReason): void {
    for (const request of requests) this.#table.beginEnding(request, MessageType.release);
    for (const request of requests) {
      this.sayEnding(request);
      this.lose(request, why);
    }
  }

  #timeOut(request: HoldRequest): void {
    const { key, spec } = request;
    this.giveUp(request);
    request.caller.reject(
      spec.waitMs === 0
        ? new ConnectionError('DISCONNECTED', 'there was no connection to ask the service', 'after-reconnect')
        : new AcquireError('WAIT_TIMEOUT', key, `waited in vain for ${JSON.stringify(key)}`),
    );
  }
}

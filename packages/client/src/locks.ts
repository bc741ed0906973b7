/** Requests of one session: what is said for a caller, and what the service's answers mean. */
import type {
  EndedMessage,
  ErrorMessage,
  ExtendedMessage,
  GrantedMessage,
  QueuedMessage,
  RestoreMessage,
} from '@holdfast/protocol';
import { MessageType, PINGS_PER_TIMEOUT } from '@holdfast/protocol';
import { backoffMs } from './backoff.js';
import type { Clock, TimerHandle } from './clock.js';
import { AcquireError, HoldfastError, LockLostError, lossReason, refusal } from './errors.js';
import type { HoldRequest, Outbox } from './holds.js';
import { Holds } from './holds.js';
import type { Report } from './listeners.js';
import type { Liveness } from './liveness.js';
import type { LockHost } from './lock.js';
import { HeldLock } from './lock.js';
import type { AcquireSpec } from './options.js';
import type { Caller } from './requests.js';
import { RequestTable } from './requests.js';

const DONE = Promise.resolve();

export class Locks implements LockHost {
  readonly report: Report;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #liveness: Liveness;
  readonly #outbox: Outbox;
  readonly #table = new RequestTable<HeldLock>();
  readonly #holds: Holds;
  /** Listed by a restore, but not known here. */
  #strays: number[] = [];
  /** Refusals that named a request and a later time, since the service last took one. */
  #refusals = 0;
  #retryTimer: TimerHandle | null = null;
  /** The retry takes a new connection. */
  #reconnects = false;

  constructor(clock: Clock, random: () => number, report: Report, liveness: Liveness, outbox: Outbox) {
    this.#clock = clock;
    this.#random = random;
    this.report = report;
    this.#liveness = liveness;
    this.#outbox = outbox;
    this.#holds = new Holds(clock, liveness, this.#table, outbox);
  }

  // ---- for callers ----------------------------------------------------------------------------------------------------

  get isOpen(): boolean {
    return this.#outbox.isOpen;
  }

  /** Something is held or waited for, or its end is not confirmed. */
  get isBusy(): boolean {
    return this.#table.size > 0;
  }

  acquire(key: string, spec: AcquireSpec, caller: Caller<HeldLock>): void {
    if (spec.signal?.aborted === true) {
      caller.reject(spec.signal.reason);
      return;
    }
    const isOpen = this.#outbox.isOpen;
    const nowMs = isOpen ? this.#outbox.sendTimeMs() : this.#clock.nowMs();
    this.#ask(this.#table.add(key, spec, nowMs, caller), nowMs, isOpen);
  }

  release(request: HoldRequest): Promise<void> {
    if (request.release !== null) return request.release;
    if (request.phase !== 'held') return DONE;
    this.#table.beginEnding(request, MessageType.release);
    const promise = new Promise<void>((resolve, reject) => {
      this.#table.addRelease(request, { resolve, reject });
    });
    request.release = promise;
    this.#holds.sayEnding(request);
    request.handle?.changed();
    return promise;
  }

  extend(request: HoldRequest, leaseMs: number | null): Promise<void> {
    if (request.phase !== 'held') {
      return Promise.reject(new HoldfastError('RELEASED', 'the lock was released'));
    }
    return new Promise((resolve, reject) => {
      const extend = this.#table.addExtend(request, leaseMs, { resolve, reject });
      if (!this.#outbox.isOpen) return;
      extend.sentMs = this.#outbox.sendTimeMs();
      this.#outbox.send([MessageType.extend, request.number, leaseMs]);
      this.#holds.guard.watch(extend.sentMs, this.#holds.leaseDeadlineMs(request));
    });
  }

  check(request: HoldRequest): void {
    this.#holds.check(request);
  }

  validForMs(request: HoldRequest): number {
    return Math.max(0, this.#holds.deadlineMs(request) - this.#clock.nowMs());
  }

  // ---- for the session ------------------------------------------------------------------------------------------------

  /** Ends what is over by the clock, before anything else is believed. */
  checkClock(): number {
    return this.#holds.guard.check();
  }

  /** A message about this request proves that its acquire was heard. */
  noteHeard(number: number): void {
    const request = this.#table.get(number);
    if (request !== undefined) this.#liveness.heard(request.sentMs);
  }

  /** The connection is gone; the session may live on. */
  disconnected(): void {
    this.#stopRetrying();
    this.#table.disconnect();
    for (const request of [...this.#table.all()]) {
      if (request.phase === 'held') request.handle?.changed();
    }
    this.#holds.watchAll();
  }

  beginRestore(): void {
    this.#table.beginRestore();
    this.#strays = [];
  }

  restored([, holds, queued, isLast]: RestoreMessage): void {
    for (const [number, , , token, leaseEndMs] of holds) {
      if (this.#table.get(number) === undefined) this.#strays.push(number);
      else this.#granted(number, token, leaseEndMs);
    }
    for (const [number] of queued) {
      if (this.#table.get(number) === undefined) this.#strays.push(number);
    }
    if (!isLast) return;
    const gone = this.#table.unlisted();
    for (const request of gone) this.#table.drop(request);
    for (const request of gone) this.#holds.lose(request, 'RELEASED_BY_SERVER');
  }

  /** The connection is open: says everything that has no answer, in its old order. */
  opened(): void {
    this.#sayUnanswered();
    for (const number of this.#strays) this.#outbox.send([MessageType.cancel, number]);
    this.#strays = [];
    for (const request of [...this.#table.all()]) {
      if (request.phase === 'held') request.handle?.changed();
    }
  }

  sessionOver(): void {
    this.#holds.sessionOver('SESSION_OVER');
  }

  close(error: HoldfastError, isWanted: boolean): void {
    this.#stopRetrying();
    const why = error.code === 'SESSION_REPLACED' ? 'SESSION_REPLACED' : 'SESSION_OVER';
    this.#holds.close(error, isWanted ? null : why);
  }

  granted([, number, token, leaseEndMs = null]: GrantedMessage): void {
    // Not known here, so nothing was said about it: it is given back.
    if (this.#table.get(number) === undefined) this.#outbox.send([MessageType.cancel, number]);
    else this.#granted(number, token, leaseEndMs);
  }

  queued([, number, place, length]: QueuedMessage): void {
    const request = this.#table.get(number);
    if (request === undefined || request.phase !== 'waiting') return;
    this.#liveness.heard(request.sentMs);
    try {
      request.spec.onPlace?.(place, length);
    } catch (error) {
      this.report(error);
    }
  }

  extended([, number, leaseEndMs = null]: ExtendedMessage): void {
    const request = this.#table.get(number);
    const extend = request?.extends?.shift();
    if (request === undefined || extend === undefined) return;
    this.#liveness.heard(extend.sentMs);
    request.leaseEndMs = leaseEndMs;
    this.#holds.check(request);
    if (request.phase === 'held') this.#holds.guard.watch(this.#clock.nowMs(), this.#holds.deadlineMs(request));
    extend.resolve();
  }

  ended([, number, end, code = 'RELEASED', detail = null]: EndedMessage): void {
    this.#table.acknowledge(end);
    const request = this.#table.get(number);
    if (request === undefined) return;
    this.#refusals = 0;
    this.#liveness.heard(request.sentMs);
    const { phase } = request;
    this.#table.drop(request);
    if (phase === 'held') {
      this.#holds.lose(request, lossReason(code), detail);
    } else if (phase === 'ending') {
      // The hold was valid when the release was called, so its work was done in time, unless it was ended by force before.
      if (code === 'REVOKED' && request.settle !== null) this.#holds.lose(request, 'REVOKED', detail);
      this.#finish(request);
    } else {
      request.unlisten?.();
      const { reject, refuse } = request.caller;
      if (code === 'HELD' && refuse !== null) refuse();
      else reject(refusal(request.key, code, detail));
    }
  }

  error([, about, number, code, retry, text]: ErrorMessage): void {
    const request = this.#table.get(number);
    if (request === undefined) return;
    const failure = new HoldfastError(code, text, retry);
    if (about === MessageType.extend) this.#extendFailed(request, failure);
    // An error about a message that was overtaken: what was said since has an answer of its own.
    else if (request.phase !== (about === MessageType.acquire ? 'waiting' : 'ending')) return;
    else if (request.phase === 'ending' && code === 'NOT_HELD') this.#notHeld(request);
    else if (retry === 'never') this.#failed(request, failure);
    else if (retry === 'after-reconnect') this.#sayLater(request, true);
    else if (request.spec.waitMs === 0 && request.phase === 'waiting') this.#failed(request, failure);
    else this.#sayLater(request, false);
  }

  // ---- steps ----------------------------------------------------------------------------------------------------------

  #ask(request: HoldRequest, nowMs: number, isOpen: boolean): void {
    const { signal } = request.spec;
    if (signal !== null) this.#listen(request, signal);
    if (!isOpen) {
      this.#watchWait(request, nowMs);
      return;
    }
    request.sentMs = nowMs;
    request.onServer = true;
    this.#outbox.send(this.#table.acquireMessage(request, nowMs));
  }

  #listen(request: HoldRequest, signal: AbortSignal): void {
    const onAbort = (): void => {
      if (request.phase !== 'waiting') return;
      this.#holds.giveUp(request);
      request.caller.reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort);
    request.unlisten = () => signal.removeEventListener('abort', onAbort);
  }

  #granted(number: number, token: number, leaseEndMs: number | null): void {
    const request = this.#table.get(number);
    if (request === undefined) return;
    this.#liveness.heard(request.sentMs);
    if (request.phase === 'waiting') {
      this.#take(request, token, leaseEndMs);
    } else if (request.phase === 'held') {
      request.leaseEndMs = leaseEndMs;
      this.#table.confirm(request);
    }
    // In `ending` a release or cancel is under way; it gives this grant back.
  }

  #take(request: HoldRequest, token: number, leaseEndMs: number | null): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#liveness.deadlineMs) {
      this.#askAgain(request, nowMs);
      return;
    }
    this.#refusals = 0;
    request.unlisten?.();
    this.#table.hold(request, token, leaseEndMs);
    const deadlineMs = this.#holds.deadlineMs(request);
    if (nowMs >= deadlineMs) {
      // Its lease ran out on the way. Asking again could go on for ever with a lease this short.
      this.#table.beginEnding(request, MessageType.release);
      this.#holds.sayEnding(request);
      request.caller.reject(new LockLostError(request.key, token, 'LEASE_OVER'));
      return;
    }
    request.handle = new HeldLock(this, request);
    this.#holds.guard.watch(nowMs, deadlineMs);
    if (nowMs - this.#liveness.heardMs > this.#liveness.timeoutMs / PINGS_PER_TIMEOUT) this.#outbox.probe();
    request.caller.resolve(request.handle);
  }

  /**
   * The grant came when nothing recent was known to have been heard of this client, so the service may be about to end
   * the session, or just has: the hold is not used but given back, and the request starts over with a new number.
   */
  #askAgain(request: HoldRequest, nowMs: number): void {
    const { key, spec, askedMs, caller } = request;
    this.#holds.giveUp(request);
    this.#ask(this.#table.add(key, spec, askedMs, caller), nowMs, this.#outbox.isOpen);
  }

  /** The number of an ending request is spent. */
  #finish(request: HoldRequest): void {
    if (request.extends !== null)
      this.#holds.rejectExtends(request, new HoldfastError('RELEASED', 'the lock was released'));
    this.#table.takeRelease(request)?.resolve();
  }

  #notHeld(request: HoldRequest): void {
    this.#table.drop(request);
    // The service ended the hold before this release; when and why did not reach us.
    if (request.settle !== null) this.#holds.lose(request, 'RELEASED_BY_SERVER');
    this.#finish(request);
  }

  #failed(request: HoldRequest, failure: HoldfastError): void {
    const { key, phase } = request;
    this.#table.drop(request);
    request.unlisten?.();
    if (phase === 'waiting') request.caller.reject(new AcquireError(failure.code, key, failure.message, failure.retry));
    else this.#table.takeRelease(request)?.reject(failure);
  }

  #extendFailed(request: HoldRequest, failure: HoldfastError): void {
    const extend = request.extends?.shift();
    if (failure.code === 'NOT_HELD' && request.phase === 'held') {
      this.#table.drop(request);
      this.#holds.lose(request, 'RELEASED_BY_SERVER');
      extend?.reject(new LockLostError(request.key, request.token, 'RELEASED_BY_SERVER'));
    } else {
      extend?.reject(failure);
    }
  }

  /** Nothing was done about the request; after a delay it is said again, with the others that have no answer. */
  #sayLater(request: HoldRequest, onNextConnection: boolean): void {
    request.onServer = false;
    this.#watchWait(request, this.#clock.nowMs());
    this.#reconnects ||= onNextConnection;
    if (this.#retryTimer !== null) return;
    const fire = (): void => {
      const reconnects = this.#reconnects;
      this.#stopRetrying();
      if (reconnects) this.#outbox.reconnect();
      else if (this.#outbox.isOpen) this.#sayUnanswered();
    };
    this.#retryTimer = this.#clock.setTimer(backoffMs(this.#refusals++, this.#random()), fire, true);
  }

  #stopRetrying(): void {
    if (this.#retryTimer !== null) this.#clock.clearTimer(this.#retryTimer);
    this.#retryTimer = null;
    this.#reconnects = false;
  }

  /** The service does not time requests out that it does not have. */
  #watchWait(request: HoldRequest, nowMs: number): void {
    const endMs = this.#holds.waitEndMs(request);
    if (endMs < Number.POSITIVE_INFINITY) this.#holds.guard.watch(nowMs, endMs);
  }

  #sayUnanswered(): void {
    for (const message of this.#table.takeUnanswered(this.#outbox.sendTimeMs())) this.#outbox.send(message);
  }
}

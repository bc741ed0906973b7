/**
 * A process that holds one lock by the SDK and writes down when it learns of its loss. Times are of process.hrtime, in
 * milliseconds: one clock for all threads and processes of the machine.
 */
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type ConnectOptions, type LockLostError, connect } from '@holdfast/client';

interface Facts {
  readonly url: string;
  readonly key: string;
  readonly options: ConnectOptions;
  /** Go on asking the lock, after awaits of several kinds. Otherwise nobody looks at it: its signal has to fire by itself. */
  readonly isCurious: boolean;
}

/** A gap in a loop of some milliseconds that says that the whole process stood still. */
const STOOD_STILL_MS = 500;

const { url, key, options, isCurious } = JSON.parse(process.argv[2] ?? '{}') as Facts;

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function say(kind: string, facts: object = {}): void {
  process.send?.({ kind, ...facts });
}

// A thread that does nothing but look at the clock: it knows when the process went on, however busy the event loop is then.
const woke = new Float64Array(new SharedArrayBuffer(8));
const watchman = new Worker(
  `const { parentPort, workerData: woke } = require('node:worker_threads');
   const cell = new Int32Array(new SharedArrayBuffer(4));
   const nowMs = () => Number(process.hrtime.bigint()) / 1e6;
   parentPort.postMessage('on watch');
   for (let last = nowMs(); ; ) {
     Atomics.wait(cell, 0, 0, 1);
     const now = nowMs();
     if (now - last > ${STOOD_STILL_MS}) woke[0] = now;
     last = now;
   }`,
  { eval: true, workerData: woke },
);
await once(watchman, 'message');

const holdfast = await connect(url, options);
const lock = await holdfast.acquire(key);

lock.signal.addEventListener('abort', () => {
  const atMs = nowMs();
  say('aborted', { atMs, why: (lock.signal.reason as LockLostError).why });
});

function view(): object {
  return { aborted: lock.signal.aborted, isHeld: lock.isHeld(), state: lock.state };
}

/** Repeats `step` and says what the lock looks like to the code after it, when that code went on after a standstill. */
async function goOn(how: string, step: () => Promise<unknown>): Promise<void> {
  for (let last = nowMs(); ;) {
    await step();
    const now = nowMs();
    if (now - last > STOOD_STILL_MS) say('went on', { how, ...view() });
    last = now;
  }
}

if (isCurious) {
  void goOn('after a timer', () => delay(3));
  void goOn('after a file', () => stat('/'));
  void goOn('after a thread', async () => {
    await delay(1);
    await stat('/');
  });
}

process.on('message', (order: { readonly kind: 'look' | 'woke' | 'release' }) => {
  switch (order.kind) {
    case 'look':
      say('look', view());
      break;
    case 'woke':
      say('woke', { atMs: woke[0] });
      break;
    case 'release':
      void lock.release().then(() => say('release'));
      break;
  }
});
process.on('disconnect', () => {
  void watchman.terminate();
  void holdfast.close();
});
say('held', { token: lock.token, session: holdfast.session });

/** The examples of the documentation, as a user writes them. Compiled by types.test.ts, never run. */
import type { Holdfast, Lock, LockLostError, WatchEvent } from '../../src/index.js';
import { AcquireError, connect } from '../../src/index.js';

declare const log: (...values: readonly unknown[]) => void;

interface Database {
  query(text: string, values: readonly unknown[]): Promise<void>;
}

export async function examples(db: Database): Promise<void> {
  await using holdfast = await connect('ws://localhost:7420');
  await using lock = await holdfast.acquire('orders/42', { wait: '5s', lease: '30s' });
  await db.query('update orders set fence = $1 where id = 42 and fence <= $1', [lock.token]);

  const result: number = await holdfast.withLock('orders/42', async (held) => {
    const response = await fetch('http://localhost/', { signal: held.signal });
    return response.status;
  });
  const text: string = await holdfast.withLock('orders/42', { mode: 'shared' }, (held) => `${held.key} ${result}`);

  const none: Lock | null = await holdfast.tryAcquire('orders/42');
  if (none !== null) await none.release();

  for await (const event of holdfast.watch('orders/**')) {
    const seen: WatchEvent = event;
    if (seen.kind === 'granted') log(seen.key, seen.token, text);
    if (seen.kind === 'gap') log(seen.after, seen.position);
  }
}

export async function misuse(holdfast: Holdfast): Promise<void> {
  // @ts-expect-error there is no such mode
  await holdfast.acquire('k', { mode: 'both' });
  // @ts-expect-error a try does not wait
  await holdfast.tryAcquire('k', { wait: '5s' });
  const perhaps = await holdfast.tryAcquire('k');
  // @ts-expect-error it may be null
  await perhaps.release();
  const lock = await holdfast.acquire('k');
  // @ts-expect-error a token is not for changing
  lock.token = 1;
  // @ts-expect-error there is no such event
  holdfast.on('stat', () => undefined);
  // @ts-expect-error the listener of 'session' is given a text
  holdfast.on('session', (session: number) => session);
  const reason: LockLostError | null = lock.reason;
  if (reason?.why === 'REVOKED') log(reason.detail?.['by']);
  try {
    await holdfast.acquire('k', { wait: 0 });
  } catch (error) {
    if (error instanceof AcquireError && error.code === 'HELD') log(error.key, error.retry);
  }
}

/** What tests of watches begin with: somebody acts, somebody else looks on. */
import { acquire } from './messages.js';
import { type Peer, TestNode } from './node.js';

/** A node, somebody who acts and somebody who watches. */
export async function start(): Promise<{ node: TestNode; actor: Peer; watcher: Peer }> {
  const node = await TestNode.begin();
  return { node, actor: await node.open({ timeoutMs: 60_000 }), watcher: await node.open({ timeoutMs: 60_000 }) };
}

/** Each of `count` holds made and given up in a step of its own. */
export async function churn(
  actor: Peer,
  first: number,
  count: number,
  key = 'a',
  meta?: Record<string, string>,
): Promise<void> {
  for (let number = first; number < first + count; number++) {
    await actor.ask(acquire(number, key, { acked: number - 1, ...(meta === undefined ? {} : { meta }) }));
    await actor.ask([3, number]);
  }
}

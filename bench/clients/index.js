import { openWire } from './wire.js';

/**
 * @param {'sdk' | 'wire'} name
 * @returns {Promise<(url: string) => Promise<import('./wire.js').LockConnection>>}
 */
export async function clientNamed(name) {
  if (name === 'wire') return openWire;
  // Loaded only when it is measured: the memory of a load counts as well.
  const { openSdk } = await import('./sdk.js');
  return openSdk;
}

/**
 * Opens many connections, a bounded number at a time.
 * @template T
 * @param {number} count
 * @param {() => Promise<T>} open
 * @returns {Promise<T[]>}
 */
export async function openMany(count, open) {
  const AT_A_TIME = 64;
  const connections = [];
  while (connections.length < count) {
    const batch = Math.min(AT_A_TIME, count - connections.length);
    connections.push(...(await Promise.all(Array.from({ length: batch }, open))));
  }
  return connections;
}

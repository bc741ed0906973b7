import { connect } from '@holdfast/client';

/**
 * The SDK as a user has it: what the user pays is in the figure.
 * @param {string} url
 * @returns {Promise<import('./wire.js').LockConnection>}
 */
export async function openSdk(url) {
  const client = await connect(url);
  return { acquire: (key) => client.acquire(key), close: () => client.close() };
}

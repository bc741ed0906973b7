import { openMany } from '../clients/index.js';
import { openWire } from '../clients/wire.js';

const HOLDS_PER_SESSION_MAX = 9_000;
const UNDER_WAY_MAX = 500;

/**
 * Holds many keys and does nothing with them. Always with the bare client: what the holds cost the server is measured,
 * not what they cost this process.
 * @param {{ url: string, keys: number, timeoutMs?: number }} params timeoutMs: of the sessions
 */
export async function openHeld(params) {
  await holdKeys(params);
  return {};
}

/**
 * @param {{ url: string, keys: number, timeoutMs?: number }} params
 * @returns {Promise<{ connection: LockConnection, holds: { key: string, hold: Hold }[] }[]>} one a session
 *
 * @typedef {import('../clients/wire.js').LockConnection} LockConnection
 * @typedef {import('../clients/wire.js').Hold} Hold
 */
export async function holdKeys({ url, keys, timeoutMs }) {
  const connections = await openMany(Math.ceil(keys / HOLDS_PER_SESSION_MAX), () => openWire(url, { timeoutMs }));
  const sessions = [];
  let held = 0;
  for (const connection of connections) {
    const holds = [];
    const last = Math.min(held + HOLDS_PER_SESSION_MAX, keys);
    while (held < last) {
      const batch = Math.min(UNDER_WAY_MAX, last - held);
      const names = Array.from({ length: batch }, (_, i) => `held/${held + i}`);
      const granted = await Promise.all(names.map((key) => connection.acquire(key)));
      granted.forEach((hold, i) => holds.push({ key: names[i], hold }));
      held += batch;
    }
    sessions.push({ connection, holds });
  }
  return sessions;
}

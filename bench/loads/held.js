import { openMany } from '../clients/index.js';
import { openWire } from '../clients/wire.js';

const HOLDS_PER_SESSION_MAX = 9_000;
const UNDER_WAY_MAX = 500;

/**
 * Holds many keys and does nothing with them. Always with the bare client: what the holds cost the server is measured,
 * not what they cost this process.
 * @param {{ url: string, keys: number }} params
 */
export async function openHeld({ url, keys }) {
  const sessions = Math.ceil(keys / HOLDS_PER_SESSION_MAX);
  const connections = await openMany(sessions, () => openWire(url));
  let held = 0;
  for (const connection of connections) {
    const last = Math.min(held + HOLDS_PER_SESSION_MAX, keys);
    while (held < last) {
      const batch = Math.min(UNDER_WAY_MAX, last - held);
      const first = held;
      await Promise.all(Array.from({ length: batch }, (_, i) => connection.acquire(`held/${first + i}`)));
      held += batch;
    }
  }
  return {};
}

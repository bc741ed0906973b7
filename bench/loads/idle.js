import { openMany } from '../clients/index.js';
import { openWire } from '../clients/wire.js';
import { openSocket } from './echo.js';

/**
 * Connections that say nothing once they are open; pings are answered by ws.
 * @param {{ url: string, client: 'wire' | 'bare' }} params bare: no session, nothing but the socket
 */
export async function openIdle({ url, client }) {
  const connections = [];
  let closed = 0;

  const openOne = async () => {
    if (client === 'wire') return openWire(url, { onClose: () => closed++ });
    const socket = await openSocket(url);
    socket.once('close', () => closed++);
    return socket;
  };

  return {
    /** @param {{ connections: number }} params how many more */
    async grow({ connections: count }) {
      connections.push(...(await openMany(count, openOne)));
    },
    /** A session that works is a session that did not expire. */
    async prove() {
      if (closed === 0 && client === 'wire') {
        for (const [i, connection] of connections.entries()) {
          await (await connection.acquire(`idle/${i}`)).release();
        }
      }
      return { open: connections.length - closed, closed };
    },
  };
}

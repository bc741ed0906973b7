import { Packr } from 'msgpackr';
import { WebSocket } from 'ws';
import { openMany } from '../clients/index.js';

const OPERATIONS_MAX = 20_000_000;

/**
 * Round trips of bare ws and msgpackr, `depth` of them under way on each connection. Messages have the sizes of an
 * acquire and a release by turns. Callbacks only: the floor is to be as low as it can be.
 * @param {{ url: string, connections: number, depth: number }} params
 */
export async function openEcho({ url, connections, depth }) {
  const packr = new Packr({ useRecords: false, variableMapSize: true });
  const state = { end: 0, operations: 0, open: 0, finished: () => {} };

  const sockets = await openMany(connections, () => openSocket(url));
  const senders = sockets.map((socket, i) => {
    const key = `pairs/${i}/0`;
    let request = 0;
    const send = () => {
      request++;
      socket.send(packr.pack(request % 2 === 1 ? [[2, request, request - 1, key]] : [[3, request]]));
    };
    socket.on('message', (data) => {
      const [[type]] = packr.unpack(data);
      if (type !== 66 && type !== 68) throw new Error(`an echo of type ${type}`);
      state.operations++;
      if (performance.now() < state.end && state.operations < OPERATIONS_MAX) send();
      else if (--state.open === 0) state.finished();
    });
    return send;
  });

  return {
    round({ seconds }) {
      const start = performance.now();
      state.operations = 0;
      state.open = connections * depth;
      state.end = start + seconds * 1000;
      const finished = new Promise((resolve) => {
        state.finished = resolve;
      });
      for (const send of senders) {
        for (let i = 0; i < depth; i++) send();
      }
      return finished.then(() => ({ operations: state.operations, seconds: (performance.now() - start) / 1000 }));
    },
  };
}

/**
 * @param {string} url
 * @returns {Promise<WebSocket>}
 */
export function openSocket(url) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

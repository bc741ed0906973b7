import { Packr } from 'msgpackr';
import { WebSocketServer } from 'ws';

/**
 * The least that answers like a lock service: a map of queues, without sessions, time-outs, validation, a log or
 * any promise. The distance from here to Holdfast is what the guarantees cost; from the echo to here, what locking does.
 * It takes the hello, acquire and release of PROTOCOL.md.
 * @returns {Promise<number>} the port
 */
export function start() {
  const packr = new Packr({ useRecords: false, variableMapSize: true });
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  /** @type {Map<string, { socket: import('ws').WebSocket, request: number }[]>} the first of a queue holds its key */
  const queues = new Map();
  let token = 2 ** 48;

  const grant = ({ socket, request }) => send(socket, [66, request, ++token]);
  const send = (socket, message) => {
    if (socket.readyState === socket.OPEN) socket.send(packr.pack([message]));
  };

  server.on('connection', (socket) => {
    const keys = new Map();
    let end = 0;
    socket.on('error', () => socket.terminate());
    socket.on('message', (data) => {
      for (const [type, request, , key] of packr.unpack(data)) {
        if (type === 1) send(socket, [64, { session: 'minimum' }]);
        else if (type === 2) acquire(request, key);
        else if (type === 3) release(request);
      }
    });

    function acquire(request, key) {
      const waiter = { socket, request };
      keys.set(request, key);
      const queue = queues.get(key);
      if (queue === undefined) {
        queues.set(key, [waiter]);
        grant(waiter);
      } else queue.push(waiter);
    }

    function release(request) {
      const key = keys.get(request);
      const queue = queues.get(key);
      keys.delete(request);
      queue.shift();
      send(socket, [68, request, ++end]);
      if (queue.length > 0) grant(queue[0]);
      else queues.delete(key);
    }
  });

  return new Promise((resolve) => {
    server.once('listening', () => resolve(server.address().port));
  });
}

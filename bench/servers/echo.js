import { Packr } from 'msgpackr';
import { WebSocketServer } from 'ws';

/**
 * The floor of every figure: what ws and msgpackr take on this machine for messages of the sizes of ours, without any
 * lock. An acquire is answered by bytes of the size of a grant, a release by those of an ending.
 * @returns {Promise<number>} the port
 */
export function start() {
  const packr = new Packr({ useRecords: false, variableMapSize: true });
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, clientTracking: false });
  let token = 2 ** 48;
  server.on('connection', (socket) => {
    socket.on('error', () => socket.terminate());
    socket.on('message', (data) => {
      const [[type, request]] = packr.unpack(data);
      socket.send(packr.pack(type === 2 ? [[66, request, ++token]] : [[68, request, request]]));
    });
  });
  return new Promise((resolve) => {
    server.once('listening', () => resolve(server.address().port));
  });
}

import { Packr } from 'msgpackr';
import { WebSocket } from 'ws';

/**
 * What a load needs of a client.
 *
 * @typedef {object} Hold
 * @property {() => Promise<unknown>} release
 *
 * @typedef {object} LockConnection
 * @property {(key: string) => Promise<Hold>} acquire
 * @property {() => Promise<unknown>} close
 */

const MESSAGES_PER_FRAME_MAX = 1_000;
const TIMEOUT_MS = 5_000;

/**
 * The least that speaks PROTOCOL.md: the server's own share of a figure, without that of the SDK.
 * @param {string} url
 * @param {{ onClose?: (code: number) => void, timeoutMs?: number }} [options] onClose: told when the server closes the connection,
 *     without it that is a failure; timeoutMs: of the session
 * @returns {Promise<LockConnection>}
 */
export async function openWire(url, { onClose, timeoutMs = TIMEOUT_MS } = {}) {
  const packr = new Packr({ useRecords: false, variableMapSize: true });
  const socket = new WebSocket(url, 'holdfast.v1', { perMessageDeflate: false });
  /** @type {Map<number, (value?: any) => void>} */
  const granted = new Map();
  /** @type {Map<number, (value?: any) => void>} */
  const ended = new Map();
  let outbox = [];
  let lastRequest = 0;
  let acked = 0;
  let closing = false;
  let fail;

  const closed = new Promise((resolve, reject) => {
    fail = reject;
    socket.once('error', reject);
    socket.once('close', (code) => {
      if (!closing && onClose === undefined) reject(new Error(`the server closed the connection with ${code}`));
      else {
        if (!closing) onClose(code);
        resolve();
      }
    });
  });

  const flush = () => {
    const messages = outbox;
    outbox = [];
    for (let i = 0; i < messages.length; i += MESSAGES_PER_FRAME_MAX) {
      socket.send(packr.pack(messages.slice(i, i + MESSAGES_PER_FRAME_MAX)));
    }
  };
  const say = (message) => {
    // What one turn says goes out in one frame, as the protocol means it.
    if (outbox.push(message) === 1) queueMicrotask(flush);
  };
  const release = (request) =>
    new Promise((resolve) => {
      ended.set(request, resolve);
      say([3, request]);
    });

  const welcome = new Promise((resolve) => {
    socket.on('message', (data) => {
      for (const message of packr.unpack(data)) {
        const [type, request] = message;
        if (type === 66) {
          granted.get(request)({ release: () => release(request) });
          granted.delete(request);
        } else if (type === 68) {
          acked = Math.max(acked, message[2]);
          const code = message[3] ?? 'RELEASED';
          if (code !== 'RELEASED') fail(new Error(`request ${request} ended with ${code}`));
          ended.get(request)?.();
          ended.delete(request);
        } else if (type === 64) resolve();
        else if (type === 70) fail(new Error(`the server says ${message.slice(1).join(' ')}`));
      }
    });
  });

  socket.once('open', () => say([1, { client: 'bench', resumable: true, timeoutMs }]));
  // A failure must end the load, wherever it waits: a rejection that nobody handles ends the process.
  closed.catch((error) => {
    throw error;
  });
  await Promise.race([welcome, closed]);

  return {
    acquire: (key) =>
      new Promise((resolve) => {
        const request = ++lastRequest;
        granted.set(request, resolve);
        say([2, request, acked, key]);
      }),
    close() {
      closing = true;
      socket.close(1000);
      return closed;
    },
  };
}

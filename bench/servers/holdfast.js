import { startServer } from '@holdfast/server';

/**
 * The server as a user starts it, with the memory log: the other figures are without a disk as well.
 * @returns {Promise<number>} the port
 */
export async function start() {
  const server = await startServer({ host: '127.0.0.1', port: 0, node: 'bench', logLevel: 'warn' });
  return server.port;
}

/** The client on the platform's own clock, chance and sockets. */
import { dial } from '#ws';
import type { Holdfast } from './client.js';
import { createClient } from './create.js';
import { systemClock, systemRandom } from './clock.js';
import type { ConnectOptions } from './options.js';

/**
 * Connects to a service: `ws://host:port` or `wss://host:port`, or several addresses of one service.
 *
 * Keeps trying for `connectTimeout`; from then on it reconnects by itself for as long as it is not closed.
 *
 * @throws ConnectionError `CONNECT_FAILED` with the latest error as cause, or at once the code with which the service
 *   refused this client (`UNAUTHENTICATED`, `FORBIDDEN`); the signal's reason; HoldfastError `INVALID_ARGUMENT`
 */
export function connect(url: string | readonly string[], options: ConnectOptions = {}): Promise<Holdfast> {
  return createClient({ clock: systemClock, random: systemRandom, dial, urls: url, options });
}

/** For sibling packages, simulations and tests. Not part of the public API: changes without notice. */
export type { Clock, TimerHandle } from './clock.js';
export type { ClientParts } from './create.js';
export { createClient } from './create.js';
export type { Dial, Socket, SocketCallbacks } from './socket.js';

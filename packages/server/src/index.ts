export { startServer } from './server.js';
export type { HoldfastServer, ServerOptions } from './server.js';
export { MemoryLog } from './log/memory.js';
export type { MemoryLogOptions } from './log/memory.js';
export { LogFailure } from './log/port.js';
export type { Durability, LogFailureKind, LogPort, LogSnapshot } from './log/port.js';
export type { LogLevel } from './logger.js';
export { version } from './version.js';

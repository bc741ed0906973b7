/** The server's parts, for simulations, conformance suites and tests of this repository. No promise is made about them. */
export type { Clock, Timer } from './clock.js';
export type { Socket, SocketHandler } from './connection/socket.js';
export { machineLimits } from './limits.js';
export { MemoryLog } from './log/memory.js';
export {
  type Durability,
  LogFailure,
  type LogFailureKind,
  type LogPort,
  type LogSnapshot,
  type SavedSnapshot,
} from './log/port.js';
export { decodeEntry, encodeEntry } from './log/codec/entries.js';
export { decodeRows, encodeRow } from './log/codec/rows.js';
export { FileLog, type FileLogOptions } from './log/file/file-log.js';
export { decodeSegment } from './log/file/scan.js';
export { SystemDisk } from './log/file/system-disk.js';
export { type Disk, DirectoryTaken, type DiskFile, DiskFull } from './log/file/disk.js';
export { Node, type NodeParts } from './node.js';

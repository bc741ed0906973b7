/**
 * The disk port: what the file engine needs of a file system, for one directory. system-disk.ts has the real one; a simulation has one
 * that crashes, tears writes and fails where it wants.
 *
 * What a crash of the machine may do: of what was written since a file's last sync any 512-byte sector may be there or not; of what
 * was created, renamed or removed since the last directory sync any operation may have happened or not.
 */
export interface Disk {
  /** For people, in messages: the path of the directory. */
  readonly path: string;
  /**
   * Takes the directory for this process alone, and creates it when it is missing. Rejects with DirectoryTaken while another process has
   * it. Let go by `close` and by the end of the process, however it ends.
   */
  lock(): Promise<void>;
  /** The names of the files in the directory, sorted. */
  list(): Promise<readonly string[]>;
  /** Opens a file for reading and writing. `create`: it must not exist yet and is made empty, readable by its owner only. Rejects with DiskFull when there is no room. */
  open(name: string, mode: 'existing' | 'create'): Promise<DiskFile>;
  /** Replaces `to` when it exists. Rejects with DiskFull when there is no room. */
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Creations, renames and removals so far are durable when it resolves. */
  syncDirectory(): Promise<void>;
  close(): Promise<void>;
}

export interface DiskFile {
  /** Bytes. */
  readonly size: number;
  /** At most `length` bytes from `position`; fewer only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  /**
   * Hands the bytes to the operating system: they outlive the process, and the machine only after a `sync`. Throws DiskFull when there is no room. The
   * bytes may be used for something else when it returns.
   */
  write(bytes: Uint8Array, position: number): void;
  /** What was written is durable when it resolves. When it rejects nobody knows what is, and trying again cannot tell. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export class DirectoryTaken extends Error {
  override readonly name = 'DirectoryTaken';
  /** The path of the directory. */
  readonly path: string;

  constructor(path: string) {
    super(`${path} is in use by another process`);
    this.path = path;
  }
}

/** No room, or a quota is used up. Nothing of the write counts. */
export class DiskFull extends Error {
  override readonly name = 'DiskFull';
}

/**
 * One process per directory. Node has no file locks, so on Linux a socket in the abstract namespace stands for one: its name is the
 * directory's device and inode, a second listener is refused, and the kernel frees it when the process ends, however it ends. Elsewhere it is a
 * file with the number of the process.
 *
 * The abstract namespace belongs to a network namespace: two containers that share a directory and nothing else do not see each other.
 */
import { open, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DirectoryTaken } from './disk.js';

const PID_FILE = 'holdfast.pid';
/** A file of a process that is gone is removed; somebody else may do the same at the same time. */
const ATTEMPTS = 3;

export interface DirectoryLock {
  release(): Promise<void>;
}

/** Rejects with DirectoryTaken while another process, or another part of this one, has the directory. */
export async function lockDirectory(path: string): Promise<DirectoryLock> {
  return process.platform === 'linux' ? lockBySocket(path) : lockByFile(path);
}

async function lockBySocket(path: string): Promise<DirectoryLock> {
  // Not by path: the same directory has many.
  const { dev, ino } = await stat(path, { bigint: true });
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new DirectoryTaken(path) : error);
    });
    // Exclusive: a worker of node:cluster would otherwise share the socket of its primary.
    server.listen({ path: `\0holdfast:${dev}:${ino}`, exclusive: true }, resolve);
  });
  server.unref();
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

/** For systems without abstract sockets. */
export async function lockByFile(path: string): Promise<DirectoryLock> {
  const file = join(path, PID_FILE);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const handle = await open(file, 'wx', 0o600);
      await handle.writeFile(`${process.pid}\n`);
      await handle.close();
      return { release: () => rm(file, { force: true }) };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    if (isAlive(await readPid(file))) throw new DirectoryTaken(path);
    await rm(file, { force: true });
  }
  throw new DirectoryTaken(path);
}

/** NaN: it went meanwhile, or it was never written to its end. */
async function readPid(file: string): Promise<number> {
  try {
    return Number.parseInt(await readFile(file, 'utf8'), 10);
  } catch {
    return Number.NaN;
  }
}

function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process, which may not be asked.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

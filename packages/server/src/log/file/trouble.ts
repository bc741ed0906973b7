/**
 * What the engine does when the disk does not do as it is told.
 *
 * No room is an ordinary answer: nothing of the write counts, and there may be room later. Any other failure of a write or a sync breaks
 * the engine for good: the system may have marked pages clean that never reached the disk, so a later sync that succeeds proves
 * nothing (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
 */
import type { Clock } from '../../clock.js';
import type { LogFailure } from '../port.js';
import type { Disk, DiskFile } from './disk.js';

/** Something that an operator should know: a sentence, and facts for whoever reads logs with a program. */
export type Note = (message: string, facts: Readonly<Record<string, string | number>>) => void;

/** Breaks the engine, and gives the failure that everything after it ends with. */
export type Broken = (error: unknown) => LogFailure;

/** By name: a disk from elsewhere may have a copy of the class. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && error.name === 'DiskFull';
}

/** Throws what DiskFull the disk throws; every other failure breaks the engine. */
export function writeOrBreak(file: DiskFile, bytes: Uint8Array, position: number, broken: Broken): void {
  try {
    file.write(bytes, position);
  } catch (error) {
    throw isDiskFull(error) ? error : broken(error);
  }
}

export async function syncOrBreak(file: DiskFile, broken: Broken): Promise<void> {
  try {
    await file.sync();
  } catch (error) {
    throw broken(error);
  }
}

/** Gives a file its final name, durably. Afterwards nobody could tell which name it has, so a failure breaks the engine. */
export async function publishOrBreak(disk: Disk, from: string, to: string, broken: Broken): Promise<void> {
  try {
    await disk.rename(from, to);
    await disk.syncDirectory();
  } catch (error) {
    throw broken(error);
  }
}

/** Lets go of a file that is not needed any more. Nothing depends on it: what is left over goes at the next start. */
export async function discard(disk: Disk, file: DiskFile | null, name: string): Promise<boolean> {
  try {
    await file?.close();
    await disk.remove(name);
    return true;
  } catch {
    return false;
  }
}

/** The event loop turns once. */
export function turn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.afterPoll(resolve));
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `holdfast run` from its first check to its exit code: find the command, get the lock, run the command under it. */
import { hostname, userInfo } from 'node:os';
import { basename } from 'node:path';
import type { Holdfast, Lock, LockMode } from '@holdfast/client';
import { openClient } from '../connection.js';
import { ExitCode } from '../exit-codes.js';
import { CliFailure, codeOf } from '../failure.js';
import { StatusLine, note, tolerateClosedPipes } from '../terminal.js';
import { describeHolder, formatDuration, printable } from '../text.js';
import { guardedLock } from './client-lock.js';
import { systemClock } from './clock.js';
import { resolveCommand } from './command-path.js';
import { type Grace, graceProblem, marginFor } from './deadline.js';
import { deathWatchProgram } from './process-group.js';
import { type Report, eventLine, isSaid } from './report.js';
import { runJob } from './run-job.js';
import { Signals } from './signals.js';
import { Waiting, holderOf } from './waiting.js';

export interface RunRequest {
  readonly key: string;
  readonly command: readonly [string, ...string[]];
  readonly urls: readonly string[];
  readonly connectTimeoutMs: number;
  /** The session time-out. */
  readonly timeoutMs: number;
  /** The session, and so the lock, outlives a broken connection for its time-out. */
  readonly resumable: boolean;
  /** null: without limit; 0: do not wait. */
  readonly waitMs: number | null;
  readonly leaseMs: number | null;
  readonly mode: LockMode;
  readonly onLost: 'term' | 'ignore';
  readonly killAfterMs: number;
  /** Added to what is told of this process, and replacing it where names are the same. */
  readonly meta: Readonly<Record<string, string>>;
  readonly verbose: boolean;
  readonly json: boolean;
}

/** Resolves with the exit code. Rejects with what describeFailure() makes a line of. */
export async function runUnderLock(request: RunRequest): Promise<number> {
  if (process.platform === 'win32') {
    throw new CliFailure(ExitCode.usage, 'there are no process groups on Windows', 'use run in WSL or a container');
  }
  const grace: Grace = { killAfterMs: request.killAfterMs, marginMs: marginFor(request.timeoutMs) };
  const problem = graceProblem(grace, request.timeoutMs, request.leaseMs);
  if (problem !== null) throw new CliFailure(ExitCode.usage, problem);
  const searchPath = process.env['PATH'] ?? '';
  await checkCommand(request.command[0], searchPath);

  tolerateClosedPipes(() => undefined);
  const line = new StatusLine(process.stderr);
  const report = reporter(request, line);
  const signals = new Signals(process);
  // Asked while the connection is made: both take a few milliseconds.
  const setpriv = deathWatchProgram(searchPath);
  try {
    const holdfast = await connectVisibly(request, line, signals);
    try {
      const lock = await acquire(holdfast, request, line, report, signals);
      // A signal that came together with the grant: closing the session releases the lock.
      if (signals.interruptedExitCode !== null) return signals.interruptedExitCode;
      const exitCode = await runJob({
        lock: guardedLock(lock, report),
        command: request.command,
        env: {
          ...process.env,
          HOLDFAST_KEY: request.key,
          HOLDFAST_FENCE: String(lock.token),
          HOLDFAST_URL: request.urls.join(','),
        },
        setpriv: await setpriv,
        grace,
        onLost: request.onLost,
        leased: request.leaseMs !== null,
        signals,
        clock: systemClock,
        report,
      });
      report({ event: 'finished', key: request.key, exitCode });
      return exitCode;
    } finally {
      await holdfast.close();
    }
  } catch (error) {
    if (signals.interruptedExitCode !== null) return signals.interruptedExitCode;
    throw error;
  } finally {
    signals.stop();
  }
}

async function checkCommand(command: string, searchPath: string): Promise<void> {
  const resolution = await resolveCommand(command, searchPath);
  if (resolution.found === 'nothing') {
    const hint = command.includes(' ')
      ? 'put the command and its arguments in separate words, or use sh -c'
      : undefined;
    throw new CliFailure(ExitCode.notFound, `${printable(command)}: command not found`, hint);
  }
  if (resolution.found === 'not-executable') {
    throw new CliFailure(ExitCode.notExecutable, `${printable(resolution.path)} cannot be executed`, 'see chmod +x');
  }
}

/** A connection that takes a moment says what it waits for, at a terminal. */
async function connectVisibly(request: RunRequest, line: StatusLine, signals: Signals): Promise<Holdfast> {
  const cancel = systemClock.after(1_000, () => {
    line.update(`holdfast: connecting to ${request.urls.join(', ')}`);
  });
  try {
    return await openClient({ ...request, command: `run ${request.key}`, signal: signals.interrupted });
  } finally {
    cancel();
    line.clear();
  }
}

function reporter({ json, verbose }: RunRequest, line: StatusLine): Report {
  const how = { verbose, terminal: process.stderr.isTTY };
  return (event) => {
    if (json) {
      process.stderr.write(`${JSON.stringify(event)}\n`);
      return;
    }
    // At a terminal the status line shows the place; a line for every change would bury it.
    if (!isSaid(event, how) || (event.event === 'waiting' && line.visible)) return;
    line.clear();
    note(eventLine(event));
  };
}

async function acquire(
  holdfast: Holdfast,
  { command, key, leaseMs, meta, mode, waitMs }: RunRequest,
  line: StatusLine,
  report: Report,
  signals: Signals,
): Promise<Lock> {
  const waiting = new Waiting({ holdfast, key, line, clock: systemClock, report });
  try {
    const lock = await holdfast.acquire(key, {
      mode,
      meta: { ...ownMeta(command[0]), ...meta },
      signal: signals.interrupted,
      onPlace: (place, length) => {
        waiting.placed(place, length);
      },
      ...(waitMs === null ? {} : { wait: waitMs }),
      ...(leaseMs === null ? {} : { lease: leaseMs }),
    });
    report({ event: 'granted', key, token: lock.token, waitedMs: waiting.waitedMs });
    return lock;
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'HELD' && code !== 'WAIT_TIMEOUT') throw error;
    throw await notObtained(holdfast, key, code === 'HELD' ? null : waitMs, error);
  } finally {
    waiting.stop();
  }
}

/** Says who is in the way: without it, the next thing to do is to ask. */
async function notObtained(
  holdfast: Holdfast,
  key: string,
  waitedMs: number | null,
  cause: unknown,
): Promise<CliFailure> {
  const holder = await holderOf(holdfast, key);
  const who =
    holder === undefined
      ? 'is held or waited for'
      : `is held by ${describeHolder(holder.session, holder.meta)} for ${formatDuration(holder.sinceMs)}`;
  const waited = waitedMs === null ? '' : `, waited ${formatDuration(waitedMs)}`;
  return new CliFailure(ExitCode.notObtained, `${printable(key)} ${who}${waited}`, undefined, { cause });
}

/** Who asks. Lengths are bounded so that there is always room for --meta. */
function ownMeta(program: string): Readonly<Record<string, string>> {
  const meta = { host: hostname(), pid: String(process.pid), command: basename(program), user: userName() };
  return Object.fromEntries(Object.entries(meta).map(([name, value]) => [name, value.slice(0, 64)]));
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a number that no user database knows.
    return process.env['USER'] ?? `uid ${process.getuid?.() ?? '?'}`;
  }
}

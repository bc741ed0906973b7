/** Runs a command under a lock that is held: from its start to the moment when nothing of it runs any more and the lock is released. */
import { ExitCode, exitCodeOfSignal } from '../exit-codes.js';
import { CliFailure } from '../failure.js';
import type { Clock } from './clock.js';
import type { Grace } from './deadline.js';
import { Guard, type GuardedLock } from './guard.js';
import { CannotStart, type Ending, ProcessGroup } from './process-group.js';
import type { Report } from './report.js';
import type { Signals } from './signals.js';

/** After KILL a process can only be held up by the kernel (a dead network disk): waiting longer than this helps nobody. */
const GONE_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 20;

export interface JobOptions {
  readonly lock: GuardedLock;
  readonly command: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  /** See deathWatchProgram(). */
  readonly setpriv: string | null;
  readonly grace: Grace;
  readonly onLost: 'term' | 'ignore';
  readonly leased: boolean;
  readonly signals: Pick<Signals, 'passTo' | 'stop'>;
  readonly clock: Clock;
  readonly report: Report;
}

/**
 * Resolves with the exit code: the command's own, 128+n when signal n ended it, 79 when it was ended because the lock could not be kept.
 * Rejects with CliFailure 126 or 127 when the command cannot be started. The lock is released (or lost) in every case, and never
 * before the last process of the group has ended.
 */
export async function runJob(options: JobOptions): Promise<number> {
  const { clock, command, env, grace, leased, lock, onLost, report, setpriv, signals } = options;
  const group = new ProcessGroup({ command, env, stdio: 'inherit', setpriv });
  signals.passTo(
    (signal) => group.signal(signal),
    () => {
      report({ event: 'unsuspendable', key: lock.key });
    },
  );
  if (group.id !== undefined) report({ event: 'started', key: lock.key, pid: group.id });
  const guard = new Guard({ lock, group, grace, clock, report, onLost, leased });
  try {
    const ending = await group.ended;
    // Asked at this moment: a command that ended by itself while the lock was good has its own exit code, whatever happens afterwards.
    const lost = onLost === 'term' && (guard.endedForLock || lock.validForMs() <= 0);
    await endLeftovers(group, guard, options);
    return lost ? ExitCode.lost : exitCodeOf(ending);
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    throw new CliFailure(
      error.notFound ? ExitCode.notFound : ExitCode.notExecutable,
      `cannot start ${command[0]}: ${error.message}`,
      error.notFound ? 'does the interpreter in its first line exist?' : undefined,
      { cause: error },
    );
  } finally {
    guard.stop();
    // There is nobody left to pass signals to: from here on Ctrl-C ends a release that takes long.
    signals.stop();
    await lock.release();
  }
}

function exitCodeOf(ending: Ending): number {
  return ending.signal === null ? ending.code : exitCodeOfSignal(ending.signal);
}

async function endLeftovers(
  group: ProcessGroup,
  guard: Guard,
  { clock, grace, lock, report }: JobOptions,
): Promise<void> {
  let running = await group.running();
  if (running === 0) return;
  if (!guard.endedForLock) report({ event: 'leftovers', key: lock.key, processes: running });
  guard.end();
  const giveUpAtMs = clock.nowMs() + grace.killAfterMs + GONE_WITHIN_MS;
  while (running > 0 && clock.nowMs() < giveUpAtMs) {
    await new Promise<void>((resolve) => {
      clock.after(LOOK_EVERY_MS, resolve);
    });
    running = await group.running();
  }
  if (running > 0) report({ event: 'unstoppable', key: lock.key, processes: running });
}

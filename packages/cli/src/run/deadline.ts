/**
 * When the command of `holdfast run` has to end: pure arithmetic on the client's own deadline.
 *
 * The service may grant the lock to somebody else once the deadline has passed, never before. So the group gets TERM while there is still
 * time for the whole grace, and KILL one margin before the deadline, whatever the command does about TERM.
 */

export interface Grace {
  /** Time between TERM and KILL, milliseconds. */
  readonly killAfterMs: number;
  /** Time left between KILL and the deadline: for late timers and for the kernel to end the processes, milliseconds. */
  readonly marginMs: number;
}

export interface Situation {
  readonly nowMs: number;
  /** When the lock may become someone else's, on the same clock as nowMs. */
  readonly deadlineMs: number;
  /** The lock is gone already. */
  readonly lost: boolean;
  /** When TERM was sent; null: not yet. */
  readonly termAtMs: number | null;
}

export type Step =
  | { readonly act: 'term' }
  | { readonly act: 'kill' }
  /** Nothing to do before this much time has passed. */
  | { readonly act: 'wait'; readonly delayMs: number };

/** What is to be done now. Once TERM is sent, KILL follows even if the lock turns out to be safe again: a command half ended is of no use. */
export function nextStep({ nowMs, deadlineMs, lost, termAtMs }: Situation, { killAfterMs, marginMs }: Grace): Step {
  if (termAtMs === null) {
    const termDueMs = deadlineMs - marginMs - killAfterMs;
    return lost || nowMs >= termDueMs ? { act: 'term' } : { act: 'wait', delayMs: termDueMs - nowMs };
  }
  const killDueMs = Math.min(termAtMs + killAfterMs, deadlineMs - marginMs);
  return nowMs >= killDueMs ? { act: 'kill' } : { act: 'wait', delayMs: killDueMs - nowMs };
}

/** The margin for a session time-out: a twentieth of it, at least 100 ms (a busy machine's timers) and at most 1 s. */
export function marginFor(timeoutMs: number): number {
  return Math.min(1_000, Math.max(100, Math.round(timeoutMs / 20)));
}

/**
 * Why these limits cannot keep the promise, or null.
 *
 * A healthy session's deadline is never nearer than two thirds of its time-out (the client is heard at every ping, a third apart). TERM at half of the time-out leaves
 * a sixth for slow networks: with less, commands would be ended while nothing is wrong.
 */
export function graceProblem(
  { killAfterMs, marginMs }: Grace,
  timeoutMs: number,
  leaseMs: number | null,
): string | null {
  const neededMs = killAfterMs + marginMs;
  if (neededMs > timeoutMs / 2) {
    return (
      `--kill-after (${killAfterMs}ms) and the safety margin (${marginMs}ms) have to fit into half of the session time-out (${timeoutMs}ms): ` +
      `use --timeout ${neededMs * 2}ms or more, or a shorter --kill-after`
    );
  }
  if (leaseMs !== null && leaseMs <= neededMs) {
    return `--lease (${leaseMs}ms) has to be longer than --kill-after and the safety margin together (${neededMs}ms): the command would be ended at once`;
  }
  return null;
}

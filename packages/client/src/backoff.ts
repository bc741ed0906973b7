/** When to try again. Pure: the random number is an input. */

const BACKOFF_FIRST_MS = 50;
export const BACKOFF_MAX_MS = 2_000;
/** Of each ceiling at least this part is waited, so that many clients of a dead server come to less than one try a second each. */
const FLOOR = 1 / 8;

/**
 * The delay before try `failures` + 1, where `failures` tries in a row have failed: between an eighth and the whole of
 * 50 ms * 2^failures, at most 2 s. Source: "full jitter" of the AWS Architecture Blog, "Exponential Backoff And Jitter".
 *
 * @param random a number in [0, 1)
 */
export function backoffMs(failures: number, random: number): number {
  const ceilingMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures, 16));
  return ceilingMs * (FLOOR + (1 - FLOOR) * random);
}

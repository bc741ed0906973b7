/** Waiting for what can be seen only by looking, with an error that says what did not come. */
import { setTimeout as delay } from 'node:timers/promises';

/** How long anything in these tests may take before it counts as never. No rule is about this figure. */
const PATIENCE_MS = 10_000;

const LOOK_EVERY_MS = 5;

/** Resolves when `look` answers true. */
export async function until(
  what: string,
  look: () => boolean | Promise<boolean>,
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await delay(LOOK_EVERY_MS);
  }
}

/** `promise`, or an error that says `what` was waited for. */
export async function inTime<T>(what: string, promise: Promise<T>, patienceMs: number = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain: ${what}`)), patienceMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

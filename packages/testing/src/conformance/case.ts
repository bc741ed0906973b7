/** One case of the suite. */
import type { LogAbility, LogHarness } from './harness.js';
import { Stage } from './stage.js';

export interface LogCase {
  /** A rule of the port, in the present tense. */
  readonly name: string;
  /** It can be run with harnesses that have all of these. */
  readonly needs: readonly LogAbility[];
  /** Resolves when the engine kept the rule; rejects with what it did instead. */
  readonly run: (harness: LogHarness) => Promise<void>;
}

/** A case on a fresh place, which is cleaned up whatever happens. */
export function logCase(name: string, needs: readonly LogAbility[], body: (stage: Stage) => Promise<void>): LogCase {
  return {
    name,
    needs,
    run: async (harness) => {
      const stage = await Stage.set(harness);
      try {
        await body(stage);
      } finally {
        await stage.dispose();
      }
    },
  };
}

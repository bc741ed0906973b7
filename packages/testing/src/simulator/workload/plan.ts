/** What user code is about to do with a lock, drawn before it begins, so that what happens on the way does not change what is drawn. */
import type { Mode } from '@holdfast/core';
import type { Random } from '../random.js';

/** Below what the service takes. */
const NOTE_BYTES_MAX = 900;

export interface Plan {
  readonly key: string;
  readonly mode: Mode;
  /** null: without limit; 0: a try. */
  readonly waitMs: number | null;
  readonly leaseMs: number | null;
  readonly wantsPlace: boolean;
  /** Bytes of notes that go with it, so that records in the log are of all lengths. */
  readonly noteBytes: number;
  /** Gives the wait up after this long; null: never. */
  readonly abortAfterMs: number | null;
  /** What to do while it is held: each step waits, then writes, and extends the lease first if it says so. */
  readonly steps: readonly PlanStep[];
  /** Leaves without a word: the lock stays until its session or its lease is over. */
  readonly forgetsRelease: boolean;
  /** Until the next one. */
  readonly restMs: number;
}

export interface PlanStep {
  readonly waitMs: number;
  readonly extendMs: number | null;
}

/** How one client process goes about its work: some hold long, some ask often, some share. */
export interface Habits {
  readonly lanes: number;
  readonly sharedChance: number;
  readonly tryChance: number;
  readonly waitLimitChance: number;
  readonly leaseChance: number;
  readonly abortChance: number;
  readonly longHoldChance: number;
  readonly noteBytesMax: number;
  readonly restMaxMs: number;
  readonly watches: boolean;
  /** Chance, at every look, of an operator's and of a restarting program's moods. */
  readonly forceChance: number;
  readonly queryChance: number;
  readonly reconnectChance: number;
}

export function drawHabits(random: Random): Habits {
  return {
    lanes: random.whole(1, 4),
    sharedChance: random.pick([0, 0.3, 0.6]),
    tryChance: random.pick([0, 0.1, 0.3]),
    waitLimitChance: random.pick([0, 0.2, 0.5]),
    leaseChance: random.pick([0, 0.2, 0.5]),
    abortChance: random.pick([0, 0.1, 0.3]),
    longHoldChance: random.pick([0, 0.1, 0.5]),
    noteBytesMax: random.pick([0, 100, NOTE_BYTES_MAX]),
    restMaxMs: random.pick([5, 50, 200]),
    watches: random.chance(0.4),
    forceChance: random.pick([0, 0, 0.1]),
    queryChance: random.pick([0, 0.2]),
    reconnectChance: random.pick([0, 0, 0.08]),
  };
}

export function drawPlan(random: Random, habits: Habits, keys: readonly string[], timeoutMs: number): Plan {
  const isTry = random.chance(habits.tryChance);
  const waitLimitMs = random.chance(habits.waitLimitChance) ? random.whole(1, 1_500) : null;
  const isLong = random.chance(habits.longHoldChance);
  const leaseMs = random.chance(habits.leaseChance) ? random.whole(30, 1_500) : null;
  const steps = Array.from({ length: random.whole(1, 4) }, () => ({
    waitMs: isLong ? random.whole(50, timeoutMs) : random.whole(0, 40),
    extendMs: random.chance(0.5) ? random.whole(30, 1_000) : null,
  }));
  return {
    key: random.pick(keys),
    mode: random.chance(habits.sharedChance) ? 'shared' : 'exclusive',
    waitMs: isTry ? 0 : waitLimitMs,
    leaseMs,
    wantsPlace: random.chance(0.5),
    noteBytes: random.whole(0, habits.noteBytesMax),
    abortAfterMs: random.chance(habits.abortChance) ? random.whole(0, 600) : null,
    steps,
    // Without a lease, the lock would stay as long as the process and nobody else would ever get it.
    forgetsRelease: leaseMs !== null && random.chance(0.2),
    restMs: random.whole(0, habits.restMaxMs),
  };
}

/** The last one of a client: nothing but patience, so that it shows whether everybody still gets what they ask for. */
export function drawLastPlan(random: Random, keys: readonly string[]): Plan {
  return {
    key: random.pick(keys),
    mode: random.chance(0.2) ? 'shared' : 'exclusive',
    waitMs: null,
    leaseMs: null,
    wantsPlace: false,
    noteBytes: 0,
    abortAfterMs: null,
    steps: [{ waitMs: random.whole(0, 20), extendMs: null }],
    forgetsRelease: false,
    restMs: 0,
  };
}

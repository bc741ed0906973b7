/** What a seed draws: who takes part, on what clocks and network, and which faults may come how often. Every seed draws a subset of its own. */
import type { ClientOptions } from './client-process.js';
import type { NetworkOptions } from './network.js';
import type { Random } from './random.js';
import type { ServerOptions } from './server-host.js';

export const FAULTS = [
  'server-kill',
  'server-power',
  'server-kill-at-step',
  'server-power-at-step',
  'server-stop',
  'server-stall',
  'server-clock',
  'client-kill',
  'client-power',
  'client-stall',
  'client-suspend',
  'client-clock',
  'reset',
  'silence',
  'stall-up',
  'stall-down',
  'stall-both',
  'refuse',
  'disk-full',
  'disk-slow',
  'disk-error',
] as const;

export type FaultName = (typeof FAULTS)[number];

export interface Parameters {
  readonly seed: number;
  /** For how long there are faults; then calm. */
  readonly faultsMs: number;
  /** Session time-out of all clients. */
  readonly timeoutMs: number;
  readonly keys: readonly string[];
  readonly clients: readonly ClientOptions[];
  readonly server: ServerOptions;
  readonly network: NetworkOptions;
  /** Mean time between two faults of a kind; kinds that are not named do not come. */
  readonly faults: Readonly<Partial<Record<FaultName, number>>>;
}

/** Clocks differ in rate by at most this much from the simulation's. */
const RATE_ERROR_MAX = 0.01;
const WALL_MS = Date.UTC(2026, 0, 1);

export function drawParameters(seed: number, random: Random): Parameters {
  const rate = (): number => 1 + random.between(-RATE_ERROR_MAX, RATE_ERROR_MAX);
  const timersFirst = random.chance(0.5);
  const resumableChance = random.pick([1, 1, 0.5, 0]);
  const seesPingsChance = random.pick([1, 0.5, 0]);
  const clients: ClientOptions[] = [];
  for (let number = 1, count = random.whole(2, 5); number <= count; number++) {
    clients.push({
      number,
      rate: rate(),
      timersFirst,
      wallMs: WALL_MS + random.whole(-60_000, 60_000),
      resumable: random.chance(resumableChance),
      seesPings: random.chance(seesPingsChance),
    });
  }
  const minMs = random.between(1, 5);
  return {
    seed,
    faultsMs: random.whole(6_000, 12_000),
    timeoutMs: random.whole(1_000, 5_000),
    keys: Array.from({ length: random.whole(1, 3) }, (_, i) => `key-${i + 1}`),
    clients,
    server: {
      rate: rate(),
      timersFirst,
      wallMs: WALL_MS,
      syncMsMax: random.pick([5, 5, 40]),
      segmentBytes: random.pick([4_096, 16_384, 65_536]),
      snapshotCommandsMin: random.pick([10, 30, 100, 1_000]),
    },
    network: {
      delays: { minMs, maxMs: random.between(minMs, 30), longChance: random.pick([0, 0.01, 0.02]) },
      sendBufferBytes: random.pick([2_048, 65_536]),
    },
    faults: drawFaults(random),
  };
}

function drawFaults(random: Random): Partial<Record<FaultName, number>> {
  const share = random.pick([0.1, 0.3, 0.6]);
  const faults: Partial<Record<FaultName, number>> = {};
  for (const name of FAULTS) {
    if (random.chance(share)) faults[name] = random.whole(800, 8_000);
  }
  // A client sees a suspension by its wall clock. One that is set back by as much in the same moment hides it from any program.
  if (faults['client-suspend'] !== undefined) delete faults['client-clock'];
  return faults;
}

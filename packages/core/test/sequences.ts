/** Random sequences of entries over few keys and few sessions, so that conflicts, repeats and limits are common. */
import fc from 'fast-check';
import type { Command, Entry, MachineLimits, Mode } from '../src/commands.js';

const SESSIONS = ['a', 'b', 'c'];
const KEYS = ['x', 'y'];
const HASHES = ['h0', 'h1', 'h2'];

const session = fc.constantFrom(...SESSIONS);
const key = fc.constantFrom(...KEYS);
const hash = fc.constantFrom(...HASHES);
/** 0: a number not used yet; n: the number used n - 1 acquires ago. */
const back = fc.nat(5);

interface AcquireStep {
  type: 'acquire';
  session: string;
  back: number;
  acked: number;
  key: string;
  mode: Mode;
  waitMs: number | null;
  leaseMs: number | null;
  named: boolean;
}

interface FollowStep {
  type: 'release' | 'cancel' | 'extend';
  session: string;
  back: number;
  leaseMs: number | null;
}

type Step = AcquireStep | FollowStep | { type: 'time'; stepMs: number } | { type: 'literal'; command: Command };

const acquireStep: fc.Arbitrary<Step> = fc.record({
  type: fc.constant('acquire' as const),
  session,
  back: fc.constantFrom(0, 0, 0, 0, 0, 1, 2, 4),
  acked: fc.nat(6),
  key,
  mode: fc.constantFrom('exclusive' as const, 'shared' as const),
  waitMs: fc.constantFrom(null, null, 0, 1, 2, 5),
  leaseMs: fc.constantFrom(null, null, 1, 3, 6),
  named: fc.boolean(),
});

const followStep: fc.Arbitrary<Step> = fc.record({
  type: fc.constantFrom('release' as const, 'release' as const, 'cancel' as const, 'extend' as const),
  session,
  back,
  leaseMs: fc.constantFrom(null, 1, 4),
});

const limits: fc.Arbitrary<MachineLimits> = fc.record({
  sessionsMax: fc.constantFrom(2, 3),
  requestsPerSessionMax: fc.constantFrom(2, 4, 100),
  queueLengthMax: fc.constantFrom(0, 2, 3, 100),
});

const sessionCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    type: fc.constant('open-session' as const),
    session,
    client: fc.constantFrom('', 'worker'),
    timeoutMs: fc.constant(5000),
    secretHash: fc.option(hash),
  }),
  fc.record({ type: fc.constant('resume-session' as const), session, proofHash: hash, secretHash: hash }),
  fc.record({ type: fc.constant('confirm-session' as const), session, secretHash: hash }),
  fc.record({
    type: fc.constant('end-session' as const),
    session,
    reason: fc.constantFrom('closed' as const, 'silent' as const),
  }),
);

const rareCommand: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('force-release' as const),
      key,
      token: fc.option(fc.integer({ min: 100, max: 110 })),
      session: fc.constantFrom(...SESSIONS, 'nobody'),
      call: fc.nat(9),
      reason: fc.constantFrom('', 'stuck'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('begin-term' as const),
      tokenFloor: fc.integer({ min: 90, max: 120 }),
      limits,
    }),
  },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: acquireStep },
  { weight: 7, arbitrary: followStep },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('time' as const), stepMs: fc.nat(4) }) },
  { weight: 3, arbitrary: sessionCommand.map((command) => ({ type: 'literal' as const, command })) },
  { weight: 1, arbitrary: rareCommand.map((command) => ({ type: 'literal' as const, command })) },
);

/** Entries that can follow each other: the first opens a term and every session, the others hold a command or two each. */
export function entrySequence(lengthMax: number): fc.Arbitrary<Entry[]> {
  const steps = fc.array(fc.tuple(step, fc.constantFrom(true, true, false)), { maxLength: lengthMax, size: 'max' });
  return fc.tuple(limits, steps).map(([firstLimits, list]) => toEntries(firstLimits, list));
}

function toEntries(firstLimits: MachineLimits, steps: [Step, boolean][]): Entry[] {
  const opening: Command[] = [{ type: 'begin-term', tokenFloor: 100, limits: firstLimits }];
  for (const id of SESSIONS) {
    opening.push({
      type: 'open-session',
      session: id,
      client: id,
      timeoutMs: 5000,
      secretHash: id === 'c' ? null : 'h0',
    });
  }
  const entries: Entry[] = [{ index: 1, term: 1, nowMs: 0, commands: opening }];
  const used = new Map(SESSIONS.map((id) => [id, 0]));
  let nowMs = 0;
  let commands: Command[] = [];
  for (const [item, endsEntry] of steps) {
    if (item.type === 'time') {
      nowMs += item.stepMs;
    } else {
      commands.push(item.type === 'literal' ? item.command : toCommand(item, used));
    }
    // An entry's time is that of its end, so time passes between entries and never within one.
    if (endsEntry || item.type === 'time') {
      entries.push({ index: entries.length + 1, term: 1, nowMs, commands });
      commands = [];
    }
  }
  return entries;
}

function toCommand(item: AcquireStep | FollowStep, used: Map<string, number>): Command {
  const last = used.get(item.session)!;
  if (item.type === 'acquire') {
    const { type, acked, mode, waitMs, leaseMs, named } = item;
    const request = item.back === 0 ? last + 1 : Math.max(1, last + 1 - item.back);
    used.set(item.session, Math.max(last, request));
    const meta = named ? { who: item.session } : null;
    return {
      type,
      session: item.session,
      request,
      acked,
      key: item.key,
      mode,
      waitMs,
      leaseMs,
      wantsPlace: named,
      meta,
    };
  }
  const request = Math.max(1, last + 1 - item.back);
  return item.type === 'extend'
    ? { type: 'extend', session: item.session, request, leaseMs: item.leaseMs }
    : { type: item.type, session: item.session, request };
}

import { describe, expect, it } from 'vitest';
import type { Acquire, Command } from '../src/commands.js';
import type { Effect } from '../src/effects.js';
import { checkInvariants } from '../src/invariants.js';
import { Machine } from '../src/machine.js';
import type { SnapshotRow } from '../src/snapshot-rows.js';
import type { Request } from '../src/state.js';
import { compareStates } from './compare.js';
import { Model } from './model.js';

/** New states after each number of steps, and all steps tried: a change of the actions has to change them knowingly. */
const STATES = [4, 20, 146, 1_162, 9_273, 74_097];
const STEPS = 274_685;
const DEPTH = STATES.length;
const SESSIONS = ['a', 'b'];
const KEYS = ['x', 'y'];
const STEP_MS = 2;

/** A state, in a form from which many steps can be tried. */
interface Node {
  rows: SnapshotRow[];
  model: Model;
}

interface Action {
  commands: Command[];
  stepMs: number;
}

/**
 * Every sequence of the actions below, up to the depth. Sequences that lead to the same state go on as one: states are the same when
 * they differ only in names, in the values of tokens, numbers and times but not in their order and distances, and in endings, which
 * no action asks for again.
 */
describe('every interleaving of two sessions and two keys', () => {
  it(`up to ${DEPTH} steps goes as in the model and keeps every invariant`, () => {
    const seen = new Set<string>();
    let steps = 0;
    let level: Node[] = [firstNode()];
    const states: number[] = [];
    for (let depth = 1; depth <= DEPTH; depth++) {
      const next: Node[] = [];
      const seenBefore = seen.size;
      for (const node of level) {
        for (const action of actionsOf(node.model)) {
          const machine = Machine.restore(node.rows);
          const model = node.model.clone();
          step(machine, model, action);
          steps++;
          const shape = shapeOf(machine);
          if (!seen.has(shape)) {
            seen.add(shape);
            if (depth < DEPTH) {
              next.push({ rows: [...machine.snapshot()], model });
            }
          }
        }
      }
      states.push(seen.size - seenBefore);
      level = next;
    }
    expect({ states, steps }).toEqual({ states: STATES, steps: STEPS });
  });
});

function firstNode(): Node {
  const limits = { sessionsMax: 2, requestsPerSessionMax: 100, queueLengthMax: 100 };
  const open = SESSIONS.map((session): Command => ({
    type: 'open-session',
    session,
    client: '',
    timeoutMs: 5000,
    secretHash: null,
  }));
  const machine = new Machine();
  const model = new Model();
  step(machine, model, { commands: [{ type: 'begin-term', tokenFloor: 100, limits }, ...open], stepMs: 0 });
  return { rows: [...machine.snapshot()], model };
}

function step(machine: Machine, model: Model, { commands, stepMs }: Action): void {
  const entry = { index: machine.index + 1, term: 1, nowMs: machine.nowMs + stepMs, commands };
  const effects: Effect[] = [];
  machine.apply(entry, effects);
  const said = JSON.stringify(effects);
  const meant = JSON.stringify(model.apply(entry));
  if (said !== meant) {
    throw new Error(`${JSON.stringify(entry)}: the machine says\n${said}\nthe model says\n${meant}`);
  }
  compareStates(machine, model);
  checkInvariants(machine);
}

/** What can be tried next. A session that is over opens anew; releases name every hold, cancels every live request. */
function actionsOf(model: Model): Action[] {
  const actions: Action[] = [{ commands: [], stepMs: STEP_MS }];
  const add = (command: Command) => actions.push({ commands: [command], stepMs: 0 });
  for (const session of SESSIONS) {
    const known = model.sessions.find(({ id }) => id === session);
    if (known === undefined) {
      add({ type: 'open-session', session, client: '', timeoutMs: 5000, secretHash: null });
      continue;
    }
    add({ type: 'end-session', session, reason: 'closed' });
    const live = model.requests.filter((request) => request.session === session && request.status !== 'ended');
    for (const { number: request, status } of live) {
      add({ type: 'cancel', session, request });
      if (status === 'held') {
        add({ type: 'release', session, request });
      }
    }
    const request = known.lastRequest + 1;
    const rest = { acked: known.lastEnd, wantsPlace: false, meta: null };
    for (const key of KEYS) {
      const acquire = (more: Pick<Acquire, 'mode' | 'waitMs' | 'leaseMs'>) =>
        add({ type: 'acquire', session, request, key, ...rest, ...more });
      acquire({ mode: 'exclusive', waitMs: null, leaseMs: null });
      acquire({ mode: 'exclusive', waitMs: 0, leaseMs: null });
      acquire({ mode: 'shared', waitMs: STEP_MS, leaseMs: STEP_MS });
      acquire({ mode: 'shared', waitMs: 0, leaseMs: STEP_MS });
    }
  }
  return actions;
}

function shapeOf(machine: Machine): string {
  const live: Request[] = [];
  for (const key of machine.state.keys.values()) {
    live.push(...key.holders(), ...key.queue());
  }
  live.sort((left, right) => left.ticket - right.ticket);
  const tokens = live.map(({ token }) => token).toSorted((left, right) => left - right);
  const order = new Map(live.map((request, index) => [request, index]));
  const requests = live.map(({ sessionState, mode, leaseMs, dueMs, token }) => {
    const session = sessionState === live[0]!.sessionState;
    return `${session} ${mode} ${leaseMs} ${dueMs - machine.nowMs} ${tokens.indexOf(token)}`;
  });
  const keys = Array.from(machine.state.keys.values(), (key) => {
    const list = [...key.holders(), ...key.queue()].map((request) => order.get(request));
    return `${key.heldCount} ${list.join()}`;
  });
  return [machine.sessionCount, ...requests, ...keys].join('\n');
}

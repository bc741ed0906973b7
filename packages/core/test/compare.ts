/** One description of a state, made of a machine's views or of the model, to be compared as text. */
import type { Machine } from '../src/machine.js';
import { NEVER } from '../src/state.js';
import type { RequestView } from '../src/views.js';
import type { Model, ModelRequest } from './model.js';

/** Throws when what the machine shows is not what the model knows. */
export function compareStates(machine: Machine, model: Model): void {
  const shown = describeMachine(machine);
  const known = describeModel(model);
  if (shown !== known) {
    throw new Error(`the machine shows\n${shown}\nthe model knows\n${known}`);
  }
}

function describeMachine(machine: Machine): string {
  const lines = [`${machine.nowMs} ${machine.heldCount} ${machine.waitingCount} ${machine.nextDueMs}`];
  for (const session of machine.sessions()) {
    const { id, secretHash, olderHashes, acked, lastRequest, heldCount, waitingCount } = session;
    lines.push(
      `${id} ${[...(olderHashes ?? []), secretHash].join()} ${acked} ${lastRequest} ${heldCount} ${waitingCount}`,
    );
    for (const request of session.requests()) {
      lines.push(`  ${describe(request)} ${request.keyState.name} ${machine.place(request)}`);
    }
  }
  const keys: string[] = [];
  for (const key of machine.keys()) {
    const holders = Array.from(key.holders(), name);
    const queue = Array.from(key.queue(), name);
    keys.push(`${key.name} ${key.heldCount} ${holders.join()} ${key.waitingCount} ${queue.join()}`);
  }
  return [...lines, ...keys.toSorted()].join('\n');
}

function describeModel(model: Model): string {
  const live = model.requests.filter((r) => r.status !== 'ended');
  const held = live.filter((r) => r.status === 'held');
  const nextDueMs = Math.min(...live.map((r) => r.dueMs));
  const lines = [`${model.nowMs} ${held.length} ${live.length - held.length} ${nextDueMs}`];
  for (const { id, secrets, acked, lastRequest } of model.sessions) {
    const mine = live.filter((r) => r.session === id);
    const heldCount = mine.filter((r) => r.status === 'held').length;
    lines.push(`${id} ${secrets.join()} ${acked} ${lastRequest} ${heldCount} ${mine.length - heldCount}`);
    for (const r of mine) {
      const place = model.live(r.key, 'waiting').indexOf(r) + 1;
      lines.push(`  ${describe({ ...r, held: r.status === 'held', token: r.token ?? 0 })} ${r.key} ${place}`);
    }
  }
  const keys = [...new Set(live.map((r) => r.key))].map((key) => {
    const holders = model.live(key, 'held');
    const queue = model.live(key, 'waiting');
    return `${key} ${holders.length} ${holders.map(modelName).join()} ${queue.length} ${queue.map(modelName).join()}`;
  });
  return [...lines, ...keys.toSorted()].join('\n');
}

function describe(request: Omit<RequestView, 'keyState' | 'sessionState'>): string {
  const { number, mode, held, token, dueMs, sinceMs, wantsPlace, meta } = request;
  return `${number} ${mode} ${held} ${token} ${dueMs === NEVER ? Infinity : dueMs} ${sinceMs} ${wantsPlace} ${JSON.stringify(meta)}`;
}

function name(request: RequestView): string {
  return `${request.sessionState.id}.${request.number}`;
}

function modelName(request: ModelRequest): string {
  return `${request.session}.${request.number}`;
}

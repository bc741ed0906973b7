/**
 * What a client process does in a simulation: several lanes that ask for few keys in all the ways there are, an operator who looks, and now and
 * then takes by force, and a program that closes its client and connects anew. Until faults are over; then everybody asks once more with
 * patience, gives back what it has, and closes.
 */
import type { ClientHost } from '../client-host.js';
import type { Random } from '../random.js';
import { type Habits, drawHabits, drawLastPlan, drawPlan } from './plan.js';
import { User, codeOf } from './user.js';

/** Between two looks of the operator. */
const LOOK_MAX_MS = 800;

export async function workload(host: ClientHost): Promise<void> {
  const user = new User(host);
  const habits = drawHabits(host.random.fork('habits'));
  const lanes: Promise<void>[] = [];
  for (let lane = 1; lane <= habits.lanes; lane++) {
    lanes.push(work(host, user, habits, host.random.fork(`lane ${lane}`)));
  }
  const program = attend(host, user, habits, host.random.fork('program'));
  const watching = habits.watches ? watch(host, user, host.random.fork('watch')) : Promise.resolve();
  await Promise.all([...lanes, program]);
  await user.close();
  await watching;
}

async function work(host: ClientHost, user: User, habits: Habits, random: Random): Promise<void> {
  while (!host.isCalm) {
    const plan = drawPlan(random, habits, host.keys, host.timeoutMs);
    await user.run(plan);
    await host.sleep(plan.restMs);
  }
  await user.run(drawLastPlan(random, host.keys));
}

/** Looks at keys, takes them by force, closes and connects anew. */
async function attend(host: ClientHost, user: User, habits: Habits, random: Random): Promise<void> {
  while (!host.isCalm) {
    await Promise.race([host.sleep(random.whole(1, LOOK_MAX_MS)), host.calm]);
    const key = random.pick(host.keys);
    if (random.chance(habits.queryChance)) await host.holdfast.query(key).catch(codeOf);
    if (random.chance(habits.forceChance)) await host.holdfast.forceRelease(key).catch(codeOf);
    if (random.chance(habits.reconnectChance)) await user.reconnect();
  }
}

/** Watches all keys until calm, and after calm until its client is closed. What it is told is checked in the trace, where it is said. */
async function watch(host: ClientHost, user: User, random: Random): Promise<void> {
  do {
    await user.connected();
    try {
      for await (const event of host.holdfast.watch('**', { state: random.chance(0.5) })) {
        if (event.kind === 'granted' && random.chance(0.01)) break;
      }
    } catch (error) {
      codeOf(error);
    }
  } while (!host.isCalm);
}

/** The real server is killed while it takes a snapshot, again and again, on one directory. */
import { watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Churn } from './support/churn.js';
import { holdfast } from './support/cli.js';
import { DurableServer, Scratch } from './support/durable-server.js';
import { Random, seedOfRun } from './support/random.js';
import { RawSession } from './support/raw-session.js';
import { inTime, until } from './support/until.js';

const KILLS = 6;
/** Sessions, and what each holds: a snapshot of some megabytes, which takes some tens of milliseconds. */
const SESSIONS = 4;
const HOLDS = 9_000;
const HOLDS_A_FRAME = 500;
/** A kill comes this much after a snapshot has begun, below. */
const LATE_MS_END = 50;
const SEED = seedOfRun();

/** Resolves in the moment in which a snapshot begins. */
function snapshotBegins(directory: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const watcher = watch(directory, (_event, name) => {
      if (name?.startsWith('snapshot-') !== true || !name.endsWith('.tmp')) return;
      watcher.close();
      resolve();
    });
    watcher.once('error', reject);
  });
}

async function ends(directory: string, suffix: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith('snapshot-') && name.endsWith(suffix));
}

test('a kill during a snapshot loses nothing, and leaves nothing behind', async () => {
  process.stdout.write(`HOLDFAST_SEED=${SEED}\n`);
  const random = new Random(SEED);
  await using scratch = await Scratch.make();
  const directory = scratch.path;
  await using server = await DurableServer.start(directory);
  const sessions: RawSession[] = [];
  for (let number = 0; number < SESSIONS; number++) {
    const session = await RawSession.open(server.url, 60_000);
    for (let first = 0; first < HOLDS; first += HOLDS_A_FRAME) {
      const keys = Array.from({ length: HOLDS_A_FRAME }, (_, i) => `held/${number}/${first + i}`);
      expect(await session.acquire(keys)).toEqual([]);
    }
    sessions.push(session);
  }

  let during = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    const begins = snapshotBegins(directory);
    if (kill > 1) {
      server.launch();
      await server.serves();
      for (const session of sessions) expect(await session.resume(server.url)).toEqual(session.held);
    }
    {
      await using _churn = await Churn.start(server.url);
      await inTime('a snapshot', begins, 60_000);
      await delay(random.below(LATE_MS_END));
      await server.kill();
    }
    during += (await ends(directory, '.tmp')).length;
    expect((await ends(directory, '.snap')).length).toBeLessThanOrEqual(2);
    const { code, stdout } = await holdfast(['log', 'inspect', directory]);
    expect(code, stdout).toBe(0);
  }
  // Otherwise the kills came at other moments.
  expect(during).toBeGreaterThan(KILLS / 4);

  server.launch();
  await server.serves();
  for (const session of sessions) {
    expect(await session.resume(server.url)).toEqual(session.held);
    expect(session.held.size).toBe(HOLDS);
  }
  // What was begun and killed is gone, and the one that was due is taken.
  await until('a snapshot', async () => {
    return (await ends(directory, '.snap')).length > 0 && (await ends(directory, '.tmp')).length === 0;
  });
  expect((await server.stop()).code).toBe(0);
});

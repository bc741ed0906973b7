import { mkdtemp, readFile, rm, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../src/run/clock.js';
import { deathWatchProgram } from '../src/run/process-group.js';
import type { RunEvent } from '../src/run/report.js';
import { type JobOptions, runJob } from '../src/run/run-job.js';
import type { PassedSignal } from '../src/run/signals.js';
import { FakeLock } from './support/fake-lock.js';

let directory: string;
let lock: FakeLock;
let said: RunEvent[];
let pass: (signal: PassedSignal) => void;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-run-'));
  lock = new FakeLock();
  said = [];
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

function run(command: readonly [string, ...string[]], options: Partial<JobOptions> = {}): Promise<number> {
  return runJob({
    lock,
    command,
    env: { ...process.env, DIR: directory },
    setpriv: null,
    grace: { killAfterMs: 200, marginMs: 100 },
    onLost: 'term',
    leased: false,
    signals: {
      passTo(to) {
        pass = to;
      },
      stop() {
        pass = () => undefined;
      },
    },
    clock: systemClock,
    report: (event) => said.push(event),
    ...options,
  });
}

/** A shell script as a command; it can use "$DIR" to tell things to the test. */
const script = (text: string): [string, ...string[]] => ['sh', '-c', text];

/** The text of a file that the command writes, once it is there and complete (ends in a newline). */
function written(name: string): Promise<string> {
  return vi.waitFor(
    async () => {
      const text = await readFile(join(directory, name), 'utf8');
      if (!text.endsWith('\n')) throw new Error(`${name} is not complete`);
      return text.trim();
    },
    { timeout: 20_000, interval: 5 },
  );
}

/** A process that can still do something: zombies do not count. */
async function isRunning(pid: string): Promise<boolean> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(text.slice(text.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

const reported = (): readonly string[] => said.map(({ event }) => event);

/** Ignores TERM and lives until it is killed. */
const STUBBORN = `trap '' TERM; echo $$ > "$DIR/pid"; while :; do sleep 0.05; done`;

describe('exit codes', () => {
  test("the command's own exit code is passed on, and the lock is released once", async () => {
    expect(await run(script('exit 7'))).toBe(7);
    expect(lock.releases).toBe(1);
    expect(lock.listening).toBe(0);
  });

  test('a command that dies of signal n gives 128 + n', async () => {
    expect(await run(script('kill -USR1 $$'))).toBe(138);
  });

  test('a command whose interpreter does not exist gives 127, and the lock is released', async () => {
    const path = join(directory, 'job');
    await writeFile(path, '#!/no/such/interpreter\n');
    await chmod(path, 0o755);
    await expect(run([path])).rejects.toMatchObject({ exitCode: 127 });
    expect(lock.releases).toBe(1);
  });

  test('arguments reach the command as they are, without a shell in between', async () => {
    const write = 'require("node:fs").writeFileSync(process.argv[1], JSON.stringify(process.argv.slice(2)) + "\\n")';
    const path = join(directory, 'arguments');
    expect(await run([process.execPath, '-e', write, path, '$HOME', '*; exit 3', ''])).toBe(0);
    expect(JSON.parse(await written('arguments'))).toEqual(['$HOME', '*; exit 3', '']);
  });
});

describe('signals', () => {
  test('signals are passed on to the whole group', async () => {
    const job = run(
      script(`(trap 'echo child > "$DIR/child"; exit' USR2; echo > "$DIR/child-ready"; while :; do sleep 0.05; done) &
        trap 'wait; exit 9' USR2; echo > "$DIR/ready"; while :; do sleep 0.05; done`),
    );
    await Promise.all([written('ready'), written('child-ready')]);
    pass('SIGUSR2');
    expect(await job).toBe(9);
    expect(await written('child')).toBe('child');
    expect(reported()).toEqual(['started']);
  });

  test('a signal that the command ignores is passed on again', async () => {
    const job = run(
      script(`n=0; trap 'n=$((n+1)); echo $n > "$DIR/count$n"; [ $n = 2 ] && exit 5' INT
        echo > "$DIR/ready"; while :; do sleep 0.05; done`),
    );
    await written('ready');
    pass('SIGINT');
    await written('count1');
    pass('SIGINT');
    expect(await job).toBe(5);
  });
});

describe('a lock that goes away', () => {
  test('a command that obeys TERM ends, and the exit code says that the lock was lost', async () => {
    const job = run(
      script(`trap 'echo > "$DIR/term"; exit 0' TERM; echo > "$DIR/ready"; while :; do sleep 0.05; done`),
      {
        grace: { killAfterMs: 20_000, marginMs: 100 },
      },
    );
    await written('ready');
    lock.become('lost', 'revoked');
    expect(await job).toBe(79);
    await written('term');
    expect(reported()).toEqual(['started', 'lost']);
  });

  test('a command that ignores TERM is killed', async () => {
    const job = run(script(STUBBORN));
    const pid = await written('pid');
    lock.become('lost', 'revoked');
    expect(await job).toBe(79);
    expect(await isRunning(pid)).toBe(false);
    expect(reported()).toEqual(['started', 'lost', 'killed']);
  });

  test('grandchildren that ignore TERM are killed with the command, before the lock is let go', async () => {
    const job = run(
      script(`(${STUBBORN.replaceAll('$$', '$(exec sh -c "echo \\$PPID")')}) & trap '' TERM; wait; sleep 60`),
    );
    const pid = await written('pid');
    let runningAtRelease: Promise<boolean> | undefined;
    lock.onRelease = () => {
      runningAtRelease = isRunning(pid);
    };
    lock.become('lost', 'revoked');
    expect(await job).toBe(79);
    expect(await runningAtRelease).toBe(false);
  });

  test('a stopped command is woken up to hear TERM', async () => {
    const job = run(
      script(`trap 'echo > "$DIR/term"; exit 0' TERM; echo $$ > "$DIR/pid"; while :; do sleep 0.05; done`),
      {
        grace: { killAfterMs: 20_000, marginMs: 100 },
      },
    );
    process.kill(Number(await written('pid')), 'SIGSTOP');
    lock.become('lost', 'revoked');
    expect(await job).toBe(79);
    await written('term');
  });

  test('without a connection the command is ended before the deadline', async () => {
    // The margin is a whole second, so that a busy machine does not decide this test.
    const job = run(script(STUBBORN), { grace: { killAfterMs: 200, marginMs: 1_000 } });
    const pid = await written('pid');
    const deadlineMs = performance.now() + 1_500;
    lock.validity = () => deadlineMs - performance.now();
    lock.become('jeopardy');
    let leftMs = 0;
    lock.onRelease = () => {
      leftMs = lock.validity();
    };
    expect(await job).toBe(79);
    expect(await isRunning(pid)).toBe(false);
    expect(reported()).toEqual(['started', 'jeopardy', 'ending', 'killed']);
    expect(leftMs).toBeGreaterThan(0);
  });

  test('with --on-lost=ignore the command goes on and its exit code counts', async () => {
    const job = run(script(`echo > "$DIR/ready"; while [ ! -e "$DIR/go" ]; do sleep 0.01; done; exit 4`), {
      onLost: 'ignore',
    });
    await written('ready');
    lock.become('lost', 'revoked');
    await writeFile(join(directory, 'go'), '');
    expect(await job).toBe(4);
    expect(said).toContainEqual({ event: 'lost', key: 'nightly', code: 'REVOKED', text: 'revoked', ignored: true });
  });
});

describe('what a finished command leaves behind', () => {
  test('processes of the group are ended before the lock is released', async () => {
    const job = run(script(`sleep 1000 & echo $! > "$DIR/pid"; exit 3`));
    const pid = await written('pid');
    let runningAtRelease: Promise<boolean> | undefined;
    lock.onRelease = () => {
      runningAtRelease = isRunning(pid);
    };
    expect(await job).toBe(3);
    expect(await runningAtRelease).toBe(false);
    expect(said).toContainEqual({ event: 'leftovers', key: 'nightly', processes: 1 });
  });

  test('processes that ignore TERM are killed before the lock is released', async () => {
    const job = run(
      script(`(trap '' TERM; echo > "$DIR/trapped"; while :; do sleep 0.05; done) & echo $! > "$DIR/pid"
      while [ ! -e "$DIR/trapped" ]; do sleep 0.01; done; exit 3`),
    );
    const pid = await written('pid');
    expect(await job).toBe(3);
    expect(await isRunning(pid)).toBe(false);
    expect(reported()).toEqual(['started', 'leftovers', 'killed']);
    expect(lock.releases).toBe(1);
  });
});

describe('setpriv', () => {
  test('it becomes the command: same process number, same exit code', async () => {
    const setpriv = await deathWatchProgram(process.env['PATH'] ?? '');
    expect(await run(script(`echo $$ > "$DIR/pid"; exit 6`), { setpriv })).toBe(6);
    expect(said[0]).toEqual({ event: 'started', key: 'nightly', pid: Number(await written('pid')) });
  });

  test('a search path without it means none', async () => {
    expect(await deathWatchProgram(directory)).toBeNull();
  });

  test('one that does not know --pdeathsig is not used', async () => {
    const path = join(directory, 'setpriv');
    await writeFile(path, '#!/bin/sh\nexit 1\n');
    await chmod(path, 0o755);
    expect(await deathWatchProgram(directory)).toBeNull();
  });
});

/** The `holdfast` command against real servers: what a person, a script or cron gets. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Holdfast, connect } from '@holdfast/client';
import { type HoldfastServer, startServer } from '@holdfast/server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Cli, holdfast, isRunning } from './support/cli.js';
import { ServerProcess } from './support/server-process.js';
import { until } from './support/until.js';

let server: HoldfastServer;
let url: string;
/** Looks at what the commands do, and makes trouble. */
let client: Holdfast;
let directory: string;
let keys = 0;
/** A key of this test's own. */
let key: string;

beforeAll(async () => {
  server = await startServer({ port: 0, logLevel: 'silent' });
  url = server.url;
  client = await connect(url);
});

afterAll(async () => {
  await client.close();
  await server.close();
});

beforeEach(async () => {
  keys += 1;
  key = `cli/${keys}`;
  directory = await mkdtemp(join(tmpdir(), 'holdfast-cli-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const file = (name: string): string => join(directory, name);

/** What the command wrote into a file, once it is there with a whole line. */
async function written(name: string): Promise<string> {
  let text = '';
  await until(`the command writes ${name}`, async () => {
    text = await readFile(file(name), 'utf8').catch(() => '');
    return text.endsWith('\n');
  });
  return text.trim();
}

/** A shell script as the command; "$DIR" is the test's directory. */
const script = (text: string): readonly string[] => ['sh', '-c', text];
/** A session time-out that a test can wait for, and a grace that fits into it. */
const SHORT = ['--timeout', '2s', '--kill-after', '300ms'];
const run = (options: readonly string[], command: readonly string[], at: string = url): Cli =>
  new Cli(['run', key, '--url', at, ...options, '--', ...command], { DIR: directory });

/** Holds the key until the test writes the file `go`. */
const HOLDING = `echo $$ > "$DIR/holding"; while [ ! -e "$DIR/go" ]; do sleep 0.02; done`;
const go = (): Promise<void> => writeFile(file('go'), '');

async function waiters(count: number): Promise<void> {
  await until(`${count} wait`, async () => (await client.query(key)).waiting === count);
}

describe('run', () => {
  test('gives the command the key, the token and the server, and passes its exit code on', async () => {
    await using cli = run([], script('echo "$HOLDFAST_KEY $HOLDFAST_FENCE $HOLDFAST_URL"; exit 7'));
    const { code, stdout, stderr } = await cli.end();
    expect(code).toBe(7);
    expect(stdout).toMatch(new RegExp(`^${key} \\d+ ${url}\n$`));
    expect(stderr).toBe('');
  });

  test('waits for its turn, and its token is higher than the one before', async () => {
    await using first = run([], script(`echo "$HOLDFAST_FENCE"; ${HOLDING}`));
    await written('holding');
    await using second = run(['--verbose'], script('echo "$HOLDFAST_FENCE"'));
    await second.says(`waiting for ${key}: next`);
    expect(second.stdout).toBe('');
    await go();
    expect((await first.end()).code).toBe(0);
    const { code, stdout } = await second.end();
    expect(code).toBe(0);
    expect(Number(stdout)).toBeGreaterThan(Number(first.stdout));
  });

  test('shared holders run together', async () => {
    await using first = run(['--shared'], script(HOLDING));
    await written('holding');
    await using second = run(['--shared', '--try'], script('exit 3'));
    expect((await second.end()).code).toBe(3);
    await go();
    expect((await first.end()).code).toBe(0);
  });

  test('--try gives up at once with 75 and says who holds the lock', async () => {
    await using holder = run(['--meta', 'why=spring cleaning'], script(HOLDING));
    await written('holding');
    await using cli = run(['--try'], ['true']);
    const { code, stderr } = await cli.end();
    expect(code).toBe(75);
    expect(stderr).toMatch(new RegExp(`^holdfast: ${key} is held by sh .* why=spring cleaning for .*\n$`));
    await go();
    await holder.end();
  });

  test('--wait gives up with 75 when it is over, and nobody waits any more', async () => {
    await using holder = run([], script(HOLDING));
    await written('holding');
    await using cli = run(['--wait', '50ms'], ['true']);
    expect((await cli.end()).code).toBe(75);
    expect(await client.query(key)).toMatchObject({ held: 1, waiting: 0 });
    await go();
    await holder.end();
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s while waiting ends it with %i, and the next one gets the lock', async (signal, exitCode) => {
    await using holder = run([], script(HOLDING));
    await written('holding');
    await using cli = run([], script('echo > "$DIR/wrong"'));
    await waiters(1);
    await using next = run([], script('exit 5'));
    await waiters(2);
    cli.kill(signal);
    expect(await cli.end()).toMatchObject({ code: exitCode, stderr: '' });
    await go();
    await holder.end();
    expect((await next.end()).code).toBe(5);
    await expect(readFile(file('wrong'))).rejects.toThrow('ENOENT');
  });

  test('SIGTERM while the command runs goes to the command', async () => {
    await using cli = run([], script(`trap 'exit 9' TERM; ${HOLDING}`));
    await written('holding');
    cli.kill('SIGTERM');
    expect((await cli.end()).code).toBe(9);
  });

  test('a command that is not there costs no lock and no connection', async () => {
    await using missing = run([], ['no-such-command'], 'ws://127.0.0.1:9');
    expect(await missing.end()).toMatchObject({ code: 127, stderr: 'holdfast: no-such-command: command not found\n' });
    await writeFile(file('plain'), '');
    await using plain = run([], [file('plain')], 'ws://127.0.0.1:9');
    expect((await plain.end()).code).toBe(126);
  });

  test('a lock that is released by force ends the command, with 79', async () => {
    await using cli = run([], script(`trap '' TERM; ${HOLDING}`));
    const pid = Number(await written('holding'));
    await client.forceRelease(key, { reason: 'stuck' });
    const { code, stderr } = await cli.end();
    expect(code).toBe(79);
    expect(stderr).toContain('by force');
    expect(stderr).toContain('stuck');
    expect(await isRunning(pid)).toBe(false);
  });

  test('a command is ended before its lease is over, with 79', async () => {
    await using cli = run(['--lease', '2s', '--kill-after', '100ms'], script(`trap '' TERM; ${HOLDING}`));
    const pid = Number(await written('holding'));
    const { code, stderr } = await cli.end();
    expect(code).toBe(79);
    expect(stderr).toContain('lease');
    expect(await isRunning(pid)).toBe(false);
  });

  test('when holdfast itself is killed, its command ends, too, and the next one gets the lock', async () => {
    await using cli = run(SHORT, script(`trap '' TERM; ${HOLDING}`));
    const pid = Number(await written('holding'));
    cli.kill('SIGKILL');
    await cli.end();
    await until('the command ends', async () => !(await isRunning(pid)));
    await using next = run([], script('exit 5'));
    expect((await next.end()).code).toBe(5);
  });

  test('with --no-resume, the one after a killed holder does not wait for the session time-out', async () => {
    // The time-out is longer than this test would wait.
    await using cli = run(['--no-resume', '--timeout', '60s'], script(HOLDING));
    await written('holding');
    cli.kill('SIGKILL');
    await using next = run([], script('exit 5'));
    expect((await next.end()).code).toBe(5);
  });

  test('a server that falls silent ends the command before anybody else can have the lock', async () => {
    await using frozen = await ServerProcess.start({ logLevel: 'silent' });
    await using cli = run(SHORT, script(`trap '' TERM; ${HOLDING}`), frozen.url);
    const pid = Number(await written('holding'));
    await frozen.child.stop();
    await cli.says('ending the command');
    await until('the command ends', async () => !(await isRunning(pid)));
    frozen.child.wake();
    expect((await cli.end()).code).toBe(79);
  });
});

describe('a restart of the server', () => {
  test('a command that waits is asked for again and runs; one that held the lock is ended in time', async () => {
    const first = await startServer({ port: 0, logLevel: 'silent', drainMs: 0 });
    const { port, url: at } = first;
    await using holder = run(SHORT, script(HOLDING), at);
    const pid = Number(await written('holding'));
    await using waiter = run(['--json'], script('exit 5'), at);
    await waiter.says('"waiting"');
    await first.close();
    const second = await startServer({ port, logLevel: 'silent' });
    try {
      expect((await holder.end()).code).toBe(79);
      expect(await isRunning(pid)).toBe(false);
      expect((await waiter.end()).code).toBe(5);
    } finally {
      await second.close();
    }
  });
});

describe('exit codes of things that do not work', () => {
  test.each([['status'], ['ls'], ['watch', '**'], ['run', 'k', '--', 'true']])(
    '%s without a server is 69, and one line says what to do',
    async (...args) => {
      const [command = '', ...rest] = args;
      const at = ['--url', 'ws://127.0.0.1:9', '--connect-timeout', '100ms'];
      const { code, stdout, stderr } = await holdfast([command, ...at, ...rest]);
      expect(code).toBe(69);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^holdfast: cannot reach ws:\/\/127\.0\.0\.1:9: start a server .*\n$/);
    },
  );

  test('a wrong pattern is 64', async () => {
    const { code, stderr } = await holdfast(['ls', 'a\\b', '--url', url]);
    expect(code).toBe(64);
    expect(stderr).toMatch(/^holdfast: .*BAD_PATTERN.*\n$/);
  });

  test('a password in a URL is refused and not printed', async () => {
    const { code, stderr } = await holdfast(['status'], { HOLDFAST_URL: 'ws://me:hunter2@127.0.0.1' });
    expect(code).toBe(64);
    expect(stderr).toContain('HOLDFAST_TOKEN');
    expect(stderr).not.toContain('hunter2');
  });
});

describe('status and ls', () => {
  test('show who holds and who waits', async () => {
    await using holder = run([], script(HOLDING));
    await written('holding');
    await using waiter = run([], ['true']);
    await waiters(1);
    const text = await holdfast(['status', key, '--url', url]);
    expect(text.stdout).toMatch(new RegExp(`^${key}: 1 holder, 1 waiting\n`));
    const listed = await holdfast(['ls', 'cli/*', '--url', url]);
    expect(listed.stdout).toContain(`${key}  exclusive`);
    const rows = await holdfast(['ls', 'cli/*', '--json', '--url', url]);
    expect(JSON.parse(rows.stdout)).toMatchObject({ key, held: 1, waiting: 1, holds: [{ meta: { command: 'sh' } }] });
    const figures = await holdfast(['status', '--json'], { HOLDFAST_URL: url });
    expect(JSON.parse(figures.stdout)).toMatchObject({ keys: 1, holds: 1, waiting: 1, draining: false });
    await go();
    await Promise.all([holder.end(), waiter.end()]);
  });

  test('a free key is free, and an empty list has no lines', async () => {
    expect((await holdfast(['status', key, '--url', url])).stdout).toBe(
      `${key} is free: nobody holds it, nobody waits for it.\n`,
    );
    expect(await holdfast(['ls', key, '--url', url])).toMatchObject({ code: 0, stdout: '' });
  });
});

describe('watch', () => {
  test('prints one JSON object an event in a pipe, and ends with 0 when it is interrupted', async () => {
    await using watch = new Cli(['watch', key, '--state', '--url', url]);
    await watch.says('synced');
    await using cli = run([], ['true']);
    await cli.end();
    await watch.says('ended');
    watch.kill('SIGINT');
    expect(await watch.end()).toMatchObject({ code: 0, stderr: '' });
    const [synced, granted, ended] = watch.rows();
    expect(synced).toMatchObject({ kind: 'synced' });
    expect(granted).toMatchObject({ kind: 'granted', key, mode: 'exclusive', meta: { command: 'true' } });
    expect(ended).toMatchObject({ kind: 'ended', key, code: 'RELEASED', token: granted?.['token'] });
  });

  test('ends quietly when nobody reads it any more', async () => {
    await using watch = new Cli(['watch', key, '--state', '--url', url]);
    await watch.says('synced');
    watch.stopReading();
    await using cli = run([], ['true']);
    await cli.end();
    expect(await watch.end()).toMatchObject({ code: 0, stderr: '' });
  });

  test('goes on after a restart of the server, and says that events may be missing', async () => {
    const first = await startServer({ port: 0, logLevel: 'silent' });
    await using watch = new Cli(['watch', key, '--state', '--url', first.url]);
    await watch.says('synced');
    await using before = run([], ['true'], first.url);
    await before.end();
    const { port } = first;
    await first.close();
    await watch.says('connecting again');
    const second = await startServer({ port, logLevel: 'silent' });
    try {
      await watch.says('"gap"');
      await using after = run([], script('exit 5'), second.url);
      expect((await after.end()).code).toBe(5);
      await until('the new grant is seen', () => watch.rows().filter(({ kind }) => kind === 'granted').length === 2);
    } finally {
      await second.close();
    }
  });
});

describe('serve', () => {
  test('says where it listens, drains at SIGTERM and exits with 0', async () => {
    await using serve = new Cli(['serve', '--port', '0', '--log', 'memory']);
    await serve.says('"serving"');
    const at = String(serve.rows()[0]?.['url']);
    await using holder = run([], script(HOLDING), at);
    await written('holding');
    serve.kill('SIGTERM');
    await serve.says('"draining"');
    await go();
    expect((await holder.end()).code).toBe(0);
    expect((await serve.end()).code).toBe(0);
  });

  test('the second signal stops it at once', async () => {
    await using serve = new Cli(['serve', '--port', '0', '--log', 'memory', '--drain', '1h']);
    await serve.says('"serving"');
    await using holder = run(SHORT, script(HOLDING), String(serve.rows()[0]?.['url']));
    await written('holding');
    serve.kill('SIGINT');
    await serve.says('"draining"');
    serve.kill('SIGINT');
    expect(await serve.end()).toMatchObject({ code: null, signal: 'SIGINT' });
    expect((await holder.end()).code).toBe(79);
  });

  test('a port that is taken is told with what to do', async () => {
    const { code, stderr } = await holdfast(['serve', '--port', String(server.port), '--data', file('data')]);
    expect(code).toBe(69);
    expect(stderr).toMatch(/^holdfast: port \d+ of 127\.0\.0\.1 is taken: .*--port.*\n$/);
  });

  test('it does not listen beyond this machine by mistake', async () => {
    const { code, stderr } = await holdfast(['serve', '--host', '0.0.0.0', '--port', '0']);
    expect(code).toBe(64);
    expect(stderr).toContain('--allow-anyone');
  });
});

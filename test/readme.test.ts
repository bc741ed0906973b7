/** The main job, as the README shows it: real processes, one counter, one lock. The script that runs here is the README's own text. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Holdfast, connect } from '@holdfast/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Cli } from './support/cli.js';
import { ServerProcess } from './support/server-process.js';
import { until } from './support/until.js';

const README = fileURLToPath(new URL('../README.md', import.meta.url));
const BIN = fileURLToPath(new URL('../packages/cli/bin/holdfast.js', import.meta.url));

let server: ServerProcess;
let client: Holdfast;
let directory: string;

beforeAll(async () => {
  server = await ServerProcess.start({ logLevel: 'silent' });
  client = await connect(server.url);
});

afterAll(async () => {
  await client.close();
  await server.close();
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-readme-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** The shell block below a heading of the README. */
async function block(heading: string): Promise<string> {
  const readme = await readFile(README, 'utf8');
  const section = readme.slice(readme.indexOf(heading));
  const found = /```sh\n([\s\S]*?)```/.exec(section);
  if (!readme.includes(heading) || found?.[1] === undefined)
    throw new Error(`the README has no script under ${heading}`);
  return found[1];
}

/** Runs a script of the README in an empty folder, with the `holdfast` command on its path. */
async function runScript(script: string, url: string): Promise<{ code: number | null; output: string }> {
  await writeFile(join(directory, 'holdfast'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`, {
    mode: 0o755,
  });
  const child = spawn('sh', ['-c', script], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOLDFAST_URL: url, PATH: `${directory}:${process.env['PATH'] ?? ''}` },
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  return { code, output };
}

/** The tokens that the script has written so far, in the order in which it did. */
async function tokensSoFar(): Promise<readonly number[]> {
  const text = await readFile(join(directory, 'tokens'), 'utf8').catch(() => '');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}

async function expectCounted({ code, output }: { code: number | null; output: string }): Promise<void> {
  expect(output).toBe('200\ntokens only grew\n');
  expect(code).toBe(0);
  const tokens = await tokensSoFar();
  expect(tokens).toHaveLength(200);
  expect(tokens.every((token, i) => i === 0 || token > (tokens[i - 1] ?? Infinity))).toBe(true);
}

/** What a server logs when it begins to serve. */
function servingRow(cli: Cli): Readonly<Record<string, unknown>> {
  return cli.rows().find(({ msg }) => msg === 'serving') ?? {};
}

describe('eight processes and one counter', () => {
  test('the script of the README loses no update, and the tokens in its file only grow', async () => {
    await expectCounted(await runScript(await block('### Eight processes, one counter'), server.url));
  }, 300_000);

  test('it goes on across two kills and restarts of the server, and still ends at the exact number', async () => {
    const data = join(directory, 'data');
    const lives: Cli[] = [];
    /** Begins the next life; resolves with its URL. */
    const serve = async (port: number): Promise<string> => {
      const life = new Cli(['serve', '--port', String(port), '--data', data]);
      lives.push(life);
      await life.says('"serving"');
      return String(servingRow(life)['url']);
    };
    try {
      const url = await serve(0);
      const counted = runScript(await block('### Eight processes, one counter'), url);
      for (const lines of [50, 120]) {
        await until(`${lines} have counted`, async () => (await tokensSoFar()).length >= lines, 120_000);
        lives.at(-1)?.kill('SIGKILL');
        await lives.at(-1)?.end();
        // Otherwise it would not have been in the middle.
        expect((await tokensSoFar()).length).toBeLessThan(200);
        await serve(Number(new URL(url).port));
      }
      await expectCounted(await counted);
      expect(lives.map((life) => servingRow(life)['term'])).toEqual([1, 2, 3]);
    } finally {
      for (const life of lives) life.kill('SIGKILL');
    }
  }, 300_000);
});

describe('SIGKILL of a holder', () => {
  const held = (text: string): readonly string[] => [
    'sh',
    '-c',
    `echo ${text} "$HOLDFAST_FENCE" >> "$DIR/order"; ${WAIT}`,
  ];
  const WAIT = 'while [ ! -e "$DIR/go" ]; do sleep 0.02; done';

  test('hands the lock to the next in order, and so does the next one', async () => {
    const key = 'readme/order';
    const env = { DIR: directory, HOLDFAST_URL: server.url };
    const start = (name: string): Cli =>
      new Cli(['run', key, '--timeout', '1s', '--kill-after', '200ms', '--', ...held(name)], env);
    const order = async (): Promise<string[]> =>
      (await readFile(join(directory, 'order'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
    const lines = (count: number): Promise<void> =>
      until(`${count} have held it`, async () => (await order()).length === count);
    const waiting = (count: number): Promise<void> =>
      until(`${count} wait`, async () => (await client.query(key)).waiting === count);

    await using first = start('first');
    await lines(1);
    await using second = start('second');
    await waiting(1);
    await using third = start('third');
    await waiting(2);

    first.kill('SIGKILL');
    await lines(2);
    expect(await order()).toMatchObject([/^first /, /^second /].map((pattern) => expect.stringMatching(pattern)));
    second.kill('SIGKILL');
    await lines(3);
    const names = (await order()).map((line) => line.split(' ')[0]);
    expect(names).toEqual(['first', 'second', 'third']);
    const tokens = (await order()).map((line) => Number(line.split(' ')[1]));
    expect(tokens.toSorted((a, b) => a - b)).toEqual(tokens);

    await writeFile(join(directory, 'go'), '');
    expect((await third.end()).code).toBe(0);
  });
});

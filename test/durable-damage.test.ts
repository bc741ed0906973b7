/**
 * Damaged files, shown to the real server and to `holdfast log inspect`. Every byte and every bit has its turn in the tests of the file engine;
 * here a sample of them goes all the way from the disk to what an operator reads and what clients are told.
 */
import { copyFile, mkdir, open, readdir, rename, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectLog } from '@holdfast/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Churn } from './support/churn.js';
import { holdfast } from './support/cli.js';
import { DurableServer, Scratch } from './support/durable-server.js';
import { RawSession } from './support/raw-session.js';
import { until } from './support/until.js';

const HOLDS = 12;
/** How many of the last records are cut. */
const CUT = 3;

interface FoundRecord {
  readonly offset: number;
  readonly bytes: number;
  /** Acquires of the session in it. */
  readonly requests: readonly number[];
}

let scratch: Scratch;
let original: string;
let session: RawSession;
let segment: string;
let snapshot: string;
let records: readonly FoundRecord[];
let copies = 0;

/** One server has lived here: it took a snapshot, and then a session acquired some keys, one a record. It was killed. */
beforeAll(async () => {
  scratch = await Scratch.make();
  original = join(scratch.path, 'original');
  await using server = await DurableServer.start(original);
  session = await RawSession.open(server.url, 60_000);
  expect(await session.acquire(Array.from({ length: HOLDS }, (_, i) => `before/${i}`))).toEqual([]);
  {
    await using _churn = await Churn.start(server.url);
    await until('a snapshot', async () => (await readdir(original)).some((name) => name.endsWith('.snap')), 60_000);
  }
  for (let i = 0; i < HOLDS; i++) expect(await session.acquire([`after/${i}`])).toEqual([]);
  await server.kill();
  const names = await readdir(original);
  segment = names.findLast((name) => name.startsWith('wal-') && name.endsWith('.log')) ?? '';
  snapshot = names.findLast((name) => name.endsWith('.snap')) ?? '';
  records = await recordsOf(original);
  expect(records.slice(-CUT).map(({ requests }) => requests.length)).toEqual([1, 1, 1]);
});

afterAll(() => scratch[Symbol.asyncDispose]());

async function recordsOf(directory: string): Promise<FoundRecord[]> {
  const found: FoundRecord[] = [];
  for await (const line of inspectLog(directory)) {
    if (line.type !== 'record' || line.file !== segment) continue;
    const commands = line.entries.flatMap((entry) => entry.commands);
    const requests = commands.flatMap((command) =>
      command.type === 'acquire' && command.session === session.session ? [command.request] : [],
    );
    found.push({ offset: line.offset, bytes: line.bytes, requests });
  }
  return found;
}

function record(fromEnd: number): FoundRecord {
  const found = records.at(-fromEnd);
  if (found === undefined) throw new Error(`there is no record ${fromEnd} from the end`);
  return found;
}

/** A copy of the directory, with its own damage. */
async function damaged(damage: (directory: string) => Promise<void>): Promise<string> {
  copies += 1;
  const directory = join(scratch.path, `copy ${copies}`);
  await mkdir(directory);
  for (const name of await readdir(original)) await copyFile(join(original, name), join(directory, name));
  await damage(directory);
  return directory;
}

async function flip(path: string, offset: number, bit: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = new Uint8Array(1);
    expect((await file.read(byte, 0, 1, offset)).bytesRead).toBe(1);
    byte[0] = (byte[0] ?? 0) ^ (1 << bit);
    await file.write(byte, 0, 1, offset);
  } finally {
    await file.close();
  }
}

/** Sound but for its end: the server starts with all but the last `lost` records, and says what it cut off. */
async function expectCut(directory: string, lost: number): Promise<void> {
  const inspected = await holdfast(['log', 'inspect', directory, '--json']);
  expect(inspected.code).toBe(0);
  const left = new Map(session.held);
  for (const { requests } of records.slice(records.length - lost)) for (const request of requests) left.delete(request);
  expect(left.size).toBe(session.held.size - lost);
  await using server = await DurableServer.start(directory);
  const copy = session.twin();
  expect(await copy.resume(server.url)).toEqual(left);
  await copy.client.close();
  expect((await server.stop()).code).toBe(0);
  const after = await holdfast(['log', 'inspect', directory]);
  expect(after.code).toBe(0);
  expect(after.stdout).not.toContain('torn');
}

/** The server does not start, and both it and the inspection name the same file and the same place in it. */
async function expectRefused(directory: string, name: string): Promise<void> {
  const [served, inspected] = await Promise.all([
    holdfast(['serve', '--port', '0', '--data', directory]),
    holdfast(['log', 'inspect', directory, '--json']),
  ]);
  expect({ code: served.code, stdout: served.stdout }).toEqual({ code: 65, stdout: '' });
  expect(inspected.code).toBe(65);
  const lines = inspected.stdout.trimEnd().split('\n');
  const problems = lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ type }) => type === 'problem');
  expect(problems).toMatchObject([{ file: name }]);
  expect(served.stderr).toContain(`${directory}/${name}`);
  const [problem] = problems;
  if (problem?.['kind'] === 'newer-format') expect(served.stderr).toMatch(/later|newer/);
  else expect(served.stderr).toContain(`at byte ${String(problem?.['offset'])}:`);
}

describe.concurrent('a log that is cut off', () => {
  // Before, within the header, after the header and just before the end of each of the last records.
  const places: readonly (readonly [string, (bytes: number) => number])[] = [
    ['at the start', () => 0],
    ['in the header', () => 13],
    ['after the header', () => 32],
    ['before the last byte', (bytes) => bytes - 1],
  ];
  const cuts = [1, 2, 3].flatMap((fromEnd) => places.map(([where, place]) => ({ fromEnd, where, place })));

  test.each(cuts)('($where) of record $fromEnd from the end starts without it', async ({ fromEnd, place }) => {
    const { offset, bytes } = record(fromEnd);
    const directory = await damaged((path) => truncate(join(path, segment), offset + place(bytes)));
    await expectCut(directory, fromEnd);
  });
});

describe.concurrent('a flipped bit', () => {
  test.each([
    ['checksum', 0, 3],
    ['length', 4, 0],
    ['flags', 12, 0],
    ['index', 16, 1],
    ['payload', 40, 5],
  ])('in the %s of the last record costs that record', async (_where, at, bit) => {
    const { offset } = record(1);
    await expectCut(await damaged((path) => flip(join(path, segment), offset + at, bit)), 1);
  });

  test.each([
    ['checksum', 2, 1, 3],
    ['length', 2, 4, 6],
    ['length, beyond the file', 3, 7, 7],
    ['payload', 2, 45, 2],
    ['payload', 7, 60, 7],
  ])('in the %s of the record %i from the end is refused', async (_where, fromEnd, at, bit) => {
    const { offset } = record(fromEnd);
    await expectRefused(await damaged((path) => flip(join(path, segment), offset + at, bit)), segment);
  });

  test.each([
    ['mark', 0],
    ['version', 8],
    ['salt', 13],
    ['first index', 16],
    ['checksum', 30],
  ])('in the %s of a segment is refused', async (_where, at) => {
    await expectRefused(await damaged((path) => flip(join(path, segment), at, 4)), segment);
  });

  test.each([0, 8, 20, 40, 100, 500])('at byte %i of a snapshot is refused', async (at) => {
    await expectRefused(await damaged((path) => flip(join(path, snapshot), at, 2)), snapshot);
  });

  test('in a snapshot costs nothing once it is moved away, while the entries before it are there', async () => {
    const directory = await damaged((path) => flip(join(path, snapshot), 40, 2));
    await expectRefused(directory, snapshot);
    await rename(join(directory, snapshot), join(scratch.path, 'moved away'));
    await using server = await DurableServer.start(directory);
    const copy = session.twin();
    expect(await copy.resume(server.url)).toEqual(session.held);
    await copy.client.close();
    expect((await server.stop()).code).toBe(0);
  });
});

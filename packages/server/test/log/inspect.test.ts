import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type InspectLine, type RecordLine, inspectLog } from '../../src/log/file/inspect.js';
import { appendAll, openLog, range, rowsAt } from './support/file-logs.js';

const FIRST = 'wal-0000000000000001.log';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-inspect-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

async function makeFiles(change: (files: Map<string, Uint8Array>) => void = () => undefined): Promise<void> {
  const { log, disk, term } = await openLog();
  await log.append({
    index: 1,
    term,
    nowMs: 5,
    commands: [
      { type: 'open-session', session: 's', client: 'api', timeoutMs: 1_000, secretHash: 'topsecret-open' },
      { type: 'resume-session', session: 's', proofHash: 'topsecret-proof', secretHash: 'topsecret-next' },
      { type: 'confirm-session', session: 's', secretHash: 'topsecret-next' },
    ],
  });
  await appendAll(log, term, 2, 50);
  await log.saveSnapshot({ index: 30, term, rows: rowsAt(30) });
  await log.close();
  const files = disk.files();
  change(files);
  for (const [name, bytes] of files) writeFileSync(join(directory, name), bytes);
}

async function inspect(): Promise<InspectLine[]> {
  const lines: InspectLine[] = [];
  for await (const line of inspectLog(directory)) lines.push(line);
  return lines;
}

describe('inspecting a log', () => {
  test('names snapshots, segments, records and entries, and sums them up', async () => {
    await makeFiles();
    const lines = await inspect();
    expect(lines[0]).toMatchObject({ type: 'snapshot', index: 30, term: 1, rows: { row: 5 } });
    expect(lines[1]).toEqual({ type: 'segment', file: FIRST, bytes: 2_048, firstIndex: 1 });
    expect(lines[2]).toMatchObject({ type: 'record', offset: 32, bytes: 32, term: 1, firstIndex: 1, entries: [] });
    const records = lines.filter((line): line is RecordLine => line.type === 'record');
    expect(records.flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual(range(1, 50));
    expect(records.at(-1)).toMatchObject({ syncedBefore: true, entries: [{ index: 50, nowMs: 500 }] });
    expect(lines.at(-1)).toEqual({
      type: 'summary',
      segments: 3,
      snapshots: 1,
      records: 51,
      entries: 50,
      firstIndex: 1,
      lastIndex: 50,
      damaged: 0,
    });
  });

  test('shows no hash of a secret', async () => {
    await makeFiles();
    const text = JSON.stringify(await inspect());
    expect(text).not.toContain('topsecret');
    expect(text).toContain('"proofHash":"(hidden)"');
  });

  test('tells a torn end from damage', async () => {
    await makeFiles((files) => {
      const last = [...files.keys()].findLast((name) => name.endsWith('.log'))!;
      const bytes = files.get(last)!;
      const end = bytes.findLastIndex((byte) => byte !== 0);
      bytes[end]! ^= 1;
    });
    const lines = await inspect();
    expect(lines.filter(({ type }) => type === 'problem')).toMatchObject([{ kind: 'torn' }]);
    expect(lines.at(-1)).toMatchObject({ lastIndex: 49, damaged: 0 });
  });

  test('tells of every damage with file and offset, and goes on behind it', async () => {
    await makeFiles((files) => {
      files.get(FIRST)![300]! ^= 1;
      files.get('snapshot-0000000000000030.snap')![60]! ^= 1;
      files.set('wal-0000000000000099.log', Uint8Array.of(1, 2, 3));
    });
    const lines = await inspect();
    expect(lines.filter(({ type }) => type === 'problem')).toMatchObject([
      { file: 'snapshot-0000000000000030.snap', offset: 32, kind: 'damaged' },
      { file: FIRST, kind: 'damaged', message: 'no record with a matching checksum' },
      { kind: 'damaged', offset: 0, message: expect.stringContaining('does not continue') },
      { file: 'wal-0000000000000099.log', offset: 0, kind: 'damaged', message: 'shorter than its header' },
    ]);
    expect(lines.at(-1)).toMatchObject({ lastIndex: 50, damaged: 4 });
  });

  test('tells which entries are missing behind a snapshot', async () => {
    await makeFiles((files) => {
      for (const name of files.keys()) if (name.endsWith('.log')) files.delete(name);
    });
    const problems = (await inspect()).filter(({ type }) => type === 'problem');
    expect(problems).toMatchObject([
      { kind: 'damaged', message: expect.stringContaining('entries from 31 on are missing') },
    ]);
  });

  test('an empty directory has a summary only, and one that is not there rejects', async () => {
    expect(await inspect()).toMatchObject([{ type: 'summary', segments: 0, entries: 0 }]);
    rmSync(directory, { recursive: true });
    await expect(inspect()).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

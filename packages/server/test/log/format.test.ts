/**
 * Data directories of every format that was ever released have to open, or to be refused clearly. `fixtures/format-<n>.json` is a directory as
 * the first version of that format wrote it: the bytes of each file, gzipped, in Base64. It is never made anew.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { VirtualClock } from '../../../testing/src/index.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { FileLog } from '../../src/log/file/file-log.js';
import { inspectLog } from '../../src/log/file/inspect.js';
import { SystemDisk } from '../../src/log/file/system-disk.js';
import { TestNode } from '../support/node.js';

describe('a data directory of format 1', () => {
  let directory = '';

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-format-'));
    const path = join(import.meta.dirname, 'fixtures', 'format-1.json');
    const files: Record<string, string> = JSON.parse(readFileSync(path, 'utf8'));
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(directory, name), gunzipSync(Buffer.from(text, 'base64')));
    }
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('is sound', async () => {
    const kinds: string[] = [];
    for await (const line of inspectLog(directory)) kinds.push(line.type);
    expect(kinds).not.toContain('problem');
    expect(kinds.filter((kind) => kind === 'snapshot')).toHaveLength(2);
  });

  it('opens with everything that was in it, and goes on', async () => {
    const disk = new SystemDisk(directory);
    const log = new FileLog({ disk, clock: systemClock, fsync: 'always', segmentBytes: 4_096 });
    const node = new TestNode({ log, clock: new VirtualClock() });
    await node.start();
    const { machine } = node;
    const sessions = Array.from(machine.sessions(), ({ client, resumable }) => ({ client, resumable }));
    expect(sessions).toEqual([
      { client: 'holder', resumable: true },
      { client: 'plain', resumable: false },
      { client: 'latecomer', resumable: true },
    ]);
    const orders = machine.key('orders/42');
    expect([...(orders?.holders() ?? [])]).toMatchObject([
      { number: 1, mode: 'exclusive', meta: { who: 'tests', host: 'ärmel' } },
    ]);
    expect([...(orders?.queue() ?? [])]).toMatchObject([
      { number: 1, mode: 'shared', wantsPlace: true },
      { number: 2, mode: 'shared' },
    ]);
    expect([...(machine.key('leased')?.holders() ?? [])]).toMatchObject([{ mode: 'shared', number: 2 }]);
    expect(machine.key('leased')?.heldCount).toBe(1);
    expect(machine.nextDueMs).toBeLessThan(Infinity);
    expect(machine.heldCount).toBe(2);
    expect(machine.waitingCount).toBe(2);
    expect(machine.term).toBe(3);
    node.stop();
    await log.close();
  });
});

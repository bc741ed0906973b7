import { describe, expect, it } from 'vitest';
import type { Entry } from '@holdfast/core';
import { ScriptedLog } from '../src/scripted-log.js';

function entry(index: number, nowMs = 0): Entry {
  return { index, term: 1, nowMs, commands: [] };
}

function manual(): ScriptedLog {
  return new ScriptedLog({ failure: (kind) => new Error(kind), automatic: false });
}

async function read(log: ScriptedLog, from: number): Promise<number[]> {
  const found: number[] = [];
  for await (const { index } of log.read(from)) found.push(index);
  return found;
}

describe('a scripted log', () => {
  it('resolves appends in order, when it is told to', async () => {
    const log = manual();
    const done: number[] = [];
    void log.append(entry(1)).then(() => done.push(1));
    void log.append(entry(2)).then(() => done.push(2));
    await Promise.resolve();
    expect(done).toEqual([]);
    log.commit();
    await Promise.resolve();
    expect(done).toEqual([1]);
    log.automatic();
    await log.append(entry(3));
    expect(done).toEqual([1, 2]);
    expect(await read(log, 2)).toEqual([2, 3]);
  });

  it('keeps what landed of appends whose answers were lost', async () => {
    const log = manual();
    const appends = [log.append(entry(1)), log.append(entry(2))];
    log.lose(1);
    await Promise.all(appends.map((append) => expect(append).rejects.toThrow('unknown')));
    expect(await read(log, 1)).toEqual([1]);
    log.automatic();
    await log.append(entry(2));
  });

  it('throws at a caller that leaves a gap, goes back in time, or goes on while an append is in doubt', async () => {
    const log = manual();
    expect(() => log.append(entry(2))).toThrow('does not follow');
    const first = log.append(entry(1, 10));
    expect(() => log.append(entry(2, 9))).toThrow('went back');
    log.lose(0);
    await expect(first).rejects.toThrow('unknown');
    expect(() => log.append(entry(1, 10))).toThrow('in doubt');
  });

  it('throws at a caller that reads while appends are under way', async () => {
    const log = manual();
    const append = log.append(entry(1));
    await expect(read(log, 1)).rejects.toThrow('under way');
    log.miss();
    await expect(append).rejects.toThrow('not-landed');
    expect(await read(log, 1)).toEqual([]);
  });
});

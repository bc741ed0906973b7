import { describe, expect, it } from 'vitest';
import { type RunResult, runSeed } from '../../src/simulator/run.js';
import { Violation } from '../../src/simulator/trace.js';

async function runSeeds(from: number, count: number): Promise<readonly RunResult[]> {
  const results: RunResult[] = [];
  for (let seed = from; seed < from + count; seed++) results.push(await runSeed(seed));
  return results;
}

describe('a simulated run', () => {
  it('gives the same trace for the same seed', { timeout: 60_000 }, async () => {
    const first = await runSeeds(1, 20);
    const second = await runSeeds(1, 20);
    expect(second.map(({ hash }) => hash)).toEqual(first.map(({ hash }) => hash));
    expect(new Set(first.map(({ hash }) => hash)).size).toBe(20);
  });

  it('breaks no rule, and does what it is there for', { timeout: 60_000 }, async () => {
    const results = await runSeeds(101, 30);
    expect(results.filter(({ violation }) => violation !== null)).toEqual([]);
    const seen = new Set(results.flatMap(({ counters }) => Object.keys(counters)));
    for (const name of ['locks got', 'resumes', 'snapshots taken', 'snapshots loaded', 'sessions ended: silent']) {
      expect(seen).toContain(name);
    }
  });

  it('ends with the violation that a checker finds, and the events before it', async () => {
    const { violation } = await runSeed(1, {
      checkers: () => [
        {
          name: 'nobody-gets-anything',
          see: (event) => {
            if (event.type === 'got') throw new Violation('nobody-gets-anything', `client ${event.client} did`);
          },
          finish: () => undefined,
        },
      ],
    });
    expect(violation?.checker).toBe('nobody-gets-anything');
    expect(violation?.events.at(-1)?.type).toBe('got');
  });

  it('ends with a violation when user code fails', async () => {
    const { violation } = await runSeed(1, { workload: () => Promise.reject(new Error('not like this')) });
    expect(violation?.message).toContain('not like this');
  });

  it('ends with a violation when user code does not come to its end', { timeout: 60_000 }, async () => {
    const { violation } = await runSeed(1, { workload: (host) => host.calm.then(() => new Promise(() => undefined)) });
    expect(violation?.checker).toBe('convergence');
  });
});

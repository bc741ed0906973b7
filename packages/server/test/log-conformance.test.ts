/** Every engine keeps the promises of log/port.ts. */
import { describe, expect, test } from 'vitest';
import { type LogAbility, type LogHarness, logCases, missingAbilities } from '../../testing/src/index.js';
import { MemoryLog } from '../src/index.js';
import { directoryHarness, powerHarness } from './support/file-place.js';

/** One object is the place: it is gone with its process, and whoever opens it again fences whoever has it. */
const memory: LogHarness = {
  abilities: ['rivals'],
  place: async () => {
    const log = new MemoryLog({ keepEntries: true });
    return {
      log: () => log,
      suffer: async (accident) => {
        throw new Error(`a log in memory knows no ${accident}`);
      },
      dispose: async () => {},
    };
  },
};

function conformance(harness: LogHarness): void {
  const applicable = logCases.filter(({ needs }) => missingAbilities(needs, harness).length === 0);
  test.each(applicable.map((each) => [each.name, each] as const))('%s', async (_name, { run }) => {
    await expect(run(harness)).resolves.toBeUndefined();
  });
}

/** Why rules were left out, so that none goes missing unseen. */
function leftOut(harness: LogHarness): readonly LogAbility[] {
  return [...new Set(logCases.flatMap(({ needs }) => missingAbilities(needs, harness)))];
}

describe('the memory engine', () => {
  conformance(memory);

  test('has nothing that could outlive a close, and no answers that could be lost', () => {
    expect(leftOut(memory)).toEqual(['restart', 'crash', 'power-cut', 'lost-answer']);
  });
});

describe.each(['always', 'interval', 'never'] as const)('the file engine in a directory, with fsync %s', (fsync) => {
  const directory = directoryHarness(fsync);
  conformance(directory);

  test('has one opener at a time; the power of a real machine is not cut, and its answers are not lost', () => {
    expect(leftOut(directory)).toEqual(['rivals', 'power-cut', 'lost-answer']);
  });
});

describe('the file engine on a disk whose power is cut', () => {
  conformance(powerHarness);

  test('has one opener at a time, and its answers are not lost', () => {
    expect(leftOut(powerHarness)).toEqual(['rivals', 'lost-answer']);
  });
});

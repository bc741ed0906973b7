import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { type Mutant, mutants } from './mutants.js';

const PACKAGES = new URL('../../../', import.meta.url);
const SEEDS_MAX = 5_000;
/** Child processes at a time: each is busy with one core. */
const CHILDREN = 2;
/** All of them together; each test also waits for those before it. */
const TIMEOUT_MS = 900_000;

interface Found {
  readonly seed: number;
  readonly checker: string;
  readonly message: string;
}

const run = promisify(execFile);

/** Runs the simulator with the bug planted; resolves with the first seed at which a checker fires, or null. */
async function search({ file, find, replace }: Mutant): Promise<Found | null> {
  const planted = JSON.stringify({ url: new URL(file, PACKAGES).href, find, replace });
  const register = new URL('support/register.js', import.meta.url).href;
  const script = fileURLToPath(new URL('support/search.js', import.meta.url));
  const { stdout } = await run(process.execPath, ['--import', register, script, '1', String(SEEDS_MAX)], {
    env: { ...process.env, HOLDFAST_PLANTED: planted },
  });
  return JSON.parse(stdout) as Found | null;
}

function occurrences({ file, find }: Mutant): number {
  return readFileSync(new URL(file, PACKAGES), 'utf8').split(find).length - 1;
}

/** Begins searches in the order of the table, so many at a time. */
function searchAll(): ReadonlyMap<string, Promise<Found | null>> {
  const lanes = Array.from({ length: CHILDREN }, (): Promise<unknown> => Promise.resolve());
  const searches = new Map<string, Promise<Found | null>>();
  for (const [index, mutant] of mutants.entries()) {
    const lane = index % CHILDREN;
    const found = (lanes[lane] ?? Promise.resolve()).then(() => (occurrences(mutant) === 1 ? search(mutant) : null));
    // Whoever waits for this search hears of its failure; the next one in the lane begins all the same.
    lanes[lane] = found.catch(() => undefined);
    searches.set(mutant.name, found);
  }
  return searches;
}

describe('a bug in the product is found by a rule that it breaks', () => {
  const searches = searchAll();
  const report: string[] = [];

  afterAll(() => {
    process.stdout.write(`${report.join('\n')}\n`);
  });

  it.each(mutants)(
    '$name',
    async (mutant) => {
      expect(occurrences(mutant), `${mutant.file} has changed: this bug has to be planted anew`).toBe(1);
      const found = await searches.get(mutant.name);
      expect(found, `it survived ${SEEDS_MAX} seeds`).not.toBeNull();
      report.push(`seed ${found?.seed} by ${found?.checker}: ${mutant.name}`);
      expect(mutant.checkers, found?.message).toContain(found?.checker);
    },
    TIMEOUT_MS,
  );

  it('there are no two of one name', () => {
    expect(searches.size).toBe(mutants.length);
  });
});

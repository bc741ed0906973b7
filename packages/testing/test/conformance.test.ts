/** The suite itself: a log that keeps its promises passes all of it, and each broken promise is found. */
import { describe, expect, it } from 'vitest';
import { logCases, missingAbilities } from '../src/index.js';
import { type Flaw, flawedHarness } from './support/flawed-log.js';

/** Every flaw, and words of a case that finds it. */
const FLAWS: Readonly<Record<Flaw, string>> = {
  'terms start again': 'every opening starts a greater term',
  'a term is forgotten in a crash': 'after a crash everything that was acknowledged is there, and the term is greater',
  'a stale entry is taken': 'an entry of an earlier term is refused',
  'a rival goes on': 'an earlier opener is refused once a newer one is open',
  'a gap is taken': 'an index that does not follow has not landed',
  'an index is taken twice': 'an index that does not follow has not landed',
  'a failed append blocks the next': 'a wrong index while others are under way',
  'the newest append resolves first': 'appends resolve in the order in which they were called',
  'a value is lost': 'an entry comes back as it was appended',
  'the entry is changed': 'what was appended is not changed by the engine',
  'an append hangs': 'an entry comes back as it was appended',
  'a reader misses the last entry': 'a reader beside appends',
  'a reader begins one late': 'a read begins at any index',
  'the log is cut at the newest snapshot': 'after a second snapshot the first one can still be read',
  'a cut is not said': 'what older snapshots alone needed',
  'rows are lost': 'a snapshot is loaded row for row',
  'rows change places': 'a snapshot is loaded row for row',
  'a second snapshot changes the first': 'after a second snapshot the first one can still be read',
  'half a snapshot is kept': 'a snapshot whose rows throw',
  'rows are taken in one turn': 'appends are acknowledged while a snapshot is saved',
  'close leaves appends behind': 'close waits for the appends under way',
  'close leaves a snapshot behind': 'close gives up a snapshot under way',
  'acknowledged before durable': 'after a power cut everything that was acknowledged is there',
  'a crash leaves a hole': 'appends that were under way are there from the first to some last one',
  'a snapshot is kept before it is whole': 'a snapshot that was saved is there, and one under way is not',
  'a lost answer is said to be none': 'an append whose answer was lost',
  'a lost answer lands twice': 'an append whose answer was lost',
};

describe('the conformance suite', () => {
  it.each(logCases.map((each) => [each.name, each] as const))('passes a sound log: %s', async (_name, { run }) => {
    await expect(run(flawedHarness(null))).resolves.toBeUndefined();
  });

  it.each(Object.entries(FLAWS))('finds that %s', async (flaw, name) => {
    const cases = logCases.filter((each) => each.name.includes(name));
    expect(cases).not.toEqual([]);
    for (const { run } of cases) await expect(run(flawedHarness(flaw as Flaw))).rejects.toThrow();
  });

  it('says what a harness has not that a case needs', () => {
    const harness = { ...flawedHarness(null), abilities: ['crash'] as const };
    expect(missingAbilities(['restart', 'crash'], harness)).toEqual(['restart']);
    expect(missingAbilities(['crash'], harness)).toEqual([]);
  });

  it('does not begin with an engine that has no second opener', async () => {
    const harness = { ...flawedHarness(null), abilities: [] };
    await expect(logCases[0]?.run(harness)).rejects.toThrow('no second opener');
  });
});

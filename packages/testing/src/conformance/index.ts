/**
 * The conformance suite of the log port. Every engine runs it; one of a third party can, because it needs no test runner:
 *
 *     import { logCases, missingAbilities } from '@holdfast/testing';
 *     const harness = { abilities: ['restart'], place: async () => ({ log: () => new MyLog(…), … }) };
 *     for (const { name, needs, run } of logCases) {
 *       if (missingAbilities(needs, harness).length === 0) test(name, () => run(harness), 60_000);
 *     }
 *
 * The rules are those of packages/server/src/log/port.ts. A case that passes says that the rule held this time; accidents at every step
 * are the business of a simulation.
 */
import type { LogCase } from './case.js';
import { accidentCases } from './cases/accidents.js';
import { appendCases } from './cases/appends.js';
import { closeCases } from './cases/close.js';
import { readCases } from './cases/reads.js';
import { snapshotCases } from './cases/snapshots.js';
import { termCases } from './cases/terms.js';
import type { LogAbility, LogHarness } from './harness.js';

export const logCases: readonly LogCase[] = [
  ...termCases,
  ...appendCases,
  ...readCases,
  ...snapshotCases,
  ...closeCases,
  ...accidentCases,
];

/** What a case needs and this harness has not: the reason why it cannot be run. */
export function missingAbilities(needs: readonly LogAbility[], { abilities }: LogHarness): readonly LogAbility[] {
  return needs.filter((ability) => !abilities.includes(ability));
}

/**
 *     node --import register.js search.js FIRST LAST
 *
 * Runs these seeds one after the other until a checker fires, and prints what fired as one line of JSON, or null when nothing did.
 */
import { runSeed } from '../../../dist/simulator/run.js';

const [first, last] = process.argv.slice(2).map(Number);
let found = null;
for (let seed = first; seed <= last && found === null; seed++) {
  const { violation } = await runSeed(seed);
  if (violation !== null) found = { seed, checker: violation.checker, message: violation.message };
}
process.stdout.write(`${JSON.stringify(found)}\n`);

#!/usr/bin/env node
/**
 * Counts a test run from vitest's own JSON report.
 *
 *     node tools/summary.js REPORT.json [EXIT_CODE]
 *
 * Prints one line, `N passed, N failed` (and `, N skipped` if there are any), and exits with 1 when anything failed,
 * when nothing ran, when the report cannot be read, or when EXIT_CODE, the runner's own, is not 0.
 */
import { readFileSync } from 'node:fs';

const SKIPPED = new Set(['pending', 'skipped', 'todo', 'disabled']);

const [path, exitCode = '0'] = process.argv.slice(2);
const { passed, failed, skipped, remarks } = count(path, exitCode);
for (const remark of remarks) console.log(`summary: ${remark}`);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
if (failed > 0) process.exitCode = 1;

/** @returns {{ passed: number, failed: number, skipped: number, remarks: string[] }} */
function count(reportPath, runnerExitCode) {
  const counts = { passed: 0, failed: 0, skipped: 0, remarks: [] };
  const fault = (remark) => {
    counts.failed++;
    counts.remarks.push(remark);
  };

  let files;
  try {
    files = JSON.parse(readFileSync(reportPath, 'utf8')).testResults;
    if (!Array.isArray(files)) throw new Error('it has no testResults');
  } catch (error) {
    fault(`the report cannot be read: ${error.message}`);
    return counts;
  }

  for (const { name, status, assertionResults, message } of files) {
    let failedHere = 0;
    for (const test of assertionResults) {
      if (test.status === 'passed') counts.passed++;
      else if (SKIPPED.has(test.status)) counts.skipped++;
      else failedHere++;
    }
    counts.failed += failedHere;
    // A file that could not be loaded, or whose hook failed, has no failed test of its own.
    if (status === 'failed' && failedHere === 0) fault(`${name.split('/').slice(-3).join('/')}: ${message}`);
  }
  if (counts.passed + counts.failed === 0) fault('no test ran');
  if (runnerExitCode !== '0' && counts.failed === 0) {
    fault(`the runner ended with exit code ${runnerExitCode} without a failed test`);
  }
  return counts;
}

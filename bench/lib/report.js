import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, formatSpread } from './stats.js';

/**
 * Whether a row meets its target; null when it has none.
 * @param {{ target?: { bound: string, value: number, of?: string } | null, rate: Spread, ratio?: Spread | null }} row
 *
 * @typedef {{ median: number, min: number, max: number }} Spread
 */
export function verdict({ target, rate, ratio }) {
  if (!target) return null;
  const value = (target.of === 'rate' ? rate : ratio).median;
  return target.bound === 'at least' ? value >= target.value : value <= target.value;
}

/**
 * One case as a table of Markdown.
 * @param {{ name: string, title: string, unit: string, ratioOf: string | null, rows: any[] }} result
 */
export function caseTable(result) {
  const lines = [
    `## ${result.name}`,
    '',
    `${result.title}.`,
    '',
    `| | median (min to max) | ratio${result.ratioOf ? ` (${result.ratioOf})` : ''} | target | |`,
    '| --- | --- | --- | --- | --- |',
  ];
  for (const row of result.rows) {
    const met = verdict(row);
    const cells = [
      row.name,
      `${formatSpread(row.rate)} ${row.unit ?? result.unit}`,
      row.ratio ? formatSpread(row.ratio) : '',
      row.target ? `${row.target.bound} ${format(row.target.value)}` : '',
      met === null ? '' : met ? 'met' : 'missed',
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

/**
 * The whole run as Markdown.
 * @param {{ date: string, commit: string, changed: boolean, machine: ReturnType<typeof import('./machine.js').machineFacts> & { pinned: boolean }, options: any, results: any[] }} run
 */
function markdown({ date, commit, changed, machine, options, results }) {
  const state = changed ? `${commit} with changes that are not committed` : commit;
  return `${[
    '# Measurements',
    `${date}, commit ${state}.`,
    `${machine.cores} cores (${machine.processor}), ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}, ws ${machine.ws}; load before: ${machine.load}.`,
    `Servers and loads are processes of their own on this machine, ${machine.pinned ? 'their main threads on a core each' : 'wherever the scheduler puts them (rounds are less comparable)'}. ${options.rounds} rounds of ${options.seconds} s each, the subjects by turns; a ratio is that of a round to the baseline measured before and after it, and the median of those is shown.`,
    ...results.map(caseTable),
  ].join('\n\n')}\n`;
}

/**
 * Writes <date>-<commit>.md and .json, and latest.md when nothing was left out.
 * @param {string} folder
 * @param {Parameters<typeof markdown>[0]} run
 * @param {boolean} complete
 */
export function save(folder, run, complete) {
  mkdirSync(folder, { recursive: true });
  const name = `${run.date}-${run.commit}`;
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(run, null, 2)}\n`);
  writeFileSync(join(folder, `${name}.md`), markdown(run));
  if (complete) writeFileSync(join(folder, 'latest.md'), markdown(run));
  return name;
}

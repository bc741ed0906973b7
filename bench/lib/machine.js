import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, platform, release, totalmem } from 'node:os';

/**
 * What one has to know to judge a figure. No host name and no path: results are published.
 * @returns {{ cores: number, processor: string, memoryGb: number, system: string, node: string, ws: string, load: string }}
 */
export function machineFacts() {
  const processors = cpus();
  return {
    cores: processors.length,
    processor: processors[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.version,
    ws: versionOf('ws'),
    load: loadavg()
      .map((value) => value.toFixed(2))
      .join(' '),
  };
}

/**
 * The commit that is measured, and whether anything but it was.
 * @returns {{ commit: string, changed: boolean }}
 */
export function commitFacts() {
  const git = (...words) => execFileSync('git', words, { encoding: 'utf8', cwd: import.meta.dirname }).trim();
  try {
    const measured = ['../../packages', '../../pnpm-lock.yaml', '..', ':(exclude)../results'];
    const changed = git('status', '--porcelain', '--', ...measured) !== '';
    return { commit: git('rev-parse', '--short', 'HEAD'), changed };
  } catch {
    // An export of the sources without their history can be measured as well.
    return { commit: 'unknown', changed: true };
  }
}

function versionOf(name) {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { HELP, main } from '../../src/simulator/command.js';

async function run(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const texts = { out: '', err: '' };
  const code = await main(args, {
    out: (text) => {
      texts.out += text;
    },
    err: (text) => {
      texts.err += text;
    },
  });
  return { code, ...texts };
}

describe('the command', () => {
  it('prints its help', async () => {
    expect(await run('--help')).toEqual({ code: 0, out: HELP, err: '' });
  });

  it.each([
    ['--seeds', 'many'],
    ['--seeds', '0'],
    ['--seed', '-1'],
    ['--seed', '1', '--seeds', '2'],
    ['--trace'],
    ['--sede', '1'],
    ['1'],
  ])('refuses %s %s and says where help is', async (...args) => {
    const { code, out, err } = await run(...args);
    expect(code).toBe(64);
    expect(out).toBe('');
    expect(err).toMatch(/^sim: .+\nTry: pnpm sim --help\n$/s);
  });

  it('prints what a seed has drawn before anything else, then its trace, then its hash', async () => {
    const { code, out } = await run('--seed', '3', '--trace');
    expect(code).toBe(0);
    expect(out).toMatch(/^seed 3\nparameters \{\n/);
    expect(out.indexOf('"type":"client-started"')).toBeGreaterThan(out.indexOf('"faults"'));
    expect(out).toMatch(/\ntrace hash [0-9a-f]{64}\n/);
  });

  it(
    'runs many seeds in child processes, and their number does not change what comes out',
    { timeout: 60_000 },
    async () => {
      const bin = fileURLToPath(new URL('../../bin/sim.js', import.meta.url));
      const hashes: (string | undefined)[] = [];
      for (const workers of ['1', '2']) {
        const { stdout } = await promisify(execFile)(process.execPath, [bin, '--seeds', '30', '--workers', workers]);
        expect(stdout).toContain('30 of 30 seeds');
        expect(stdout).toContain('no violation');
        hashes.push(/hash over all traces ([0-9a-f]{64})/.exec(stdout)?.[1]);
      }
      expect(hashes[0]).toBeDefined();
      expect(hashes[1]).toBe(hashes[0]);
    },
  );
});

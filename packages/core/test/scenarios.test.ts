import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runScenario } from './scenario.js';

const FOLDER = join(import.meta.dirname, 'scenarios');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));

describe('scenarios', () => {
  it('are all there', () => {
    expect(FILES.length).toBeGreaterThanOrEqual(14);
  });

  // A script holds its own expectation: run with --update, a change of behaviour is a difference to read.
  for (const name of FILES) {
    it(`${name.replace('.txt', '').replaceAll('-', ' ')} goes as written`, async () => {
      const path = join(FOLDER, name);
      await expect(runScenario(readFileSync(path, 'utf8'))).toMatchFileSnapshot(path);
    });
  }
});

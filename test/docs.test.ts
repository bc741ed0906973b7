/** Documents that must not drift from the code. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ENDED_RETRY, ERROR_RETRY } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';

const text = (name: string): string => readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), 'utf8');
const codes: readonly (readonly [string, string])[] = [...Object.entries(ERROR_RETRY), ...Object.entries(ENDED_RETRY)];

describe('every code of the protocol', () => {
  it.each(codes)('%s has its row in PROTOCOL.md, with its retry class', (code, retry) => {
    const rows = text('PROTOCOL.md')
      .split('\n')
      .filter((line) => line.startsWith('|') && line.split('|')[1]?.includes(`\`${code}\``) === true);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.split('|')[3]?.trim()).toMatch(new RegExp(`^${retry}`));
  });

  it.each(codes)('%s has its heading in docs/errors.md', (code) => {
    expect(text('docs/errors.md')).toContain(`\n### ${code}\n`);
  });
});

describe('links between documents', () => {
  const documents = [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'PROTOCOL.md',
    'bench/README.md',
    'docs/guarantees.md',
    'docs/errors.md',
    'docs/limits.md',
    'docs/operations.md',
  ];

  it.each(documents)('%s links to what is there', (name) => {
    const links = [...text(name).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? '');
    for (const link of links) {
      const url = new URL(link, new URL(`../${name}`, import.meta.url));
      expect(() => readFileSync(url), link).not.toThrow(/ENOENT/);
    }
  });
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PACKAGE = join(import.meta.dirname, '..');
const SOURCES = join(PACKAGE, 'src');
const COMPILER = join(PACKAGE, '../../node_modules/typescript/bin/tsc');

describe('core compiles', () => {
  let folder = '';

  beforeAll(() => {
    // Inside the package, so that a module is found here exactly when a source of core would find it. dist is not under version control.
    mkdirSync(join(PACKAGE, 'dist'), { recursive: true });
    folder = mkdtempSync(join(PACKAGE, 'dist', 'purity-'));
    mkdirSync(join(folder, 'src'));
    const options = { composite: false, noEmit: true, tsBuildInfoFile: null };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: '../../tsconfig.json', compilerOptions: options }),
    );
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function compile(source: string): string {
    writeFileSync(join(folder, 'src', 'fixture.ts'), source);
    try {
      return execFileSync(process.execPath, [COMPILER, '-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
    } catch (error) {
      return (error as { stdout: string }).stdout;
    }
  }

  it('a source that keeps to the language', () => {
    expect(compile('export const size: number = new Map<string, number>([["a", 1]]).size;')).toBe('');
  });

  for (const [what, source, code] of [
    ['an import of Node for its effect', "import 'node:fs';", 'TS2882'],
    ['an import from Node', "import { readFileSync } from 'node:fs'; readFileSync('x');", 'TS2591'],
    ['an import of the protocol for its effect', "import '@holdfast/protocol';", 'TS2882'],
    ['an import from the protocol', "import { decode } from '@holdfast/protocol'; decode();", 'TS2307'],
    ['a timer', 'setTimeout(() => undefined, 1);', 'TS2304'],
    ['an immediate', 'setImmediate(() => undefined);', 'TS2304'],
    ['a microtask', 'queueMicrotask(() => undefined);', 'TS2304'],
    ['the console', "console.log('x');", 'TS2584'],
    ['a monotonic clock', 'performance.now();', 'TS2304'],
    ['the process', 'process.hrtime();', 'TS2591'],
    ['random bytes', 'crypto.randomUUID();', 'TS2304'],
    ['the network', "fetch('http://localhost');", 'TS2304'],
  ] as const) {
    it(`not with ${what}`, () => {
      expect(compile(`${source}\nexport {};\n`)).toMatch(new RegExp(`fixture\\.ts\\(1,\\d+\\): error ${code}:`));
    });
  }
});

describe('the sources of core', () => {
  const files = readdirSync(SOURCES).map((name) => ({ name, text: withoutComments(join(SOURCES, name)) }));

  it('are all looked at', () => {
    expect(files.length).toBeGreaterThanOrEqual(15);
  });

  it('import each other and nothing else', () => {
    const specifiers = files.flatMap(({ text }) =>
      Array.from(text.matchAll(/(?:\bfrom|\bimport|\brequire)\s*\(?\s*(['"`][^'"`]*['"`])/g), (match) => match[1]!),
    );
    expect(specifiers.length).toBeGreaterThan(30);
    expect(specifiers.filter((specifier) => !/^'\.\/[a-z-]+\.js'$/.test(specifier))).toEqual([]);
  });

  // What the language itself offers and the compiler cannot refuse.
  for (const word of [
    'Date',
    'Math.random',
    'Promise',
    'async',
    'await',
    'globalThis',
    'eval',
    'Intl',
    'localeCompare',
  ]) {
    it(`do not say ${word}`, () => {
      const pattern = new RegExp(`\\b${word.replace('.', '\\.')}\\b`);
      expect(files.filter(({ text }) => pattern.test(text)).map(({ name }) => name)).toEqual([]);
    });
  }
});

describe('the package', () => {
  it('depends on nothing', () => {
    const manifest: Record<string, unknown> = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
    for (const field of ['dependencies', 'peerDependencies', 'optionalDependencies', 'devDependencies']) {
      expect(manifest[field]).toBeUndefined();
    }
  });
});

function withoutComments(path: string): string {
  return readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}

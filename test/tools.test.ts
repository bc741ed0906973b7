import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const TOOLS = fileURLToPath(new URL('../tools/', import.meta.url));
const CORE = 'packages/core/src/a.ts';
const SERVER = 'packages/server/src';
const CLIENT = 'packages/client/src';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-tools-'));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function write(path: string, text: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function run(tool: string): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(TOOLS, tool), root], { encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}

describe('arrows', () => {
  it.each([
    ['core imports nothing of npm', CORE, `import { x } from 'x';`, 'core imports nothing'],
    ['core imports nothing of Node', CORE, `import { join } from 'node:path';`, 'core imports nothing'],
    ['core imports no sibling', CORE, `import type { T } from '@holdfast/protocol';`, 'core imports nothing'],
    ['core reaches into no sibling', CORE, `import '../../protocol/src/b.js';`, 'by its name, never by a path'],
    ['protocol imports nothing', 'packages/protocol/src/a.ts', `import '@holdfast/core';`, 'protocol imports nothing'],
    ['client does not use core', `${CLIENT}/a.ts`, `import '@holdfast/core';`, 'client uses protocol only'],
    ['client does not use server', `${CLIENT}/a.ts`, `import '@holdfast/server';`, 'client uses protocol only'],
    ['client does not use other packages', `${CLIENT}/a.ts`, `import 'x';`, 'client uses protocol only'],
    ['client uses Node in its own files only', `${CLIENT}/a.ts`, `import 'node:fs';`, 'the client runs in browsers'],
    ['client uses ws in one file only', `${CLIENT}/ws-browser.ts`, `import 'ws';`, 'ws is adapted in'],
    [
      'server does not use client',
      `${SERVER}/a.ts`,
      `import '@holdfast/client';`,
      'server uses core and protocol only',
    ],
    ['server uses ws in one file only', `${SERVER}/connection/a.ts`, `import 'ws';`, 'ws is adapted in'],
    ['server uses pino in one file only', `${SERVER}/a.ts`, `import 'pino';`, 'pino is adapted in'],
    ['the log does not use sessions', `${SERVER}/log/a.ts`, `import '../session/b.js';`, 'the log knows nothing'],
    ['the log does not use delivery', `${SERVER}/log/x/a.ts`, `import '../../delivery/b.js';`, 'the log knows nothing'],
    ['the log does not use connections', `${SERVER}/log/a.ts`, `import '../connection/b.js';`, 'the log knows nothing'],
    ['sessions do not use the log', `${SERVER}/session/a.ts`, `import '../log/b.js';`, 'know nothing of the log'],
    ['delivery does not use the log', `${SERVER}/delivery/a.ts`, `import '../log/b.js';`, 'know nothing of the log'],
    ['msgpackr has no adapter', `${SERVER}/a.ts`, `import 'msgpackr';`, 'msgpackr has no adapter yet'],
    ['ioredis has no adapter', `${SERVER}/log/a.ts`, `import 'ioredis';`, 'ioredis has no adapter yet'],
    ['an etcd client has no adapter', `${SERVER}/log/a.ts`, `import 'etcd3';`, 'etcd3 has no adapter yet'],
    ['a gRPC client has no adapter', `${SERVER}/a.ts`, `import '@grpc/grpc-js';`, 'has no adapter yet'],
    ['cli uses few packages', 'packages/cli/src/a.ts', `import '@holdfast/core';`, 'cli uses client, server and'],
    [
      'cli uses the server for serve and its log only',
      'packages/cli/src/run.ts',
      `import '@holdfast/server';`,
      'for serve and for looking at its log only',
    ],
    ['testing does not use cli', 'packages/testing/src/a.ts', `import '@holdfast/cli';`, 'testing drives the product'],
    ['production does not use testing', `${SERVER}/a.ts`, `import '@holdfast/testing';`, 'what is there for tests'],
    ['production does not use tests', `${SERVER}/a.ts`, `import '../test/b.js';`, 'what is there for tests'],
    ['production does not use vitest', `${SERVER}/a.ts`, `import 'vitest';`, 'what is there for tests'],
    ['core is tested alone', 'packages/core/test/a.test.ts', `import '@holdfast/server';`, 'tested without the rest'],
    ['client is tested alone', 'packages/client/test/a.ts', `import '../../server/src/a.js';`, 'tested in test/'],
    ['bench uses what is public', 'bench/a.js', `import '../packages/server/src/a.js';`, 'what a user can import'],
    ['public names are listed', `${SERVER}/index.ts`, `export * from './a.js';`, 'no `export *`'],
    ['a computed import is refused', `${SERVER}/a.ts`, `await import(name);`, 'computed at run time'],
  ])('%s', (_title, file, text, why) => {
    write(file, `/** A first line. */\n${text}\n`);
    const { code, output } = run('arrows.js');
    expect(output).toContain(`${file}:2: `);
    expect(output).toContain(why);
    expect(code).toBe(1);
  });

  it.each([
    ['static', `import {\n  x,\n} from '@holdfast/server';`],
    ['side effect', `import '@holdfast/server';`],
    ['type', `import type { X } from '@holdfast/server';`],
    ['re-export', `export { x } from '@holdfast/server';`],
    ['type re-export', `export type { X } from '@holdfast/server';`],
    ['named star', `export * as x from '@holdfast/server';`],
    ['dynamic', `const x = await import('@holdfast/server');`],
    ['dynamic template', 'const x = await import(`@holdfast/server`);'],
    ['type query', `type X = import('@holdfast/server').X;`],
    ['require', `const x = require('@holdfast/server');`],
    ['after a regular expression with a quote', `const x = /['"\`]/;\nimport '@holdfast/server';`],
    ['after a template with a quote', 'const x = `it\'s ${"`"} here`;\nimport "@holdfast/server";'],
  ])('an import is found in the shape: %s', (_title, text) => {
    write(CORE, text);
    const { code, output } = run('arrows.js');
    expect(output).toContain('@holdfast/server: core imports nothing');
    expect(code).toBe(1);
  });

  it.each([
    ['a comment', `// import '@holdfast/server';\n/* import 'x'; */`],
    ['a string', `export const x = "import '@holdfast/server'";`],
    ['a template', 'export const x = `import "@holdfast/server" ${1} import "x"`;'],
    ['a list of own names', `const from = 1;\nexport { from };\nexport const x = 'x';`],
    ['a relative import', `import { x } from './b.js';\nexport { x };`],
  ])('no import is seen in %s', (_title, text) => {
    write(CORE, text);
    expect(run('arrows.js')).toEqual({ code: 0, output: expect.stringContaining(' 0 violations') });
  });

  it('what the design allows passes', () => {
    write(`${CLIENT}/ws-node.ts`, `import { WebSocket } from 'ws';\nimport 'node:net';\nimport '@holdfast/protocol';`);
    write(`${SERVER}/connection/websocket.ts`, `import { WebSocketServer } from 'ws';`);
    write(`${SERVER}/sequencer.ts`, `import './log/port.js';\nimport './session/a.js';\nimport '@holdfast/core';`);
    write('packages/cli/src/serve.ts', `import { startServer } from '@holdfast/server';`);
    write('packages/cli/bin/holdfast.js', `import '../dist/main.js';`);
    write('test/a.test.ts', `import '@holdfast/testing';\nimport '../packages/server/src/a.js';`);
    write('packages/server/package.json', '{ "dependencies": { "@holdfast/core": "workspace:^" } }');
    expect(run('arrows.js')).toEqual({ code: 0, output: expect.stringContaining(' 0 violations') });
  });

  it.each([
    ['a dependency', 'core/package.json', '{\n"dependencies": { "x": "1" } }', 'core must not depend on it'],
    ['a peer', 'client/package.json', '{\n"peerDependencies": { "@holdfast/server": "1" } }', 'must not depend on it'],
    ['an optional one', 'client/package.json', '{\n"optionalDependencies": { "x": "1" } }', 'must not depend on it'],
    [
      'for tests',
      'protocol/package.json',
      '{\n"devDependencies": { "@holdfast/core": "1" } }',
      'not be developed with',
    ],
    ['a new package', 'other/package.json', '{\n"name": "other" }', 'has no row in tools/arrows.js'],
  ])('a manifest draws arrows: %s', (_title, file, text, why) => {
    write(CORE, '');
    write(`packages/${file}`, text);
    const { code, output } = run('arrows.js');
    expect(output).toContain(`packages/${file}:2: `);
    expect(output).toContain(why);
    expect(code).toBe(1);
  });

  it('a project reference draws an arrow', () => {
    write(CORE, '');
    write('packages/core/package.json', '{}');
    write('packages/core/tsconfig.json', '{\n"references": [{ "path": "../server" }] }');
    const { code, output } = run('arrows.js');
    expect(output).toContain('packages/core/tsconfig.json:2: ../server: core must not refer to it');
    expect(code).toBe(1);
  });
});

describe('words', () => {
  it.each([
    ['a promise in core', CORE, 'export async function f() {}', 'the machine is a pure fold'],
    ['waiting in core', CORE, 'export const x = await y;', 'the machine is a pure fold'],
    ['the present in server', `${SERVER}/a.ts`, 'export const x = new Date();', 'comes from the clock'],
    ['the present in client', `${CLIENT}/x/a.ts`, 'export const x = new Date();', 'comes from the clock'],
  ])('%s is refused', (_title, file, text, why) => {
    write(file, `// one line\n${text}\n`);
    const { code, output } = run('words.js');
    expect(output).toContain(`${file}:2: `);
    expect(output).toContain(why);
    expect(code).toBe(1);
  });

  it('a clock may read the present, a comment may speak of it, a moment may be made from a number', () => {
    write(`${SERVER}/clock.ts`, 'export const x = new Date();');
    write(CORE, '// async and await\nexport const x = "await";');
    write(`${SERVER}/a.ts`, 'export const x = new Date(y);');
    expect(run('words.js')).toEqual({ code: 0, output: 'words: 3 sources, 0 violations\n' });
  });
});

describe('sizes', () => {
  it('a source of 400 lines passes with a hint, one of 401 is refused', () => {
    write(CORE, 'x;\n'.repeat(400));
    expect(run('sizes.js')).toEqual({ code: 0, output: expect.stringContaining(`${CORE}: 400 lines`) });
    write('bench/cases/a.js', 'x;\n'.repeat(401));
    const { code, output } = run('sizes.js');
    expect(output).toContain('bench/cases/a.js: 401 lines, at most 400');
    expect(code).toBe(1);
  });

  it.each(['packages/core/test/a.test.ts', 'packages/core/test/support/a.ts', 'test/a.test.ts', 'test/support/a.ts'])(
    'tests and their helpers are held to the same maximum: %s',
    (file) => {
      write(file, 'x;\n'.repeat(401));
      const { code, output } = run('sizes.js');
      expect(output).toContain(`${file}: 401 lines, at most 400`);
      expect(code).toBe(1);
    },
  );
});

describe('summary', () => {
  const file = (name: string, status: string, ...tests: string[]) => ({
    name,
    status,
    message: 'why',
    assertionResults: tests.map((each) => ({ status: each })),
  });

  function summarize(text: string, exitCode: string): { code: number | null; lines: string[] } {
    write('report.json', text);
    const options = { encoding: 'utf8' } as const;
    const path = join(root, 'report.json');
    const { status, stdout } = spawnSync(process.execPath, [join(TOOLS, 'summary.js'), path, exitCode], options);
    return { code: status, lines: stdout.trim().split('\n') };
  }

  it.each([
    ['all passed', [file('a', 'passed', 'passed', 'passed')], '0', 0, '2 passed, 0 failed'],
    ['some skipped', [file('a', 'passed', 'passed', 'skipped', 'todo')], '0', 0, '1 passed, 0 failed, 2 skipped'],
    ['one failed', [file('a', 'failed', 'passed', 'failed')], '1', 1, '1 passed, 1 failed'],
    ['a file not loaded', [file('a', 'failed'), file('b', 'passed', 'passed')], '1', 1, '1 passed, 1 failed'],
    ['nothing ran', [], '0', 1, '0 passed, 1 failed'],
    ['all skipped', [file('a', 'passed', 'skipped')], '0', 1, '0 passed, 1 failed, 1 skipped'],
    ['the runner failed', [file('a', 'passed', 'passed')], '1', 1, '1 passed, 1 failed'],
  ])('%s', (_title, testResults, exitCode, code, last) => {
    const summary = summarize(JSON.stringify({ testResults }), exitCode);
    expect(summary.lines.at(-1)).toBe(last);
    expect(summary.code).toBe(code);
  });

  it.each(['', '{}', 'no JSON'])('a report that cannot be read is a failure: "%s"', (text) => {
    const { code, lines } = summarize(text, '0');
    expect(lines.at(-1)).toBe('0 passed, 1 failed');
    expect(code).toBe(1);
  });
});

it.each(['arrows.js', 'words.js', 'sizes.js'])('%s refuses to check nothing', (tool) => {
  const { code, output } = run(tool);
  expect(output).toContain('a check of nothing is no check');
  expect(code).toBe(1);
});

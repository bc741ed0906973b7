#!/usr/bin/env node
/**
 * The arrows that must never be (who may import whom), checked in the sources and in the manifests.
 *
 *     node tools/arrows.js [ROOT]        prints each violation as file:line and its rule; exit code 1 if there is one
 *
 * A target is written as a path below the root (`packages/core/src/…`, also for `@holdfast/core`, which is
 * `packages/core`), as `node:…`, or as the name of an npm package.
 */
import { checkManifests, checkSources } from './lib/arrows.js';

const SOURCES = ['packages/*/{src,test,bin}/**/*.{ts,js}', '{test,bench,checks,examples}/**/*.{ts,js}'];

/** What the files of a folder may import besides their own package's sources; everything else is a violation. */
const ONLY = [
  { from: 'packages/core/src/**', may: [], why: 'core imports nothing' },
  { from: 'packages/protocol/src/**', may: [], why: 'protocol imports nothing' },
  {
    from: 'packages/client/src/**',
    may: ['packages/protocol', 'ws', 'node:*', '#*'],
    why: 'client uses protocol only',
  },
  {
    from: 'packages/server/src/**',
    may: ['packages/core', 'packages/protocol', 'ws', 'pino', 'node:*'],
    why: 'server uses core and protocol only',
  },
  {
    from: 'packages/cli/{src,bin}/**',
    may: [
      'packages/client',
      'packages/server',
      'commander',
      '@commander-js/extra-typings',
      'node:*',
      'packages/cli/**',
    ],
    why: 'cli uses client, server and commander only',
  },
  {
    from: 'packages/testing/src/**',
    may: ['packages/client', 'packages/core', 'packages/protocol', 'packages/server', 'node:*'],
    why: 'testing drives the product: client, server, core and protocol',
  },
];

/** Arrows that are forbidden whatever else is allowed. `except` names the files that may all the same. */
const NEVER = [
  {
    from: 'packages/{core,protocol,client,server,cli}/src/**',
    to: [
      'packages/testing',
      'packages/testing/**',
      'packages/*/test/**',
      'test/**',
      'bench/**',
      'vitest',
      'fast-check',
    ],
    why: 'production code never imports what is there for tests',
  },
  {
    from: 'packages/server/src/log/**',
    to: ['packages/server/src/{session,delivery,connection}/**'],
    why: 'the log knows nothing of sessions, delivery or connections',
  },
  {
    from: 'packages/server/src/{session,delivery}/**',
    to: ['packages/server/src/log/**'],
    why: 'sessions and delivery know nothing of the log',
  },
  {
    from: 'packages/client/src/**',
    to: ['node:*'],
    except: ['packages/client/src/**/*-node.ts'],
    why: 'the client runs in browsers: Node is for its *-node.ts files only',
  },
  {
    from: 'packages/cli/src/**',
    to: ['packages/server'],
    except: ['packages/cli/src/**/serve*.ts', 'packages/cli/src/commands/log.ts', 'packages/cli/src/inspect-lines.ts'],
    why: 'in cli, server is for serve and for looking at its log only',
  },
  {
    from: 'packages/core/test/**',
    to: ['packages/{protocol,client,server,cli}', 'packages/{protocol,client,server,cli}/**'],
    why: 'core is tested without the rest',
  },
  {
    from: 'packages/{protocol,client}/test/**',
    to: ['packages/{core,server,cli}', 'packages/{core,server,cli}/**'],
    why: 'protocol and client know nothing of core and server; what crosses packages is tested in test/',
  },
  {
    from: '{bench,examples}/**',
    to: ['packages/*/src/**', 'packages/*/dist/**', 'packages/*/test/**', 'packages/testing', 'test/**'],
    why: 'bench and examples use what a user can import',
  },
];

/** npm packages that one file adapts for everybody else. An empty list: nobody may, until its adapter has a row here. */
const ADAPTERS = [
  { module: 'ws', files: ['packages/server/src/connection/websocket.ts', 'packages/client/src/ws-node.ts'] },
  { module: 'pino', files: ['packages/server/src/logger.ts'] },
  { module: 'msgpackr', files: [] },
  { module: 'ioredis', files: [] },
  { module: 'etcd3', files: [] },
  { module: '@grpc/*', files: [] },
];

/** What a package's manifest and its tsconfig may name. `develop` is allowed in devDependencies as well. */
const MANIFESTS = [
  { package: 'core', uses: [], develop: ['@holdfast/testing'] },
  { package: 'protocol', uses: [], develop: ['@holdfast/testing'] },
  { package: 'client', uses: ['@holdfast/protocol', 'ws'], develop: ['@holdfast/testing'] },
  {
    package: 'server',
    uses: ['@holdfast/core', '@holdfast/protocol', 'pino', 'ws'],
    develop: ['@holdfast/testing', '@holdfast/client'],
  },
  {
    package: 'cli',
    uses: ['@holdfast/client', '@holdfast/server', 'commander', '@commander-js/extra-typings'],
    develop: ['@holdfast/testing', '@holdfast/protocol'],
  },
  {
    package: 'testing',
    uses: ['@holdfast/client', '@holdfast/core', '@holdfast/protocol', '@holdfast/server'],
    develop: [],
  },
];

const root = process.argv[2] ?? '.';
const table = { sources: SOURCES, only: ONLY, never: NEVER, adapters: ADAPTERS, manifests: MANIFESTS };
const sources = checkSources(root, table);
const manifests = checkManifests(root, table);
const violations = [...sources.violations, ...manifests.violations];
for (const { file, line, what, why } of violations) console.error(`${file}:${line}: ${what}: ${why}`);
console.log(
  `arrows: ${sources.files} sources, ${sources.arrows} arrows, ${manifests.files} manifests, ${violations.length} violations`,
);
if (sources.files === 0) {
  console.error(`arrows: no source found below ${root}; a check of nothing is no check`);
  process.exitCode = 1;
}
if (violations.length > 0) process.exitCode = 1;

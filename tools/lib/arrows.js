import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { listFiles, matches, readText } from './files.js';
import { findImports } from './imports.js';

/**
 * @typedef {object} Violation
 * @property {string} file path below the root
 * @property {number} line counted from 1
 * @property {string} what the arrow
 * @property {string} why the rule
 */

const SCOPE = '@holdfast/';

/**
 * Checks every import of the sources against the table of tools/arrows.js.
 * @param {string} root
 * @param {{ sources: string[], only: any[], never: any[], adapters: any[] }} table
 * @returns {{ files: number, arrows: number, violations: Violation[] }}
 */
export function checkSources(root, table) {
  const files = listFiles(root, table.sources);
  const violations = [];
  let arrows = 0;
  for (const file of files) {
    for (const { specifier, line, everything } of findImports(readText(root, file))) {
      arrows++;
      const report = (why) => violations.push({ file, line, what: specifier ?? 'import(…)', why });
      if (specifier === null) {
        if (isProduction(file)) report('what is computed at run time cannot be checked');
        continue;
      }
      if (everything && isProduction(file)) report('public names are listed by hand, no `export *`');
      const target = targetOf(file, specifier);
      for (const why of broken(file, target, table)) report(why);
      const leaves = specifier.startsWith('.') && packageOf(target) !== packageOf(file);
      if (isProduction(file) && leaves) report('what is outside the package is imported by its name, never by a path');
    }
  }
  return { files: files.length, arrows, violations };
}

/** The rules of the table that an arrow breaks, as their texts. */
function broken(file, target, { only, never, adapters }) {
  const whys = [];
  const own = packageOf(file);
  const inside = own !== null && target.startsWith(`${own}/src/`);
  for (const rule of only) {
    if (matches(file, rule.from) && !inside && !reaches(target, rule.may)) whys.push(rule.why);
  }
  for (const rule of never) {
    const excepted = (rule.except ?? []).some((pattern) => matches(file, pattern));
    if (matches(file, rule.from) && reaches(target, rule.to) && !excepted) whys.push(rule.why);
  }
  for (const { module, files } of adapters) {
    if (!isProduction(file) || !reaches(target, [module]) || files.includes(file)) continue;
    whys.push(files.length === 0 ? `${module} has no adapter yet` : `${module} is adapted in ${files.join(' and ')}`);
  }
  return whys;
}

function reaches(target, patterns) {
  return patterns.some((pattern) => matches(target, pattern) || matches(target, `${pattern}/*`));
}

function isProduction(file) {
  return matches(file, 'packages/*/{src,bin}/**');
}

/** `packages/core` for everything of core; null outside packages/. */
function packageOf(path) {
  return /^packages\/[^/]+/.exec(path)?.[0] ?? null;
}

/**
 * The target of an arrow as the table writes it.
 * `@holdfast/core` is `packages/core`; a bare module is its name, a built-in module always has `node:`.
 */
function targetOf(file, specifier) {
  if (specifier.startsWith('.')) {
    const path = posix.join(posix.dirname(file), specifier);
    // bin/x.js imports what is built; the arrow it stands for is the one to the source.
    return path.replace(/^(packages\/[^/]+)\/dist\//, '$1/src/').replace(/\.js$/, '.ts');
  }
  if (specifier.startsWith(SCOPE)) return `packages/${specifier.slice(SCOPE.length)}`;
  return BUILT_IN.has(specifier) ? `node:${specifier}` : specifier;
}

const BUILT_IN = new Set(
  'assert buffer child_process crypto dns events fs http https net os path process stream timers tls url util worker_threads zlib'.split(
    ' ',
  ),
);

/**
 * Checks the manifests of packages/: dependencies and project references draw arrows as well.
 * @param {string} root
 * @param {{ manifests: any[] }} table
 * @returns {{ files: number, violations: Violation[] }}
 */
export function checkManifests(root, table) {
  const violations = [];
  const files = listFiles(root, ['packages/*/package.json']);
  for (const file of files) {
    const text = readText(root, file);
    const rule = table.manifests.find((row) => file === `packages/${row.package}/package.json`);
    const report = (where, source, name, why) =>
      violations.push({ file: where, line: lineOf(source, `"${name}"`), what: name, why });
    if (rule === undefined) {
      report(file, text, 'name', 'this package has no row in tools/arrows.js');
      continue;
    }
    const manifest = JSON.parse(text);
    for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
      for (const name of Object.keys(manifest[kind] ?? {})) {
        if (!rule.uses.includes(name)) report(file, text, name, `${rule.package} must not depend on it`);
      }
    }
    for (const name of Object.keys(manifest.devDependencies ?? {})) {
      const allowed = [...rule.uses, ...rule.develop].includes(name);
      if (name.startsWith(SCOPE) && !allowed) report(file, text, name, `${rule.package} must not be developed with it`);
    }
    const project = `packages/${rule.package}/tsconfig.json`;
    if (!existsSync(join(root, project))) continue;
    const projectText = readText(root, project);
    for (const { path } of JSON.parse(projectText).references ?? []) {
      const name = SCOPE + posix.basename(path);
      if (!rule.uses.includes(name)) report(project, projectText, path, `${rule.package} must not refer to it`);
    }
  }
  return { files: files.length, violations };
}

function lineOf(text, part) {
  const at = text.indexOf(part);
  return at === -1 ? 1 : text.slice(0, at).split('\n').length;
}

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';

/** Folders that hold nothing of ours: what was installed, built or measured. */
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', 'results', '.git']);

/**
 * All files below `root` whose path matches one of `patterns`, as sorted paths relative to `root` with forward slashes.
 * @param {string} root
 * @param {readonly string[]} patterns globs as `matches` reads them
 * @returns {string[]}
 */
export function listFiles(root, patterns) {
  /** @type {string[]} */
  const found = [];
  const pending = [root];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) pending.push(path);
      if (entry.isFile()) {
        const name = relative(root, path).split(sep).join(posix.sep);
        if (patterns.some((pattern) => matches(name, pattern))) found.push(name);
      }
    }
  }
  return found.toSorted();
}

const compiled = new Map();

/**
 * Whether a path matches a glob: `*` is any run of characters without a slash, `**` any run of characters (`a/**` includes
 * `a/b` and not `a`), `{a,b}` is either.
 * @param {string} path
 * @param {string} pattern
 */
export function matches(path, pattern) {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    const source = pattern.replace(/\*\*\/|\*\*|\*|\{[^}]*\}|[.+?^$()|[\]\\]/g, (part) => {
      if (part === '**/') return '(?:.*/)?';
      if (part === '**') return '.*';
      if (part === '*') return '[^/]*';
      if (part.startsWith('{')) return `(?:${part.slice(1, -1).split(',').join('|')})`;
      return `\\${part}`;
    });
    expression = new RegExp(`^${source}$`);
    compiled.set(pattern, expression);
  }
  return expression.test(path);
}

/**
 * The text of one file of the tree.
 * @param {string} root
 * @param {string} path
 */
export function readText(root, path) {
  return readFileSync(join(root, path), 'utf8');
}

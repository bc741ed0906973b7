import { tokenize } from './tokens.js';

/**
 * One place where a file names another module.
 *
 * @typedef {object} Import
 * @property {string | null} specifier null: computed at run time
 * @property {number} line counted from 1
 * @property {boolean} everything `export * from`, or `export * as x from`
 */

/**
 * Everything a file imports: `import`, `export … from`, `import()` in code and in types, and `require()`.
 * @param {string} text
 * @returns {Import[]}
 */
export function findImports(text) {
  const tokens = tokenize(text);
  /** @type {Import[]} */
  const found = [];
  tokens.forEach((token, i) => {
    if (token.kind !== 'word' || is(tokens[i - 1], '.')) return;
    const next = tokens[i + 1];
    if (token.text === 'import' || token.text === 'require') {
      if (is(next, '(')) found.push(called(tokens, i));
      else if (token.text === 'import' && next?.kind === 'string') found.push(named(next, token.line, false));
      else if (token.text === 'import' && !is(next, '.') && !is(next, ':')) addFrom(tokens, i, found);
    } else if (token.text === 'export') {
      const list = tokens[i + 1]?.text === 'type' ? tokens[i + 2] : next;
      if (is(list, '*') || is(list, '{')) addFrom(tokens, i, found);
    }
  });
  return found;
}

/** `import` or `export` at `start`, with a clause: its specifier is the string after the next `from`. */
function addFrom(tokens, start, found) {
  let everything = false;
  let depth = 0;
  for (let i = start + 1; i < tokens.length; i++) {
    const token = tokens[i];
    if (is(token, ';')) return;
    if (is(token, '*') && tokens[start].text === 'export') everything = true;
    if (is(token, '{')) depth++;
    if (is(token, '}')) depth--;
    if (depth > 0) continue;
    if (token.kind === 'word' && token.text === 'from' && tokens[i + 1]?.kind === 'string') {
      found.push(named(tokens[i + 1], tokens[start].line, everything));
      return;
    }
    // A list that ends without `from` exports the file's own names.
    if (is(token, '}') && tokens[i + 1]?.text !== 'from') return;
  }
}

function called(tokens, i) {
  const argument = tokens[i + 2];
  const constant = argument?.kind === 'string' && (is(tokens[i + 3], ')') || is(tokens[i + 3], ','));
  return { specifier: constant ? argument.text : null, line: tokens[i].line, everything: false };
}

function named(token, line, everything) {
  return { specifier: token.text, line, everything };
}

function is(token, character) {
  return token?.kind === 'other' && token.text === character;
}

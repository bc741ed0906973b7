/**
 * A small scanner for TypeScript and JavaScript. It knows just enough of the language (comments, strings, templates,
 * regular expressions) to tell code from text, so that a word in a comment is never taken for a program. TypeScript 7
 * has no compiler API that could be asked instead.
 *
 * @typedef {object} Token
 * @property {'word' | 'string' | 'other'} kind a `string` holds its contents without quotes; an `other` is one character
 * @property {string} text
 * @property {number} line counted from 1
 */

const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /\d[\w.]*/y;
const REGEXP = /\/(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;

/** After these words a slash begins a regular expression; after any other word it divides. */
const BEFORE_EXPRESSION = new Set(
  'await case delete do else in instanceof new of return throw typeof void yield'.split(' '),
);

/**
 * @param {string} text
 * @returns {Token[]}
 */
export function tokenize(text) {
  /** @type {Token[]} */
  const tokens = [];
  /** Depths of braces at which a template's `${` was opened: the closing brace goes on with the template's text. */
  const templates = [];
  let depth = 0;
  let line = 1;
  let at = 0;

  const push = (kind, value) => tokens.push({ kind, text: value, line });
  const skip = (end) => {
    for (let i = at; i < end; i++) if (text[i] === '\n') line++;
    at = end;
  };
  const templateText = () => {
    let end = at;
    while (end < text.length && text[end] !== '`' && !(text[end] === '$' && text[end + 1] === '{')) {
      end += text[end] === '\\' ? 2 : 1;
    }
    // Only a template without `${` is one string; the pieces of the others are no specifiers of anything.
    const whole = text[at - 1] === '`' && text[end] === '`';
    if (whole) push('string', text.slice(at, end));
    if (text[end] === '$') {
      templates.push(depth);
      depth++;
      skip(end + 2);
    } else skip(end + 1);
  };
  const match = (expression) => {
    expression.lastIndex = at;
    return expression.exec(text)?.[0];
  };

  while (at < text.length) {
    const character = text[at];
    const next = text[at + 1];
    if (character === '/' && next === '/') skip(endOf(text, '\n', at));
    else if (character === '/' && next === '*') skip(endOf(text, '*/', at + 2) + 2);
    else if (character === '#' && next === '!' && at === 0) skip(endOf(text, '\n', at));
    else if (character === '"' || character === "'") {
      let end = at + 1;
      while (end < text.length && text[end] !== character) end += text[end] === '\\' ? 2 : 1;
      push('string', text.slice(at + 1, end));
      skip(end + 1);
    } else if (character === '`') {
      at++;
      templateText();
    } else if (character === '}' && templates.at(-1) === depth - 1) {
      templates.pop();
      depth--;
      at++;
      templateText();
    } else if (character === '/' && beginsRegularExpression(tokens.at(-1)) && match(REGEXP) !== undefined) {
      skip(at + match(REGEXP).length);
      push('other', '/');
    } else if (/\s/.test(character)) skip(at + 1);
    else {
      const word = match(WORD) ?? match(NUMBER);
      if (character === '{') depth++;
      if (character === '}') depth--;
      push(word === undefined ? 'other' : 'word', word ?? character);
      skip(at + (word ?? character).length);
    }
  }
  return tokens;
}

function endOf(text, mark, from) {
  const end = text.indexOf(mark, from);
  return end === -1 ? text.length : end;
}

/** @param {Token | undefined} before */
function beginsRegularExpression(before) {
  if (before === undefined) return true;
  if (before.kind === 'word') return BEFORE_EXPRESSION.has(before.text);
  return before.kind === 'other' && !')]}'.includes(before.text);
}

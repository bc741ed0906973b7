#!/usr/bin/env node
/**
 * Words that must not stand in some places, where the linter has no rule that could say so.
 *
 *     node tools/words.js [ROOT]        prints each violation as file:line and its rule; exit code 1 if there is one
 *
 * Only code counts: comments and the contents of strings are not looked at.
 */
import { listFiles, matches, readText } from './lib/files.js';
import { tokenize } from './lib/tokens.js';

/** `words` is a run of tokens. `except` names the files that may all the same. */
const NEVER = [
  {
    in: 'packages/core/src/**',
    words: ['async'],
    why: 'the machine is a pure fold: it returns values, never promises',
  },
  {
    in: 'packages/core/src/**',
    words: ['await'],
    why: 'the machine is a pure fold: it waits for nothing',
  },
  {
    in: 'packages/{client,server}/src/**',
    words: ['new', 'Date', '(', ')'],
    except: ['packages/{client,server}/src/**/clock.ts'],
    why: 'the present comes from the clock that was given',
  },
];

const root = process.argv[2] ?? '.';
const files = listFiles(root, ['packages/*/src/**/*.ts']);
let violations = 0;

for (const file of files) {
  const rules = NEVER.filter((rule) => {
    const excepted = (rule.except ?? []).some((pattern) => matches(file, pattern));
    return matches(file, rule.in) && !excepted;
  });
  if (rules.length === 0) continue;
  const tokens = tokenize(readText(root, file)).filter((token) => token.kind !== 'string');
  tokens.forEach((token, i) => {
    for (const { words, why } of rules) {
      if (!words.every((word, offset) => tokens[i + offset]?.text === word)) continue;
      console.error(`${file}:${token.line}: ${words.join(' ')}: ${why}`);
      violations++;
    }
  });
}

console.log(`words: ${files.length} sources, ${violations} violations`);
if (files.length === 0) console.error(`words: no source found below ${root}; a check of nothing is no check`);
if (files.length === 0 || violations > 0) process.exitCode = 1;

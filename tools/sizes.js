#!/usr/bin/env node
/**
 * A source file has at most 400 lines, and a file of tests as well: longer ones are split by responsibility.
 *
 *     node tools/sizes.js [ROOT]        prints each file that is too long, and a hint at those that are about to be;
 *                                       exit code 1 if one is too long
 */
import { listFiles, readText } from './lib/files.js';

const LINES_MAX = 400;
const LINES_HINT = 350;
const SOURCES = [
  'packages/*/{src,bin}/**/*.{ts,js}',
  '{tools,bench}/**/*.{ts,js}',
  'packages/*/test/**/*.ts',
  'test/**/*.ts',
];

const root = process.argv[2] ?? '.';
const files = listFiles(root, SOURCES);
const long = [];
const nearly = [];

for (const file of files) {
  const text = readText(root, file);
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  if (lines > LINES_MAX) long.push({ file, lines });
  else if (lines > LINES_HINT) nearly.push({ file, lines });
}

for (const { file, lines } of long) console.error(`${file}: ${lines} lines, at most ${LINES_MAX}: split it`);
for (const { file, lines } of nearly) console.log(`${file}: ${lines} lines, soon to be split`);
console.log(`sizes: ${files.length} sources, ${long.length} too long`);
if (files.length === 0) console.error(`sizes: no source found below ${root}; a check of nothing is no check`);
if (files.length === 0 || long.length > 0) process.exitCode = 1;

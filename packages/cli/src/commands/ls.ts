/** `holdfast ls`: the keys that are held or waited for. */
import type { Command } from '@commander-js/extra-typings';
import type { KeySummary } from '@holdfast/client';
import { parseLimit, targetUrls } from '../arguments.js';
import { connectTimeoutOption, urlOption, withClient } from '../connection.js';
import { columnsMax, note, printJson, printLine } from '../terminal.js';
import { keyLines } from '../views.js';

const LIMIT_DEFAULT = 1_000;

const EXAMPLES = `
PATTERN is a key, with * for any run of characters except / and ** for any run of characters.

Examples:
  holdfast ls
  holdfast ls 'orders/**'
  holdfast ls --json | jq -r 'select(.waiting > 10) | .key'`;

export function defineLs(program: Command): void {
  program
    .command('ls')
    .summary('list keys that are held or waited for')
    .description('Lists the keys that are held or waited for. Idle keys do not exist.')
    .argument('[pattern]', 'only keys like this', '**')
    .option('--limit <n>', 'at most so many keys', parseLimit, LIMIT_DEFAULT)
    .addOption(urlOption())
    .addOption(connectTimeoutOption(3_000))
    .option('--json', 'one JSON object a line')
    .addHelpText('after', EXAMPLES)
    .action(async (pattern, options) => {
      const target = { urls: targetUrls(options.url), connectTimeoutMs: options.connectTimeout, command: 'ls' };
      const rows = await withClient(target, async (holdfast) => {
        const collected: KeySummary[] = [];
        for await (const row of holdfast.list(pattern, { limit: options.limit })) {
          // As it comes: a million keys need not fit into memory. A table has to know its widest cells first.
          if (options.json === true) printJson(row);
          else collected.push(row);
        }
        return collected;
      });
      if (options.json === true) return;
      if (rows.length === 0) {
        // On standard error: a script that counts lines gets none.
        note(pattern === '**' ? 'nothing is held or waited for' : 'no key like this is held or waited for');
        return;
      }
      // The service lists in no order.
      rows.sort((left, right) => (left.key < right.key ? -1 : 1));
      for (const line of keyLines(rows, columnsMax(process.stdout))) printLine(line);
      if (rows.length === options.limit) note(`there may be more: these are ${options.limit} of them (--limit)`);
    });
}

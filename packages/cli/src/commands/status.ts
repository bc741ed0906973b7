/** `holdfast status`: one key in detail, or the server's figures. */
import type { Command } from '@commander-js/extra-typings';
import { targetUrls } from '../arguments.js';
import { connectTimeoutOption, urlOption, withClient } from '../connection.js';
import { columnsMax, printJson, printLine } from '../terminal.js';
import { detailLines, serverLines } from '../views.js';

const EXAMPLES = `
Examples:
  holdfast status                 the server's figures; exit code 69 when it cannot be reached
  holdfast status nightly         who holds it, since when, and who waits
  holdfast status nightly --json`;

export function defineStatus(program: Command): void {
  program
    .command('status')
    .summary('who holds a key and who waits, or the figures of the server')
    .description('Shows who holds KEY and who waits for it; without KEY, the figures of the server.')
    .argument('[key]', 'the key')
    .addOption(urlOption())
    .addOption(connectTimeoutOption(3_000))
    .option('--json', 'one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (key, options) => {
      const target = { urls: targetUrls(options.url), connectTimeoutMs: options.connectTimeout, command: 'status' };
      const lines = await withClient(target, async (holdfast) => {
        if (key === undefined) {
          const server = await holdfast.server();
          return options.json === true ? server : serverLines(server);
        }
        const details = await holdfast.query(key);
        return options.json === true ? details : detailLines(details, columnsMax(process.stdout));
      });
      if (Array.isArray(lines)) for (const line of lines) printLine(String(line));
      else printJson(lines);
    });
}

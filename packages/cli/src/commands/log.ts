/** `holdfast log inspect`: what is in a data directory, and whether it is sound. */
import type { Command } from '@commander-js/extra-typings';
import type { InspectLine } from '@holdfast/server';
import { ExitCode } from '../exit-codes.js';
import { CliFailure, codeOf } from '../failure.js';
import { InspectLines } from '../inspect-lines.js';
import { paint, printJson, printLine, tolerateClosedPipes } from '../terminal.js';
import { printable } from '../text.js';

const EXAMPLES = `
It only reads, and may be used beside a server that serves from DIR; the end of the log may move then. Hashes of secrets
are not shown. Exit code 0: sound, or torn at its end by a crash, which the next start cuts off. 65: not sound. 66: no log.

Examples:
  holdfast log inspect holdfast-data
  holdfast log inspect holdfast-data --records | less
  holdfast log inspect holdfast-data --json | jq -c 'select(.type == "problem")'`;

export function defineLog(program: Command): void {
  const log = program
    .command('log')
    .summary('verify and show what is in a data directory')
    .description('Looks into a data directory.');
  log
    .command('inspect')
    .summary('verify a data directory and show what is in it')
    .description('Verifies the data directory DIR, and shows its segments, its snapshots and what is wrong with them.')
    .argument('<dir>', 'the directory that `holdfast serve --data` was given')
    .option('--records', 'show every record, with its entries and their commands')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', EXAMPLES)
    .action(async (directory, { records = false, json = false }) => {
      let stopped = false;
      tolerateClosedPipes(() => {
        stopped = true;
      });
      const lines = new InspectLines(records);
      for await (const line of found(directory)) {
        if (stopped) return;
        if (line.type === 'summary' && line.segments + line.snapshots === 0) {
          throw noLog(directory, 'there is no log in it');
        }
        if (!json) say(lines.add(line), line);
        else if (records || line.type !== 'record') printJson(line);
        if (line.type === 'summary' && line.damaged > 0) process.exitCode = ExitCode.dataError;
      }
    });
}

async function* found(directory: string): AsyncGenerator<InspectLine> {
  const { inspectLog } = await import('@holdfast/server');
  try {
    yield* inspectLog(directory);
  } catch (error) {
    throw inspectFailure(error, directory);
  }
}

function inspectFailure(error: unknown, directory: string): unknown {
  const cause = { cause: error };
  switch (codeOf(error)) {
    case 'ENOENT':
      return noLog(directory, 'there is no such directory', cause);
    case 'ENOTDIR':
      return noLog(directory, 'it is not a directory', cause);
    case 'EACCES':
    case 'EPERM':
      return new CliFailure(
        ExitCode.forbidden,
        `not allowed to read ${printable(directory)}`,
        'ask as the user that serves from it',
        cause,
      );
    default:
      return error;
  }
}

function noLog(directory: string, why: string, cause?: ErrorOptions): CliFailure {
  const hint = 'give the directory that `holdfast serve --data` was given';
  return new CliFailure(ExitCode.noInput, `${printable(directory)}: ${why}`, hint, cause);
}

/** The last of the texts is the line's own; those before it end what came before. */
function say(texts: readonly string[], line: InspectLine): void {
  texts.forEach((text, i) => printLine(i === texts.length - 1 ? painted(text, line) : text));
}

/** A problem stands out, and so does the verdict. */
function painted(text: string, line: InspectLine): string {
  if (line.type === 'problem') return paint(process.stdout, line.kind === 'torn' ? 'yellow' : 'red', text);
  if (line.type === 'summary') return paint(process.stdout, line.damaged === 0 ? 'green' : 'red', text);
  return text;
}

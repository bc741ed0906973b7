/** The command line as a whole: its commands, and what every one of them does with errors. */
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { defineLog } from './commands/log.js';
import { defineLs } from './commands/ls.js';
import { defineRun } from './commands/run.js';
import { defineServe } from './commands/serve.js';
import { defineStatus } from './commands/status.js';
import { defineWatch } from './commands/watch.js';
import { ExitCode } from './exit-codes.js';
import { describeFailure } from './failure.js';
import { note, paint } from './terminal.js';

const EXAMPLES = `
Examples:
  holdfast serve                              a server on ws://127.0.0.1:7420, its state in ./holdfast-data
  holdfast run nightly -- ./backup.sh         one backup at a time, on all machines
  holdfast watch 'orders/**'                  what happens to these locks, live
  holdfast status nightly                     who holds it, who waits

Environment:
  HOLDFAST_URL      where the server is, instead of --url
  HOLDFAST_DATA     where the server keeps its state, instead of serve's --data
  HOLDFAST_TOKEN    the credential, where the server asks for one
  HOLDFAST_DEBUG    anything: show where an error came from`;

/** The commander program for these arguments (`process.argv`). Nothing has been parsed yet. */
function createProgram(argv: readonly string[]): Command {
  const program = new Command('holdfast');
  program
    .description('Distributed locks that live exactly as long as their holder is heard.')
    .version(version(), '-V, --version')
    .helpOption('-h, --help', 'show this')
    .helpCommand('help [command]', 'show the help of a command')
    // Has to come before any command that passes options through: `run` hands everything after KEY to CMD.
    .enablePositionalOptions()
    .exitOverride()
    // The usage of `run` says KEY -- CMD, which commander cannot know from its arguments.
    .configureHelp({
      subcommandTerm: (command) => `${command.name()} ${command.usage()}`,
      styleTitle: (title) => paint(process.stdout, 'bold', title),
    })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'holdfast: ')) })
    .addHelpText('after', EXAMPLES);
  defineServe(program);
  defineRun(program, argv);
  defineWatch(program);
  defineStatus(program);
  defineLs(program);
  defineLog(program);
  for (const command of program.commands) showHow(command, 'holdfast');
  program.showHelpAfterError('(holdfast --help shows how)');
  return program;
}

/** Errors of a command and of those below it end with where its help is. */
function showHow(command: CommandUnknownOpts, above: string): void {
  const name = `${above} ${command.name()}`;
  command.showHelpAfterError(`(${name} --help shows how)`);
  for (const below of command.commands) showHow(below, name);
}

/** Runs the command line and sets the exit code of the process. Never rejects, and never ends the process by force. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await createProgram(argv).parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said what it had to say; its code is 0 for --help and --version.
      process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
      return;
    }
    const { exitCode, text } = describeFailure(error);
    note(text);
    if ((process.env['HOLDFAST_DEBUG'] ?? '') !== '') note(inspect(error));
    process.exitCode = exitCode;
  }
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version);
  throw new Error('the package manifest has no version');
}

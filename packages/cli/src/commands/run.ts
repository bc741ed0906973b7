/** `holdfast run`: a command under a lock. What happens then stands in run/under-lock.ts. */
import { type Command, Option } from '@commander-js/extra-typings';
import { collectMeta, parseDuration, parsePositiveDuration, targetUrls } from '../arguments.js';
import { connectTimeoutOption, urlOption } from '../connection.js';
import { ExitCode, RUN_EXIT_CODES } from '../exit-codes.js';
import { CliFailure } from '../failure.js';

const HELP = `
CMD runs without a shell, in its own process group, with these in its environment:
  HOLDFAST_KEY      KEY
  HOLDFAST_FENCE    the fencing token: let what CMD writes to refuse lower ones
  HOLDFAST_URL      the server

When the lock cannot be kept (no connection, lease over, released by force), the whole group gets TERM and then KILL,
in time before the lock can be somebody else's. What this cannot stop: processes that leave the group (daemons), and, when
holdfast itself dies of SIGKILL, everything but CMD's first process (which ends with it on Linux, where setpriv(1) of
util-linux is installed). CMD has no controlling terminal: programs that open /dev/tty (sudo, ssh asking for a
password) cannot ask.

Exit codes:
${RUN_EXIT_CODES.map(([code, meaning]) => `  ${code.padEnd(20)} ${meaning}`).join('\n')}

Examples:
  holdfast run nightly -- ./backup.sh --full
  holdfast run deploy/web --wait 10m --meta why='release 4.2' -- make deploy
  holdfast run cron/report --try -- report || [ $? -eq 75 ]      skip it when it runs elsewhere
  holdfast run cache --shared -- ./read-it.sh                    many readers, no writer
  holdfast run nightly -- sh -c 'psql -v fence=$HOLDFAST_FENCE -f job.sql'`;

/** `argv` tells how far options reach: see `commandOf`. */
export function defineRun(program: Command, argv: readonly string[]): void {
  program
    .command('run')
    .summary('run a command under a lock')
    .description('Waits for the lock KEY, runs CMD while holding it, releases it, and exits with the exit code of CMD.')
    .usage('[options] KEY -- CMD [ARG…]')
    .argument('<key>', 'the key to lock')
    .argument('<cmd...>', 'the command and its arguments')
    .passThroughOptions(!argv.includes('--'))
    .option('--wait <duration>', 'how long to wait for the lock (default: without limit)', parseDuration)
    .option('--try', 'do not wait: exit with 75 when somebody holds it')
    .option('--shared', 'share it with others that want it shared')
    .option('--lease <duration>', 'a limit for CMD: it is ended before this is over', parsePositiveDuration)
    .addOption(
      new Option('--on-lost <what>', 'when the lock is lost: end CMD, or say so and go on')
        .choices(['term', 'ignore'] as const)
        .default('term' as const),
    )
    .addOption(
      new Option('--kill-after <duration>', 'grace between TERM and KILL')
        .argParser(parseDuration)
        .default(1_000, '1s'),
    )
    .addOption(
      new Option('--timeout <duration>', 'session time-out: how long the server waits for a sign of life, 1s to 60s')
        .argParser(parsePositiveDuration)
        .default(5_000, '5s'),
    )
    .option(
      '--no-resume',
      'give the lock up as soon as the connection breaks: the next one goes on at once, without waiting for --timeout',
    )
    .option('--meta <name=value>', 'shown to whoever asks who holds it; may be repeated', collectMeta)
    .addOption(urlOption())
    .addOption(connectTimeoutOption(10_000))
    .option('-v, --verbose', 'say on standard error what happens')
    .option('--json', 'say it as one JSON object a line')
    .addHelpText('after', HELP)
    .action(async (key, operands, options) => {
      const command = commandOf(operands, argv);
      if (options.try === true && options.wait !== undefined) {
        throw new CliFailure(ExitCode.usage, '--try and --wait contradict each other', 'leave out one of them');
      }
      const { runUnderLock } = await import('../run/under-lock.js');
      process.exitCode = await runUnderLock({
        key,
        command,
        urls: targetUrls(options.url),
        connectTimeoutMs: options.connectTimeout,
        timeoutMs: options.timeout,
        resumable: options.resume,
        waitMs: options.try === true ? 0 : (options.wait ?? null),
        leaseMs: options.lease ?? null,
        mode: options.shared === true ? 'shared' : 'exclusive',
        onLost: options.onLost,
        killAfterMs: options.killAfter,
        meta: options.meta ?? {},
        verbose: options.verbose === true,
        json: options.json === true,
      });
    });
}

/**
 * The command among the operands after KEY.
 *
 * With `--` on the line, options may stand anywhere before it, so exactly KEY has to: what else stood there would be neither ours nor
 * surely the command's. Without it, everything after KEY is the command's.
 */
export function commandOf(operands: readonly string[], argv: readonly string[]): readonly [string, ...string[]] {
  const [program, ...args] = operands;
  const separator = argv.indexOf('--');
  if (separator >= 0 && operands.length !== argv.length - separator - 1) {
    throw new CliFailure(
      ExitCode.usage,
      '-- has to stand between KEY and CMD',
      'holdfast run [options] KEY -- CMD [ARG…]',
    );
  }
  if (program === undefined || (separator < 0 && program.startsWith('-'))) {
    throw new CliFailure(
      ExitCode.usage,
      'options that come after KEY need -- before CMD',
      'holdfast run [options] KEY -- CMD [ARG…]',
    );
  }
  return [program, ...args];
}

/** `holdfast serve`: a server in the foreground. The one file that knows @holdfast/server. */
import { isIPv4 } from 'node:net';
import { type Command, Option } from '@commander-js/extra-typings';
import type { HoldfastServer } from '@holdfast/server';
import { collect, parseDuration, parsePort } from '../arguments.js';
import { ExitCode } from '../exit-codes.js';
import { CliFailure, codeOf } from '../failure.js';
import { note, paint, printLine } from '../terminal.js';
import { formatDuration, printable } from '../text.js';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

const EXAMPLES = `
Examples:
  holdfast serve
  holdfast serve --port 0 --json              any free port; the log says which
  holdfast serve --allow-origin https://app.example.com
  holdfast serve --host 0.0.0.0 --allow-anyone

The first SIGTERM or Ctrl-C drains: no new locks, the held ones may finish until --drain is over, exit code 0.
The second stops at once.`;

export function defineServe(program: Command): void {
  program
    .command('serve')
    .summary('run a server')
    .description('Runs a server in the foreground.')
    .option('--port <port>', 'port to listen on; 0 takes any free one', parsePort, 7_420)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--log <engine>', 'where the log is kept; there is only memory: a restart forgets all locks', 'memory')
    .option('--allow-origin <origin>', 'web pages of this origin may connect; may be repeated', collect)
    .option('--allow-anyone', 'listen beyond this machine although nobody has to prove who they are')
    .option('--drain <duration>', 'how long holders may finish when the server stops', parseDuration, 5_000)
    .addOption(
      new Option('--log-level <level>', 'least level of the log (default: info, at a terminal warn)').choices(
        LOG_LEVELS,
      ),
    )
    .option('--json', 'log as JSON at a terminal, too')
    .addHelpText('after', EXAMPLES)
    .action(async (options) => {
      if (options.log !== 'memory') {
        throw new CliFailure(
          ExitCode.usage,
          `there is no log engine ${printable(options.log)}`,
          'this version has: memory',
        );
      }
      if (!isLoopback(options.host) && options.allowAnyone !== true) {
        throw new CliFailure(
          ExitCode.usage,
          `${printable(options.host)} can be reached from other machines, and this server does not ask who connects`,
          'add --allow-anyone if that is meant, or leave out --host',
        );
      }
      const human = process.stdout.isTTY && options.json !== true;
      const { startServer } = await import('@holdfast/server');
      const server = await startServer({
        host: options.host,
        port: options.port,
        allowedOrigins: options.allowOrigin ?? [],
        drainMs: options.drain,
        logLevel: options.logLevel ?? (human ? 'warn' : 'info'),
      }).catch((error: unknown) => {
        throw startFailure(error, options.host, options.port);
      });
      if (human) printLine(greeting(server.url));
      await untilStopped(server, human ? options.drain : null);
    });
}

/** Addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function greeting(url: string): string {
  const isDefault = url === 'ws://127.0.0.1:7420';
  const next = `holdfast run ${isDefault ? '' : `--url ${url} `}KEY -- CMD`;
  return `Holdfast serves ${paint(process.stdout, 'bold', url)}. Next: ${paint(process.stdout, 'cyan', next)}`;
}

function startFailure(error: unknown, host: string, port: number): unknown {
  const cause = { cause: error };
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new CliFailure(
        ExitCode.unavailable,
        `port ${port} of ${printable(host)} is taken`,
        'is a server running already? --port takes another one',
        cause,
      );
    case 'EACCES':
      return new CliFailure(ExitCode.forbidden, `not allowed to listen on port ${port}`, 'take one above 1023', cause);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new CliFailure(
        ExitCode.usage,
        `${printable(host)} is not an address of this machine`,
        'see --host',
        cause,
      );
    default:
      return error;
  }
}

/** Resolves when the server has stopped: after a signal, or by itself, which is a failure. */
async function untilStopped(server: HoldfastServer, sayDrainMs: number | null): Promise<void> {
  const failure = await Promise.race([firstSignal(), server.failed]);
  if (failure !== null) {
    const message = `the server cannot go on: ${failure.message}`;
    throw new CliFailure(ExitCode.unavailable, message, undefined, { cause: failure });
  }
  if (sayDrainMs !== null) note(`draining for at most ${formatDuration(sayDrainMs)}; the next signal stops at once`);
  await server.drain();
}

function firstSignal(): Promise<null> {
  return new Promise((resolve) => {
    const signals = ['SIGTERM', 'SIGINT'] as const;
    const received = (): void => {
      // With the default behaviour back, the second signal ends the process at once, whatever it is busy with.
      for (const signal of signals) process.off(signal, received);
      resolve(null);
    };
    for (const signal of signals) process.on(signal, received);
  });
}

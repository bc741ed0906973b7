/** `holdfast serve`: a server in the foreground. */
import { isIPv4 } from 'node:net';
import { type Command, Option } from '@commander-js/extra-typings';
import type { HoldfastServer, ServerOptions } from '@holdfast/server';
import { collect, parseDuration, parsePort } from '../arguments.js';
import { ExitCode } from '../exit-codes.js';
import { CliFailure } from '../failure.js';
import { startFailure } from '../start-failure.js';
import { chooseStorage, DEFAULT_DIRECTORY, FSYNC_MODES, type Storage } from '../storage.js';
import { note, paint, printLine } from '../terminal.js';
import { formatDuration, printable } from '../text.js';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

const EXAMPLES = `
Examples:
  holdfast serve
  holdfast serve --data /var/lib/holdfast
  holdfast serve --log memory                 nothing is kept: a restart forgets all locks
  holdfast serve --port 0 --json              any free port; the log says which
  holdfast serve --allow-origin https://app.example.com
  holdfast serve --host 0.0.0.0 --allow-anyone

The state is on the disk before anybody is told of it: kill the server and start it again, and locks and queues are
as they were. --fsync interval gives up the last second when the machine loses power, never gives up more; neither
loses anything when only the process dies.

The first SIGTERM or Ctrl-C takes no new locks and stops, exit code 0; with --log memory the held ones may finish
until --drain is over. The second stops at once.`;

export function defineServe(program: Command): void {
  program
    .command('serve')
    .summary('run a server')
    .description('Runs a server in the foreground.')
    .option('--port <port>', 'port to listen on; 0 takes any free one', parsePort, 7_420)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .addOption(
      new Option('--data <dir>', `directory that the state is kept in (default: ${DEFAULT_DIRECTORY})`).env(
        'HOLDFAST_DATA',
      ),
    )
    .option('--log <engine>', 'file:DIR, the same as --data DIR; or memory: a restart forgets all locks')
    .addOption(new Option('--fsync <when>', 'when the disk is flushed (default: always)').choices(FSYNC_MODES))
    .option('--allow-origin <origin>', 'web pages of this origin may connect; may be repeated', collect)
    .option('--allow-anyone', 'listen beyond this machine although nobody has to prove who they are')
    .addOption(
      new Option('--drain <duration>', 'with --log memory: how long holders may finish when the server stops')
        .argParser(parseDuration)
        .default(5_000, '5s'),
    )
    .addOption(
      new Option('--log-level <level>', 'least level of the log (default: info, at a terminal warn)').choices(
        LOG_LEVELS,
      ),
    )
    .option('--json', 'log as JSON at a terminal, too')
    .addHelpText('after', EXAMPLES)
    .action(async (options, command) => {
      const storage = chooseStorage({
        ...options,
        dataFromEnvironment: command.getOptionValueSource('data') === 'env',
      });
      if (!isLoopback(options.host) && options.allowAnyone !== true) {
        throw new CliFailure(
          ExitCode.usage,
          `${printable(options.host)} can be reached from other machines, and this server does not ask who connects`,
          'add --allow-anyone if that is meant, or leave out --host',
        );
      }
      const human = process.stdout.isTTY && options.json !== true;
      const { host, port } = options;
      // Before anything is said or kept: whoever reads that it serves may stop it in the same moment.
      const signal = firstSignal();
      const { startServer } = await import('@holdfast/server');
      const server = await startServer({
        host,
        port,
        log: await logOf(storage, human),
        allowedOrigins: options.allowOrigin ?? [],
        drainMs: options.drain,
        logLevel: options.logLevel ?? (human ? 'warn' : 'info'),
      }).catch((error: unknown) => {
        throw startFailure(error, { host, port, storage });
      });
      if (human) for (const line of greeting(server.url, storage)) printLine(line);
      await untilStopped(server, signal, human ? farewell(storage, options.drain) : null);
    });
}

/** Nothing is opened yet, so nothing can fail. A person is told in a line what the log has to say, and a program in the server's own log. */
async function logOf(storage: Storage, human: boolean): Promise<Exclude<ServerOptions['log'], undefined>> {
  const { FileLog, MemoryLog, SystemDisk, systemClock } = await import('@holdfast/server');
  if (storage.engine === 'memory') return new MemoryLog();
  const { directory, fsync } = storage;
  const parts = { disk: new SystemDisk(directory), clock: systemClock, fsync };
  if (human) return new FileLog({ ...parts, note: (message, facts) => note(withFacts(message, facts)) });
  return (tell) => new FileLog({ ...parts, note: tell });
}

/** What the log has to tell an operator, as one line. */
export function withFacts(message: string, facts: Readonly<Record<string, string | number>>): string {
  const parts = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
  return printable(parts.length === 0 ? message : `${message} (${parts.join(', ')})`);
}

/** Addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function greeting(url: string, storage: Storage): readonly string[] {
  const isDefault = url === 'ws://127.0.0.1:7420';
  const next = `holdfast run ${isDefault ? '' : `--url ${url} `}KEY -- CMD`;
  return [
    `Holdfast serves ${paint(process.stdout, 'bold', url)} and ${keeping(storage)}.`,
    `Next: ${paint(process.stdout, 'cyan', next)}`,
  ];
}

function keeping(storage: Storage): string {
  if (storage.engine === 'memory') return 'keeps nothing: a restart forgets all locks';
  const directory = paint(process.stdout, 'bold', printable(storage.directory));
  return `keeps its state in ${directory}${storage.fsync === 'always' ? '' : ` (fsync ${storage.fsync})`}`;
}

/** What is said to a person who has asked it to stop. */
function farewell(storage: Storage, drainMs: number): string {
  if (storage.engine === 'file') return `stopping; locks and queues stay in ${printable(storage.directory)}`;
  return `draining for at most ${formatDuration(drainMs)}; the next signal stops at once`;
}

/** Resolves when the server has stopped: after a signal, or by itself, which is a failure. */
async function untilStopped(server: HoldfastServer, signal: Promise<null>, last: string | null): Promise<void> {
  const failure = await Promise.race([signal, server.failed]);
  if (failure !== null) {
    const message = `the server cannot go on: ${failure.message}`;
    throw new CliFailure(ExitCode.unavailable, message, undefined, { cause: failure });
  }
  if (last !== null) note(last);
  await server.drain();
}

/** From now on the first signal does not end the process. Resolves when it comes. */
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

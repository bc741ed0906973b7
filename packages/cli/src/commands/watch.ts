/** `holdfast watch`: what happens to locks, as it happens. */
import type { Command } from '@commander-js/extra-typings';
import type { Holdfast, WatchEvent } from '@holdfast/client';
import { targetUrls } from '../arguments.js';
import { connectTimeoutOption, urlOption, withClient } from '../connection.js';
import { EventLines } from '../event-lines.js';
import { type Format, note, paint, printJson, printLine, tolerateClosedPipes } from '../terminal.js';

const COLOUR_OF_KIND: Readonly<Record<string, Format>> = {
  queued: 'yellow',
  granted: 'green',
  ended: 'dim',
  gap: 'red',
};

const EXAMPLES = `
PATTERN is a key, with * for any run of characters except / and ** for any run of characters: quote it.
At a terminal every event is a line for people; in a pipe, or with --json, it is a JSON object. When the server restarts or the
connection breaks, watch connects again; a gap says where events are missing, and the present state follows it.

Examples:
  holdfast watch nightly
  holdfast watch 'orders/**' --state
  holdfast watch '**' | jq -c 'select(.kind == "granted")'`;

export function defineWatch(program: Command): void {
  program
    .command('watch')
    .summary('show what happens to locks, live')
    .description('Shows who waits for, gets and gives up the keys like PATTERN, until it is interrupted.')
    .argument('<pattern>', 'the keys to watch')
    .option('--state', 'first show what is held and waited for now')
    .addOption(urlOption())
    .addOption(connectTimeoutOption(3_000))
    .option('--json', 'one JSON object a line at a terminal, too')
    .addHelpText('after', EXAMPLES)
    .action(async (pattern, options) => {
      const stop = new AbortController();
      const stopped = (): void => {
        stop.abort();
      };
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stopped);
      tolerateClosedPipes(stopped);
      const target = {
        urls: targetUrls(options.url),
        connectTimeoutMs: options.connectTimeout,
        command: 'watch',
        signal: stop.signal,
      };
      const json = options.json === true || !process.stdout.isTTY;
      try {
        await withClient(target, async (holdfast) => {
          const silence = sayConnection(holdfast);
          try {
            await show(holdfast, pattern, { state: options.state === true, json, signal: stop.signal });
          } finally {
            silence();
          }
        });
      } catch (error) {
        // Interrupted is how a watch ends: exit code 0.
        if (!stop.signal.aborted) throw error;
      }
    });
}

interface Showing {
  readonly state: boolean;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

async function show(holdfast: Holdfast, pattern: string, { state, json, signal }: Showing): Promise<void> {
  const say = json ? sayJson : sayLines();
  let after: number | null = null;
  let wantsState = state;
  for (;;) {
    const watch = holdfast.watch(pattern, { state: wantsState, signal });
    let isReplaced = false;
    // A session is lost with a server whose log did not outlive it, and then positions begin anew: going on after one of the
    // old ones could skip events without anybody noticing. So the watch starts over, and says so.
    const stopListening = holdfast.on('session', () => {
      isReplaced = true;
      void watch.return?.();
    });
    try {
      for await (const event of watch) {
        if (event.kind !== 'gap') after = event.position;
        say(event);
      }
    } finally {
      stopListening();
    }
    if (!isReplaced) return;
    say({ kind: 'gap', after });
    wantsState = true;
  }
}

/** A gap of this program's own making has no position: which events are missing is not known. */
type Shown = WatchEvent | { readonly kind: 'gap'; readonly after: number | null };

function sayJson(event: Shown): void {
  printJson({ time: new Date().toISOString(), ...event });
}

function sayLines(): (event: Shown) => void {
  const lines = new EventLines();
  return (event) => {
    const colour = COLOUR_OF_KIND[event.kind];
    const line = lines.line(event, new Date());
    printLine(colour === undefined ? line : paint(process.stdout, colour, line));
  };
}

/** Says on standard error when the connection goes and comes: in between, no news is not good news. */
function sayConnection(holdfast: Holdfast): () => void {
  return holdfast.on('state', (state) => {
    if (state === 'reconnecting') note('the connection is gone; connecting again');
    if (state === 'connected') note('connected again');
  });
}

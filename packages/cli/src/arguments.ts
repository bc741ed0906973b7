/** Parsers of command line values. What they throw becomes one line and exit code 64. */
import { InvalidArgumentError } from 'commander';
import { ExitCode } from './exit-codes.js';
import { CliFailure } from './failure.js';

export const DEFAULT_URL = 'ws://127.0.0.1:7420';

/** Of the protocol: larger values are refused there, and timers take no larger ones. */
const DURATION_MS_MAX = 2 ** 31 - 1;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms`, `1.5s`, `10m`, `2h`, `1d` or `0`, as whole milliseconds, rounded up. A bare number is refused: its unit would be a guess. */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  const unitMs = UNIT_MS[match?.[2] ?? ''];
  if (match === null || unitMs === undefined) {
    throw new InvalidArgumentError('Give a number with its unit: 500ms, 5s, 10m, 2h, 1d.');
  }
  const ms = Math.ceil(Number(match[1]) * unitMs);
  if (ms > DURATION_MS_MAX) throw new InvalidArgumentError('The longest duration is 24d.');
  return ms;
}

/** As parseDuration, and more than nothing. */
export function parsePositiveDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms < 1) throw new InvalidArgumentError('It must be at least 1ms.');
  return ms;
}

/** Commander's way of collecting an option that may be repeated. */
export function collect(text: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), text];
}

/** URLs: repeated, comma separated, or both. They are checked by `targetUrls`, whose message does not repeat what may be a password. */
export function collectUrls(text: string, previous: readonly string[] | undefined): readonly string[] {
  const urls = text.split(',').map((part) => part.trim());
  return [...(previous ?? []), ...urls.filter((part) => part !== '')];
}

/**
 * The URLs to connect to; an empty HOLDFAST_URL counts as one that is not set.
 *
 * @throws CliFailure 64 on what is no WebSocket URL, or holds a credential: URLs show up in lists of processes.
 */
export function targetUrls(urls: readonly string[] | undefined): readonly string[] {
  if (urls === undefined || urls.length === 0) return [DEFAULT_URL];
  for (const text of urls) {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || (url.protocol !== 'ws:' && url.protocol !== 'wss:')) {
      throw new CliFailure(
        ExitCode.usage,
        'this is no URL of a server',
        `use ws://host:port or wss://host:port, such as ${DEFAULT_URL}`,
      );
    }
    if (url.username !== '' || url.password !== '') {
      throw new CliFailure(ExitCode.usage, 'credentials do not belong into a URL', 'put the token into HOLDFAST_TOKEN');
    }
  }
  return urls;
}

export function parsePort(text: string): number {
  return parseInteger(text, 0, 65_535);
}

/** Rows asked for: the bounds of PROTOCOL.md, 6. */
export function parseLimit(text: string): number {
  return parseInteger(text, 1, 1_000_000);
}

function parseInteger(text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  }
  return value;
}

/** `name=value`, added to what was given before; a name given again is replaced. */
export function collectMeta(
  text: string,
  previous: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('Write it as name=value.');
  return { ...previous, [text.slice(0, equals)]: text.slice(equals + 1) };
}

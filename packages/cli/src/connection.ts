/** The options of every command that talks to a server, and the client they lead to. */
import { hostname } from 'node:os';
import { Option } from '@commander-js/extra-typings';
import type { Holdfast } from '@holdfast/client';
import { DEFAULT_URL, collectUrls, parsePositiveDuration } from './arguments.js';
import { ExitCode } from './exit-codes.js';
import { CliFailure, codeOf } from './failure.js';

export function urlOption() {
  return new Option(
    '--url <url>',
    `where the server is; several: repeat it, or separate them by commas (default: ${DEFAULT_URL})`,
  )
    .env('HOLDFAST_URL')
    .argParser(collectUrls);
}

export function connectTimeoutOption(defaultMs: number) {
  return new Option('--connect-timeout <duration>', 'how long to try to reach the server')
    .argParser(parsePositiveDuration)
    .default(defaultMs, `${defaultMs / 1_000}s`);
}

export interface Target {
  readonly urls: readonly string[];
  readonly connectTimeoutMs: number;
  /** The session time-out; undefined: the client's default. */
  readonly timeoutMs?: number;
  /** Default true. */
  readonly resumable?: boolean;
  /** The command that asks, for the list of sessions. */
  readonly command: string;
  readonly signal?: AbortSignal;
}

/** Connects. The credential comes from HOLDFAST_TOKEN only: arguments show up in lists of processes. */
export async function openClient(target: Target): Promise<Holdfast> {
  const { urls, connectTimeoutMs, timeoutMs, resumable, command, signal } = target;
  const token = process.env['HOLDFAST_TOKEN'];
  const { connect } = await import('@holdfast/client');
  try {
    return await connect(urls, {
      name: `holdfast ${command}, ${hostname()}, pid ${process.pid}`.slice(0, 100),
      connectTimeout: connectTimeoutMs,
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
      ...(resumable === undefined ? {} : { resumable }),
      ...(token === undefined || token === '' ? {} : { token }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (codeOf(error) !== 'CONNECT_FAILED') throw error;
    throw new CliFailure(
      ExitCode.unavailable,
      `cannot reach ${urls.join(', ')}`,
      'start a server with `holdfast serve`, or say where it is with --url or HOLDFAST_URL',
      { cause: error },
    );
  }
}

/** Opens a client, hands it over, and closes it whatever happens. */
export async function withClient<T>(target: Target, use: (holdfast: Holdfast) => Promise<T>): Promise<T> {
  const holdfast = await openClient(target);
  try {
    return await use(holdfast);
  } finally {
    await holdfast.close();
  }
}

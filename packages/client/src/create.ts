/** The client on given parts: for `connect`, for simulations and for tests. */
import type { Holdfast } from './client.js';
import { open } from './client.js';
import type { Clock } from './clock.js';
import type { Report } from './listeners.js';
import { reportUncaught } from './listeners.js';
import type { ConnectOptions } from './options.js';
import { parseConnectOptions, parseUrls } from './options.js';
import { Session } from './session.js';
import type { Dial } from './socket.js';

export interface ClientParts {
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly dial: Dial;
  readonly urls: string | readonly string[];
  readonly options?: ConnectOptions;
  /** Takes what a listener throws. Default: thrown again in a turn of its own. */
  readonly report?: Report;
}

/** As `connect`; uses no time, chance or socket but what it is given. */
export async function createClient({
  clock,
  random,
  dial,
  urls,
  options = {},
  report = reportUncaught,
}: ClientParts): Promise<Holdfast> {
  const settings = parseConnectOptions(options);
  const session = new Session({ clock, random, dial, urls: parseUrls(urls), settings, report });
  return open(session, settings, clock, options.signal);
}

/** What `holdfast run` says while it works: events, and the lines that people see of them. */
import { count, describeHolder, formatDuration, printable } from '../text.js';

export type RunEvent =
  | {
      readonly event: 'waiting';
      readonly key: string;
      readonly place: number;
      readonly length: number;
      readonly holder?: Holder;
    }
  | { readonly event: 'granted'; readonly key: string; readonly token: number; readonly waitedMs: number }
  | { readonly event: 'started'; readonly key: string; readonly pid: number }
  | { readonly event: 'jeopardy'; readonly key: string; readonly validForMs: number }
  | { readonly event: 'safe'; readonly key: string }
  | {
      readonly event: 'ending';
      readonly key: string;
      readonly why: 'lease' | 'connection';
      readonly validForMs: number;
    }
  | {
      readonly event: 'lost';
      readonly key: string;
      readonly code: string;
      readonly text: string;
      readonly ignored: boolean;
    }
  | { readonly event: 'killed'; readonly key: string }
  | { readonly event: 'leftovers'; readonly key: string; readonly processes: number }
  | { readonly event: 'unstoppable'; readonly key: string; readonly processes: number }
  | { readonly event: 'unsuspendable'; readonly key: string }
  | { readonly event: 'unreleased'; readonly key: string; readonly text: string }
  | { readonly event: 'finished'; readonly key: string; readonly exitCode: number };

export interface Holder {
  readonly session: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly sinceMs: number;
}

export type Report = (event: RunEvent) => void;

/** The events that are said without --verbose: those after which something else happens than was asked for. */
const ALWAYS: ReadonlySet<RunEvent['event']> = new Set([
  'ending',
  'lost',
  'killed',
  'leftovers',
  'unstoppable',
  'unsuspendable',
  'unreleased',
]);

/** Whether an event is worth a line. At a terminal somebody is watching, and a lock in danger is worth theirs. */
export function isSaid({ event }: RunEvent, how: { readonly verbose: boolean; readonly terminal: boolean }): boolean {
  if (how.verbose || ALWAYS.has(event)) return true;
  return how.terminal && (event === 'jeopardy' || event === 'safe');
}

/** The event as a line for people. */
export function eventLine(event: RunEvent): string {
  const key = printable(event.key);
  switch (event.event) {
    case 'waiting': {
      const of = event.length === 1 ? '' : ` of ${event.length}`;
      const ahead = event.place === 1 ? `next${of}` : `place ${event.place}${of}`;
      const by =
        event.holder === undefined ? '' : `, held by ${describeHolder(event.holder.session, event.holder.meta)}`;
      const since = event.holder === undefined ? '' : ` for ${formatDuration(event.holder.sinceMs)}`;
      return `waiting for ${key}: ${ahead}${by}${since}`;
    }
    case 'granted':
      return `${key} is ours after ${formatDuration(event.waitedMs)}, token ${event.token}`;
    case 'started':
      return `command started, process ${event.pid}`;
    case 'jeopardy':
      return `the connection is gone: ${key} is safe for another ${formatDuration(event.validForMs)}`;
    case 'safe':
      return `connected again: ${key} is still ours`;
    case 'ending':
      return event.why === 'lease'
        ? `ending the command: the lease of ${key} is over in ${formatDuration(event.validForMs)}`
        : `ending the command: without a connection ${key} can be somebody else's in ${formatDuration(event.validForMs)}`;
    case 'lost':
      return event.ignored
        ? `lost ${key}: ${printable(event.text)}; the command goes on without it (--on-lost=ignore)`
        : `lost ${key}: ${printable(event.text)}; ending the command`;
    case 'killed':
      return 'the command did not end in time: killed';
    case 'leftovers':
      return `the command left ${count(event.processes, 'process', 'processes')} behind: ending them before ${key} is released`;
    case 'unstoppable':
      return `${count(event.processes, 'process', 'processes')} of the command cannot be ended; releasing ${key} all the same`;
    case 'unsuspendable':
      return `not suspended: ${key} would be lost while the command sleeps`;
    case 'unreleased':
      return `could not release ${key}: ${printable(event.text)}; it is free when the session ends`;
    default:
      return `done with ${key}, exit code ${event.exitCode}`;
  }
}

/**
 * Scenario scripts: blocks of commands, `----`, and what the machine says to them. A block is one entry of the log.
 *
 * A line `at 150` gives the log time from then on. `show` prints the state after the block, `restore` makes the machine anew from its
 * own snapshot before it.
 * Lines that begin with `#` are for readers.
 */
import type { Command, Meta, Mode, SessionEndReason } from '../src/commands.js';
import type { Effect } from '../src/effects.js';
import { checkInvariants } from '../src/invariants.js';
import { Machine } from '../src/machine.js';
import { NEVER } from '../src/state.js';
import type { RequestView } from '../src/views.js';

/** Runs a script and returns it with what is said now below each `----`. */
export function runScenario(script: string): string {
  let machine = new Machine();
  let nowMs = 0;
  const output: string[] = [];
  for (const block of script.trim().split(/\n{2,}/)) {
    const [input = ''] = block.split('\n----');
    output.push(input);
    const commands: Command[] = [];
    const lines = input.split('\n').filter((line) => !line.startsWith('#'));
    if (lines.length > 0) {
      let shows = false;
      let timed = false;
      for (const line of lines) {
        if (line === 'show') {
          shows = true;
        } else if (line === 'restore') {
          machine = Machine.restore([...machine.snapshot()]);
        } else if (line.startsWith('at ')) {
          nowMs = Number(line.slice(3));
          timed = true;
        } else {
          commands.push(parseCommand(line));
        }
      }
      const effects: Effect[] = [];
      if (timed || commands.length > 0) {
        const term = machine.term + (commands[0]?.type === 'begin-term' ? 1 : 0);
        machine.apply({ index: machine.index + 1, term, nowMs, commands }, effects);
      }
      checkInvariants(machine);
      output.push('----', ...effects.map(sayEffect), ...(shows ? show(machine) : []));
    }
    output.push('');
  }
  return output.join('\n');
}

/** `name=value` and bare words of a line. */
class Words {
  private readonly words: string[];
  private readonly line: string;

  constructor(line: string) {
    this.line = line;
    this.words = line.split(' ');
  }

  next(): string {
    return this.words.shift() ?? this.fail();
  }

  flag(word: string): boolean {
    const index = this.words.indexOf(word);
    if (index !== -1) {
      this.words.splice(index, 1);
    }
    return index !== -1;
  }

  value(name: string): string | null {
    const index = this.words.findIndex((word) => word.startsWith(`${name}=`));
    return index === -1 ? null : this.words.splice(index, 1)[0]!.slice(name.length + 1);
  }

  number(name: string): number | null {
    const value = this.value(name);
    return value === null ? null : Number(value);
  }

  meta(): Meta | null {
    const entries = this.words.filter((word) => word.startsWith('meta.')).map((word) => word.slice(5).split('='));
    this.words.splice(0, Infinity, ...this.words.filter((word) => !word.startsWith('meta.')));
    return entries.length === 0 ? null : Object.fromEntries(entries);
  }

  done(command: Command): Command {
    return this.words.length === 0 ? command : this.fail();
  }

  fail(): never {
    throw new Error(`not a line of a scenario: ${this.line}`);
  }
}

function parseCommand(line: string): Command {
  const words = new Words(line);
  const first = words.next();
  if (first.includes('.')) {
    return parseRequestCommand(first, words);
  }
  if (first === 'term') {
    const tokenFloor = words.number('floor') ?? words.fail();
    const limits = {
      sessionsMax: words.number('sessions') ?? 10,
      requestsPerSessionMax: words.number('requests') ?? 10,
      queueLengthMax: words.number('queue') ?? 10,
    };
    return words.done({ type: 'begin-term', tokenFloor, limits });
  }
  if (first === 'force') {
    const key = words.next();
    const token = words.number('token');
    const session = words.value('by') ?? words.fail();
    const reason = words.value('reason') ?? '';
    return words.done({ type: 'force-release', key, token, session, call: words.number('call') ?? 1, reason });
  }
  const session = words.next();
  const secretHash = words.value('secret');
  switch (first) {
    case 'open':
      return words.done({ type: 'open-session', session, client: '', timeoutMs: 5000, secretHash });
    case 'resume': {
      const proofHash = words.value('proof') ?? words.fail();
      return words.done({ type: 'resume-session', session, proofHash, secretHash: secretHash ?? words.fail() });
    }
    case 'confirm':
      return words.done({ type: 'confirm-session', session, secretHash: secretHash ?? words.fail() });
    case 'end':
      return words.done({ type: 'end-session', session, reason: words.next() as SessionEndReason });
    default:
      return words.fail();
  }
}

function parseRequestCommand(name: string, words: Words): Command {
  const [session = '', number = ''] = name.split('.');
  const request = Number(number);
  const type = words.next();
  switch (type) {
    case 'acquire': {
      const key = words.next();
      const mode: Mode = words.flag('shared') ? 'shared' : 'exclusive';
      const waitMs = words.flag('try') ? 0 : words.number('wait');
      const leaseMs = words.number('lease');
      const acked = words.number('acked') ?? 0;
      const wantsPlace = words.flag('place');
      const meta = words.meta();
      return words.done({ type, session, request, acked, key, mode, waitMs, leaseMs, wantsPlace, meta });
    }
    case 'release':
    case 'cancel':
      return words.done({ type, session, request });
    case 'extend':
      return words.done({ type, session, request, leaseMs: words.number('lease') });
    default:
      return words.fail();
  }
}

function sayEffect(effect: Effect): string {
  switch (effect.type) {
    case 'session-opened':
      return `session-opened ${effect.session}`;
    case 'session-resumed':
      return `session-resumed ${effect.session} secret=${effect.secretHash}`;
    case 'session-refused':
      return `session-refused ${effect.session} ${effect.code}${say('secret', effect.secretHash)}`;
    case 'session-ended':
      return `session-ended ${effect.session} ${effect.reason}`;
    case 'forced':
      return `forced ${effect.session} call=${effect.call} ${effect.key} ended=${effect.ended}`;
    case 'refused':
      return `refused ${effect.session}.${effect.request} ${effect.command} ${effect.code}`;
    case 'extended':
      return `extended ${effect.session}.${effect.request} lease-end=${effect.leaseEndMs}`;
    case 'queued': {
      const wants = effect.wantsPlace ? ' tell' : '';
      const place = `place=${effect.place}/${effect.length}${wants}`;
      return `queued ${effect.session}.${effect.request} ${effect.key} ${effect.mode} ${place}${tail(effect.meta, effect.again)}`;
    }
    case 'granted': {
      const facts = `token=${effect.token}${say('lease-end', effect.leaseEndMs)}${tail(effect.meta, effect.again)}`;
      return `granted ${effect.session}.${effect.request} ${effect.key} ${effect.mode} ${facts}`;
    }
    case 'ended': {
      const facts = `end=${effect.end}${say('token', effect.token)}${tail(effect.detail, effect.again)}`;
      return `ended ${effect.session}.${effect.request} ${effect.key} ${effect.code} ${facts}`;
    }
  }
}

function say(name: string, value: string | number | null): string {
  return value === null ? '' : ` ${name}=${value}`;
}

function tail(meta: Meta | null, again: boolean): string {
  const entries = Object.entries(meta ?? {}).map(([name, value]) => ` ${name}=${value}`);
  return `${entries.join('')}${again ? ' again' : ''}`;
}

function show(machine: Machine): string[] {
  const { nowMs, nextDueMs, heldCount, waitingCount } = machine;
  const lines = [`now=${nowMs} next-due=${nextDueMs} held=${heldCount} waiting=${waitingCount}`];
  for (const session of machine.sessions()) {
    const { id, secretHash, olderHashes, acked, lastRequest } = session;
    const secrets = `${say('secret', secretHash)}${say('older', olderHashes === null ? null : olderHashes.join())}`;
    lines.push(`session ${id}${secrets} acked=${acked} last-request=${lastRequest}`);
  }
  for (const key of machine.keys()) {
    lines.push(`key ${key.name}`);
    for (const request of key.holders()) {
      lines.push(`  ${sayRequest(request)} token=${request.token}`);
    }
    for (const request of key.queue()) {
      lines.push(`  ${sayRequest(request)} place=${machine.place(request)}`);
    }
  }
  return lines;
}

function sayRequest(request: RequestView): string {
  const due = request.dueMs === NEVER ? null : request.dueMs;
  return `${request.sessionState.id}.${request.number} ${request.mode} since=${request.sinceMs}${say('due', due)}`;
}

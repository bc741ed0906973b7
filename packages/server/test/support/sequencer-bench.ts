/** A sequencer and its machine over a log of the test's choice, on a virtual clock; all that they say is kept. */
import { type Command, type Effect, type Entry, Machine } from '@holdfast/core';
import { ScriptedLog, VirtualClock } from '../../../testing/src/index.js';
import { machineLimits } from '../../src/limits.js';
import { LogFailure, type LogPort } from '../../src/log/port.js';
import { Sequencer } from '../../src/sequencer.js';

export class Bench {
  readonly clock: VirtualClock;
  readonly machine = new Machine();
  readonly sequencer: Sequencer;
  readonly entries: Entry[] = [];
  readonly effects: Effect[] = [];
  readonly failed: Command[] = [];
  readonly fenced: Error[] = [];
  readonly replayed: Entry[] = [];

  constructor(log: LogPort, clock = new VirtualClock()) {
    this.clock = clock;
    this.sequencer = new Sequencer({
      log,
      machine: this.machine,
      clock,
      limits: machineLimits,
      sink: {
        restored: () => undefined,
        replayed: (entry) => this.replayed.push(entry),
        applied: (entry, effects) => {
          this.entries.push(entry);
          this.effects.push(...effects);
        },
        failed: (commands) => this.failed.push(...commands),
        fenced: (reason) => this.fenced.push(reason),
      },
    });
  }

  get tokens(): number[] {
    return this.effects.filter((effect) => effect.type === 'granted').map((effect) => effect.token);
  }
}

export function scripted(): ScriptedLog {
  return new ScriptedLog({ failure: (kind, message) => new LogFailure(kind, message) });
}

/** A started sequencer over a log that waits for its script from now on. */
export async function onScript(): Promise<{ log: ScriptedLog; bench: Bench }> {
  const log = scripted();
  const bench = new Bench(log);
  await bench.sequencer.start();
  bench.sequencer.propose(open('s'));
  await bench.clock.turn();
  bench.entries.length = 0;
  bench.effects.length = 0;
  log.manual();
  return { log, bench };
}

export function open(session: string): Command {
  return { type: 'open-session', session, client: '', timeoutMs: 5_000, secretHash: null };
}

export function acquire(request: number, key: string, leaseMs: number | null = null): Command {
  return {
    type: 'acquire',
    session: 's',
    request,
    acked: 0,
    key,
    mode: 'exclusive',
    waitMs: null,
    leaseMs,
    wantsPlace: false,
    meta: null,
  };
}

export function requestsOf(commands: readonly Command[]): number[] {
  return commands.map((command) => (command.type === 'acquire' ? command.request : -1));
}

export function grantsOf(effects: readonly Effect[]): number[] {
  return effects.filter((effect) => effect.type === 'granted').map((effect) => effect.request);
}

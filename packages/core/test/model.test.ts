import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Effect } from '../src/effects.js';
import { checkInvariants } from '../src/invariants.js';
import { Machine } from '../src/machine.js';
import { compareStates } from './compare.js';
import { Model } from './model.js';
import { entrySequence } from './sequences.js';

const SEQUENCES = 20_000;

describe('the machine and a naive model', () => {
  it('say the same effects and show the same state after every entry of random sequences', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(entrySequence(60), (entries) => {
        const machine = new Machine();
        const model = new Model();
        for (const entry of entries) {
          const effects: Effect[] = [];
          machine.apply(entry, effects);
          const said = JSON.stringify(effects);
          const meant = JSON.stringify(model.apply(entry));
          if (said !== meant) {
            throw new Error(`entry ${entry.index}: the machine says\n${said}\nthe model says\n${meant}`);
          }
          compareStates(machine, model);
          checkInvariants(machine);
          for (const effect of effects) {
            const name = kind(effect);
            seen.set(name, (seen.get(name) ?? 0) + 1);
          }
        }
      }),
      { numRuns: SEQUENCES, seed: 20_260_101 },
    );
    // A generator that drifts away from a rule would leave the comparison without meaning for it.
    const rare = EVERY_KIND.filter((name) => (seen.get(name) ?? 0) < 100);
    expect(rare).toEqual([]);
  });
});

function kind(effect: Effect): string {
  const again = 'again' in effect && effect.again ? ' again' : '';
  const command = effect.type === 'refused' ? ` ${effect.command}` : '';
  const code = 'code' in effect ? ` ${effect.code}` : '';
  return `${effect.type}${command}${code}${again}`;
}

const EVERY_KIND = [
  'session-opened',
  'session-resumed',
  'session-refused SESSION_OVER',
  'session-refused SESSION_LIMIT',
  'session-refused SESSION_TAKEN',
  'session-ended',
  'queued',
  'queued again',
  'granted',
  'granted again',
  'extended',
  'forced',
  ...['RELEASED', 'CANCELLED', 'HELD', 'WAIT_TIMEOUT', 'LEASE_OVER', 'REVOKED'].flatMap((code) => [
    `ended ${code}`,
    `ended ${code} again`,
  ]),
  'ended QUEUE_FULL',
  'ended REQUEST_LIMIT',
  'ended SESSION_OVER',
  'refused acquire REQUEST_SPENT',
  'refused acquire SESSION_OVER',
  ...['release', 'cancel', 'extend'].flatMap((name) => [`refused ${name} NOT_HELD`, `refused ${name} SESSION_OVER`]),
];

import { describe, expect, it } from 'vitest';
import { Waiters } from '../../src/simulator/checkers/waiters.js';
import { FLOOR, Story, TIMEOUT_MS, acquire, release } from './support/story.js';

/** More than any call may take once all is calm. */
const LONG_MS = 20_001 + 3 * TIMEOUT_MS;

function begin(): Story {
  const story = new Story((ledger) => new Waiters(ledger));
  story.start();
  story.open('s1', 's2');
  return story;
}

describe('nobody who waits is forgotten', () => {
  it('so the next one is granted with the step that frees the key', () => {
    const story = begin();
    story.log(acquire('s1', 1), acquire('s2', 1));
    story.log(release('s1', 1));
    story.say('s1', [
      71,
      1,
      5,
      [
        ['ended', 'a', 's1', 1, 'RELEASED', FLOOR + 1],
        ['granted', 'a', 's2', 1, 0, FLOOR + 2, null],
      ],
    ]);
    expect(() => story.finish()).not.toThrow();
  });

  it('and a step that leaves the key free with somebody waiting is seen', () => {
    const story = begin();
    story.log(acquire('s1', 1), acquire('s2', 1));
    story.log(release('s1', 1));
    const events = [['ended', 'a', 's1', 1, 'RELEASED', FLOOR + 1]] as const;
    expect(() => story.say('s1', [71, 1, 5, events])).toThrow(
      'waiters: of step 5 was told: ended s1 1; but it did: ended s1 1, granted s2 1',
    );
  });

  it('and a step that grants to somebody else is seen', () => {
    const story = begin();
    story.log(acquire('s1', 1));
    const events = [['granted', 'a', 's2', 1, 0, FLOOR + 1, null]] as const;
    expect(() => story.say('s1', [71, 1, 4, events])).toThrow(
      'of step 4 was told: granted s2 1; but it did: granted s1 1',
    );
  });

  it('and a step may be told in parts, the last of which names it', () => {
    const story = begin();
    story.log(acquire('s1', 1), acquire('s2', 1));
    const events = [
      ['granted', 'a', 's1', 1, 0, FLOOR + 1, null],
      ['queued', 'a', 's2', 1, 0, 1, null],
    ] as const;
    story.say('s1', [71, 1, 3, events.slice(0, 1)], [71, 2, 4, events]);
    expect(() => story.say('s1', [71, 1, 4, events.slice(0, 1)])).toThrow(
      'of step 4 was told: granted s1 1, granted s1 1',
    );
    const other = begin();
    other.log(acquire('s1', 1), acquire('s2', 1));
    other.say('s1', [71, 1, 3, events.slice(0, 1)]);
    expect(() => other.say('s1', [71, 1, 4, events.slice(1)])).not.toThrow();
  });

  it('and the present state is not taken for what a step did', () => {
    const story = begin();
    story.log(acquire('s1', 1));
    expect(() => story.say('s1', [71, 1, 4, [['state', 'a', [], 1, 0], ['synced']]])).not.toThrow();
  });

  it('though nobody is given a time before all is calm', () => {
    const story = begin();
    story.ask(1, 1);
    story.after(10 * LONG_MS);
    expect(() => story.see({ type: 'fault', what: 'any' })).not.toThrow();
  });

  it('and once all is calm, every call ends in time', () => {
    const story = begin();
    story.ask(1, 1);
    story.ask(2, 2);
    story.see({ type: 'calm' });
    story.after(LONG_MS - 2);
    story.see({ type: 'missed', client: 1, ask: 1, code: 'CLOSED' });
    story.after(2);
    expect(() => story.see({ type: 'fault', what: 'any' })).toThrow('ask 2 of client 2 for a has waited for 23001 ms');
  });

  it('but a process that is gone waits for nothing', () => {
    const story = begin();
    story.ask(1, 1);
    story.see({ type: 'calm' });
    story.see({ type: 'client-stopped', client: 1 });
    story.after(LONG_MS);
    expect(() => story.finish()).not.toThrow();
  });

  it('and nobody still waits at the end', () => {
    const story = begin();
    story.pending.push({
      type: 'asked',
      atMs: 0,
      client: 1,
      ask: 7,
      key: 'a',
      mode: 'shared',
      waitMs: null,
      leaseMs: null,
    });
    expect(() => story.finish()).toThrow('ask 7 of client 1 for a never ended');
  });
});

import { describe, expect, it } from 'vitest';
import { Tokens } from '../../src/simulator/checkers/tokens.js';
import { FLOOR, Story, acquire, release } from './support/story.js';

function begin(): Story {
  const story = new Story((ledger) => new Tokens(ledger));
  story.start();
  story.open('s1', 's2');
  return story;
}

describe('tokens', () => {
  it('go on growing after a restart, from the floor of the term or from where they were', () => {
    const story = begin();
    story.log(acquire('s1', 1), release('s1', 1));
    story.say('s1', [66, 1, FLOOR + 1]);
    story.stop();
    story.start({ floor: 0 });
    story.log(acquire('s1', 2), release('s1', 2));
    story.say('s1', [66, 2, FLOOR + 2]);
    story.stop();
    story.start({ floor: 2 * FLOOR });
    story.log(acquire('s1', 3));
    story.say('s1', [66, 3, 2 * FLOOR + 1]);
    story.see({ type: 'got', client: 1, ask: 1, key: 'a', token: 2 * FLOOR + 1, session: 's1' });
    expect(() => story.finish()).not.toThrow();
  });

  it('are not given twice', () => {
    const story = begin();
    story.log(acquire('s1', 1), acquire('s2', 1, { key: 'b' }));
    expect(() => story.say('s2', [66, 1, FLOOR + 1])).toThrow('has token 102, but 101 was said');
  });

  it('do not begin again with a restart', () => {
    const story = begin();
    story.log(acquire('s1', 1));
    story.stop();
    story.start({ floor: 0 });
    story.log(acquire('s2', 1, { key: 'b' }));
    expect(() => story.say('s2', [66, 1, 1])).toThrow('has token 102, but 1 was said');
  });

  it('do not stay below the floor of the term', () => {
    const story = begin();
    story.stop();
    story.start({ floor: 500 });
    story.log(acquire('s1', 1));
    expect(() => story.say('s1', [66, 1, FLOOR + 1])).toThrow('has token 501, but 101 was said');
  });

  it('are the same for watchers, in lists and at the end', () => {
    const story = begin();
    story.log(acquire('s1', 1), release('s1', 1));
    story.say('s2', [71, 1, 4, [['ended', 'a', 's1', 1, 'RELEASED', FLOOR + 1]]]);
    expect(() => story.say('s2', [71, 1, 4, [['ended', 'a', 's1', 1, 'RELEASED', FLOOR + 2]]])).toThrow('102 was said');
    expect(() => story.say('s2', [71, 1, 4, [['ended', 'a', 's1', 1, 'RELEASED', null]]])).toThrow('null was said');
  });

  it('come from the log and from nowhere else', () => {
    const story = begin();
    expect(() => story.see({ type: 'got', client: 1, ask: 1, key: 'a', token: FLOOR + 1, session: 's1' })).toThrow(
      'client 1 got token 101',
    );
  });
});

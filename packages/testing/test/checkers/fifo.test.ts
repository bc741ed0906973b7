import { describe, expect, it } from 'vitest';
import { Fifo } from '../../src/simulator/checkers/fifo.js';
import { FLOOR, Story, acquire, endSession, release } from './support/story.js';

function begin(): Story {
  const story = new Story((ledger) => new Fifo(ledger));
  story.start();
  story.open('s1', 's2', 's3');
  return story;
}

describe('nobody overtakes', () => {
  it('so who is first in the queue holds next, and those who share hold together', () => {
    const story = begin();
    story.log(acquire('s1', 1), acquire('s2', 1, { mode: 'shared' }), acquire('s3', 1, { mode: 'shared' }));
    story.say('s1', [66, 1, FLOOR + 1]);
    story.log(release('s1', 1));
    story.say('s2', [66, 1, FLOOR + 2]);
    story.say('s3', [66, 1, FLOOR + 3]);
    expect(() => story.finish()).not.toThrow();
  });

  it('whoever came earlier and still waits', () => {
    const story = begin();
    story.log(acquire('s1', 1), acquire('s2', 1), acquire('s3', 1));
    story.log(release('s1', 1));
    expect(() => story.say('s3', [66, 1, FLOOR + 2])).toThrow('before it are: held 1 of s2');
  });

  it('a queued exclusive request with a shared one', () => {
    const story = begin();
    story.log(acquire('s1', 1, { mode: 'shared' }), acquire('s2', 1), acquire('s3', 1, { mode: 'shared' }));
    expect(() => story.say('s3', [66, 1, FLOOR + 2])).toThrow('before it are: held 1 of s1, waiting 1 of s2');
  });

  it('by coming back after its wait was over', () => {
    const story = begin();
    story.log(acquire('s1', 1), acquire('s2', 1, { waitMs: 10 }));
    story.after(10);
    story.log();
    expect(() => story.say('s2', [66, 1, FLOOR + 2])).toThrow('but it had ended with WAIT_TIMEOUT');
  });

  it('because a session ended, but who stood behind it is next', () => {
    const story = begin();
    story.log(acquire('s1', 1), acquire('s2', 1), acquire('s3', 1));
    story.log(endSession('s2', 'closed'));
    story.log(release('s1', 1));
    story.say('s3', [66, 1, FLOOR + 2]);
    expect(() => story.finish()).not.toThrow();
  });

  it('in what watchers are told, either', () => {
    const story = begin();
    story.log(acquire('s1', 1), acquire('s2', 1));
    expect(() => story.say('s3', [71, 1, 5, [['granted', 'a', 's2', 1, 0, FLOOR + 2, null]]])).toThrow(
      'fifo: request 1 of session s2',
    );
  });

  it('in the places that are told', () => {
    const story = begin();
    story.log(acquire('s1', 1), acquire('s2', 1), acquire('s3', 1));
    story.say('s2', [67, 1, 1, 1]);
    story.say('s2', [65, [], [[1, 'a', 0, 1]], true]);
    story.log({ type: 'cancel', session: 's2', request: 1 });
    story.say('s3', [67, 1, 2, 2]);
    story.say('s3', [67, 1, 1, 1]);
    expect(() => story.say('s3', [67, 1, 1, 2])).toThrow(
      'wait at place 1 of 2, but it only was at: 2, 2 of 2, 1, 1 of 1',
    );
    expect(() => story.say('s3', [65, [], [[1, 'a', 0, 3]], true])).toThrow('wait at place 3');
  });
});

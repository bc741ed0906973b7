import { describe, expect, it } from 'vitest';
import { Exclusion } from '../../src/simulator/checkers/exclusion.js';
import { FLOOR, Story, acquire, endSession, openSession, release } from './support/story.js';

function begin(): Story {
  const story = new Story((ledger) => new Exclusion(ledger));
  story.start();
  story.open('s1', 's2');
  return story;
}

describe('two clients that believe to hold one key', () => {
  it('both share it', () => {
    const story = begin();
    story.log(acquire('s1', 1, { mode: 'shared' }), acquire('s2', 1, { mode: 'shared' }));
    story.give(1, 1, FLOOR + 1, { mode: 'shared' });
    expect(() => story.give(2, 2, FLOOR + 2, { mode: 'shared' })).not.toThrow();
  });

  it('are a violation otherwise', () => {
    const story = begin();
    story.log(acquire('s1', 1), release('s1', 1), acquire('s2', 1));
    story.give(1, 1, FLOOR + 1);
    expect(() => story.give(2, 2, FLOOR + 2)).toThrow(
      'exclusion: a is held by client 1 (exclusive, token 101) and client 2 (exclusive, token 102)',
    );
  });

  it('are a violation when one of them shares it', () => {
    const story = begin();
    story.log(acquire('s1', 1, { mode: 'shared' }), release('s1', 1), acquire('s2', 1));
    story.give(1, 1, FLOOR + 1, { mode: 'shared' });
    expect(() => story.give(2, 2, FLOOR + 2)).toThrow(
      'client 1 (shared, token 101) and client 2 (exclusive, token 102)',
    );
  });

  it('are looked for at every write', () => {
    const story = begin();
    story.log(acquire('s1', 1), release('s1', 1), acquire('s2', 1));
    const first = story.give(1, 1, FLOOR + 1);
    first.believes = false;
    story.give(2, 2, FLOOR + 2);
    first.believes = true;
    expect(() => story.write(2, FLOOR + 2)).toThrow('a is held by client 1');
  });

  it('hold different keys without disturbing each other', () => {
    const story = begin();
    story.log(acquire('s1', 1), acquire('s2', 1, { key: 'b' }));
    story.give(1, 1, FLOOR + 1);
    expect(() => story.give(2, 2, FLOOR + 2, { key: 'b' })).not.toThrow();
  });

  it('may do so when the service took the lock from one by force', () => {
    const story = begin();
    story.log(acquire('s1', 1), acquire('s2', 1));
    story.give(1, 1, FLOOR + 1);
    story.log({ type: 'force-release', key: 'a', token: null, session: 's2', call: 1, reason: '' });
    expect(() => story.give(2, 2, FLOOR + 2)).not.toThrow();
  });

  it('may do so when one of them had a session that went with its connection', () => {
    const story = begin();
    story.log(openSession('s3', false), acquire('s3', 1), acquire('s2', 1));
    story.give(3, 1, FLOOR + 1);
    story.log(endSession('s3', 'dropped'));
    expect(() => story.give(2, 2, FLOOR + 2)).not.toThrow();
  });
});

describe('a resource that compares tokens', () => {
  it('accepts what comes in the order of the tokens', () => {
    const story = begin();
    story.write(1, FLOOR + 1);
    story.write(1, FLOOR + 1);
    expect(() => story.write(2, FLOOR + 2)).not.toThrow();
  });

  it('never refuses who rightly holds', () => {
    const story = begin();
    story.log(acquire('s1', 1));
    story.write(2, FLOOR + 2);
    expect(() => story.write(1, FLOOR + 1)).toThrow(
      'client 1 wrote to a with token 101 (in the log: held), but the resource has seen 102',
    );
  });

  it('need not refuse who has lost the lock, because that one knows', () => {
    const story = begin();
    story.log(acquire('s1', 1), endSession('s1', 'silent'), acquire('s2', 1));
    story.write(2, FLOOR + 2);
    expect(() => story.write(1, FLOOR + 1)).toThrow('(in the log: SESSION_OVER)');
  });

  it('refuses the one from whom the lock was taken by force', () => {
    const story = begin();
    story.log(acquire('s1', 1), acquire('s2', 1));
    story.log({ type: 'force-release', key: 'a', token: FLOOR + 1, session: 's2', call: 1, reason: '' });
    story.write(2, FLOOR + 2);
    expect(() => story.write(1, FLOOR + 1)).not.toThrow();
  });
});

import { describe, expect, it } from 'vitest';
import { Grants } from '../../src/simulator/checkers/grants.js';
import { FLOOR, Story, acquire, openSession, release } from './support/story.js';

const TOKEN = FLOOR + 1;

function begin(): Story {
  const story = new Story((ledger) => new Grants(ledger));
  story.start();
  story.open('s1', 's2');
  story.log(acquire('s1', 1));
  story.ask(1, 1);
  return story;
}

function releasing(story: Story, validForMs = 900): void {
  story.see({ type: 'releasing', client: 1, ask: 1, token: TOKEN, validForMs });
}

function released(story: Story): void {
  story.see({ type: 'released', client: 1, ask: 1, token: TOKEN });
}

describe('what user code is given', () => {
  it('is one hold of the log, given once and released once', () => {
    const story = begin();
    story.give(1, 1, TOKEN);
    releasing(story);
    story.log(release('s1', 1));
    released(story);
    story.ask(2, 2);
    story.see({ type: 'missed', client: 2, ask: 2, code: 'WAIT_TIMEOUT' });
    expect(() => story.finish()).not.toThrow();
  });

  it('was asked for', () => {
    const story = begin();
    expect(() => story.give(1, 9, TOKEN)).toThrow('for ask 9, which was never asked');
  });

  it('is in the log', () => {
    const story = begin();
    expect(() => story.give(1, 1, TOKEN + 1)).toThrow(
      'grants: client 1 was given token 102 of a for ask 1, but the log has no such grant',
    );
  });

  it('is not given as two locks', () => {
    const story = begin();
    story.give(1, 1, TOKEN);
    story.ask(1, 2);
    expect(() => story.give(1, 2, TOKEN)).toThrow('and for ask 1 before');
  });

  it('is not given to a call that had its answer', () => {
    const story = begin();
    story.see({ type: 'missed', client: 1, ask: 1, code: 'WAIT_TIMEOUT' });
    expect(() => story.give(1, 1, TOKEN)).toThrow('ask 1 was given a lock, after it was given no lock');
  });

  it('belongs to the session, the key and the mode of the log', () => {
    for (const [wrong, text] of [
      [{ session: 's2' }, 'but the log granted it to session s1'],
      [{ key: 'b' }, 'but it is of a, and a was asked for'],
    ] as const) {
      expect(() => begin().give(1, 1, TOKEN, wrong)).toThrow(text);
    }
    const story = begin();
    story.ask(1, 2, 'a', 'shared');
    expect(() => story.give(1, 2, TOKEN)).toThrow('but it is exclusive, and shared was asked for');
  });
});

describe('a release that resolved', () => {
  it('is durable', () => {
    const story = begin();
    story.give(1, 1, TOKEN);
    releasing(story);
    expect(() => released(story)).toThrow('the release of token 101 by client 1 resolved, but the log has it held');
  });

  it('need not be when the hold was over by the own clock of the client', () => {
    const story = begin();
    story.give(1, 1, TOKEN);
    releasing(story, 900);
    story.after(899);
    expect(() => released(story)).not.toThrow();
  });

  it('need not be when the clock was set meanwhile', () => {
    const story = begin();
    story.give(1, 1, TOKEN);
    releasing(story);
    story.see({ type: 'clock-set', client: 1 });
    expect(() => released(story)).not.toThrow();
  });

  it('need not be when the session went with its connection', () => {
    const story = begin();
    story.log(openSession('s3', false), acquire('s3', 1, { key: 'b' }));
    story.ask(1, 3, 'b');
    story.give(1, 3, TOKEN + 1, { key: 'b', session: 's3' });
    story.see({ type: 'releasing', client: 1, ask: 3, token: TOKEN + 1, validForMs: 900 });
    expect(() => story.see({ type: 'released', client: 1, ask: 3, token: TOKEN + 1 })).not.toThrow();
  });

  it('was called', () => {
    const story = begin();
    expect(() => released(story)).toThrow('client 1 released ask 1 without a release');
  });
});

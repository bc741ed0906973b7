import { describe, expect, it } from 'vitest';
import { DurableFirst } from '../../src/simulator/checkers/durable-first.js';
import { FLOOR, Story, acquire, endSession, openSession, release } from './support/story.js';

const TOKEN = FLOOR + 1;

function begin(): Story {
  const story = new Story((ledger) => new DurableFirst(ledger));
  story.start();
  story.open('s1', 's2');
  return story;
}

describe('nothing is said before it is durable', () => {
  it('and what is durable may be said in every way there is', () => {
    const story = begin();
    story.log(acquire('s1', 1, { leaseMs: 50 }), acquire('s2', 1), acquire('s2', 2, { waitMs: 0 }));
    story.say('s1', [66, 1, TOKEN, 50]);
    story.say('s2', [67, 1, 1, 1], [68, 2, 1, 'HELD']);
    story.say(
      's2',
      [77, 1, 2],
      [
        71,
        1,
        4,
        [
          ['granted', 'a', 's1', 1, 0, TOKEN, null],
          ['queued', 'a', 's2', 1, 0, 1, null],
        ],
      ],
    );
    story.say('s2', [
      73,
      1,
      [
        {
          key: 'a',
          holds: [{ session: 's1', request: 1, mode: 'exclusive', token: TOKEN }],
          queue: [{ session: 's2', request: 1, place: 1 }],
        },
      ],
      false,
    ]);
    story.log({ type: 'extend', session: 's1', request: 1, leaseMs: 90 });
    story.say('s1', [69, 1, 90]);
    story.log(release('s1', 1));
    story.say('s1', [68, 1, 1]);
    story.say('s2', [66, 1, TOKEN + 1]);
    story.log({ type: 'resume-session', session: 's2', proofHash: 'first', secretHash: 'second' });
    story.welcome('s2', { resumed: true, lastRequest: 2 });
    story.say('s2', [65, [[1, 'a', 0, TOKEN + 1, null]], [], true]);
    expect(() => story.finish()).not.toThrow();
  });

  it('nor a session', () => {
    const story = begin();
    expect(() => story.welcome('s3')).toThrow('durable-first: a welcome names session s3');
  });

  it('nor a session in a list', () => {
    const story = begin();
    expect(() => story.say('s1', [73, 1, [{ session: 's3' }], false])).toThrow('session s3 was named');
  });

  it('nor a term', () => {
    const story = begin();
    story.log(openSession('s3'));
    expect(() => story.welcome('s3', { term: 2 })).toThrow('names term 2, but 1 is durable');
  });

  it('nor a resume', () => {
    const story = begin();
    expect(() => story.welcome('s1', { resumed: true })).toThrow('told of resume 1, which is not durable');
  });

  it('nor a resume that the log refused', () => {
    const story = begin();
    story.log({ type: 'resume-session', session: 's1', proofHash: 'wrong', secretHash: 'second' });
    expect(() => story.welcome('s1', { resumed: true })).toThrow('told of resume 1, which is not durable');
  });

  it('nor that a request number was used', () => {
    const story = begin();
    expect(() => story.welcome('s1', { lastRequest: 1 })).toThrow('says that session s1 had request 1');
  });

  it('nor a grant', () => {
    const story = begin();
    story.append(acquire('s1', 1));
    expect(() => story.say('s1', [66, 1, TOKEN])).toThrow(
      'held was said of request 1 of session s1, but the request is not durable',
    );
  });

  it('nor an end', () => {
    const story = begin();
    story.log(acquire('s1', 1));
    story.append(release('s1', 1));
    expect(() => story.say('s1', [68, 1, 1])).toThrow(
      'ended was said of request 1 of session s1 with RELEASED, but it is held',
    );
  });

  it('nor another end than that of the log', () => {
    const story = begin();
    story.log(acquire('s1', 1), release('s1', 1));
    expect(() => story.say('s1', [68, 1, 1, 'LEASE_OVER'])).toThrow('with LEASE_OVER, but it is RELEASED');
    expect(() => story.say('s1', [68, 1, 2])).toThrow('as ending 2, but it is ending 1');
  });

  it('nor a refusal', () => {
    const story = begin();
    story.log(acquire('s1', 1), release('s1', 1), release('s1', 9), acquire('s9', 1));
    story.log(acquire('s1', 2, { acked: 1 }), acquire('s1', 1));
    story.say('s1', [70, 3, 9, 'NOT_HELD', 'never', ''], [70, 2, 1, 'REQUEST_SPENT', 'never', '']);
    expect(() => story.say('s1', [70, 3, 1, 'NOT_HELD', 'never', ''])).toThrow(
      'release of request 1 of session s1 was said to be NOT_HELD, which the log does not have',
    );
  });

  it('nor an extension', () => {
    const story = begin();
    story.log(acquire('s1', 1, { leaseMs: 50 }));
    story.append({ type: 'extend', session: 's1', request: 1, leaseMs: 90 });
    expect(() => story.say('s1', [69, 1, 90])).toThrow('to 90, which it never had');
    expect(() => story.say('s1', [66, 1, TOKEN, 90])).toThrow('with the end of lease 90, which it never had');
  });

  it('nor a mode or a key that it does not have', () => {
    const story = begin();
    story.log(acquire('s1', 1));
    expect(() => story.say('s1', [65, [[1, 'a', 1, TOKEN, null]], [], true])).toThrow('as shared, but it is exclusive');
    expect(() => story.say('s1', [65, [[1, 'b', 0, TOKEN, null]], [], true])).toThrow('on key b, but it is for a');
  });

  it('nor a position of the log', () => {
    const story = begin();
    expect(() => story.say('s1', [77, 1, 4])).toThrow('position 4 was said, but 3 is durable');
  });

  it('and a request that was turned away may be told so', () => {
    const story = begin();
    story.log(acquire('s1', 1), ...[1, 2, 3, 4].map((request) => acquire('s2', request)));
    story.say('s2', [68, 4, 0, 'QUEUE_FULL']);
    expect(() => story.say('s2', [68, 3, 0, 'QUEUE_FULL'])).toThrow('with QUEUE_FULL, but it is waiting');
  });

  it('and an end of a session ends its requests', () => {
    const story = begin();
    story.log(acquire('s1', 1), endSession('s1', 'closed'));
    story.say('s2', [71, 1, 4, [['ended', 'a', 's1', 1, 'SESSION_OVER', TOKEN]]]);
    expect(() => story.finish()).not.toThrow();
  });
});

import { describe, expect, it } from 'vitest';
import { Sessions } from '../../src/simulator/checkers/sessions.js';
import { Story, TIMEOUT_MS, acquire, endSession, openSession } from './support/story.js';

function begin(): Story {
  const story = new Story((ledger) => new Sessions(ledger));
  story.start();
  story.open('s1');
  return story;
}

describe('a silent session', () => {
  it('ends a whole time-out after it was heard last', () => {
    const story = begin();
    story.after(500);
    story.hear('s1');
    story.after(TIMEOUT_MS);
    story.log(endSession('s1', 'silent'));
    expect(() => story.finish()).not.toThrow();
  });

  it('does not end before that', () => {
    const story = begin();
    story.after(500);
    story.hear('s1');
    story.after(TIMEOUT_MS - 20);
    expect(() => story.log(endSession('s1', 'silent'))).toThrow('ends as silent 980 ms after it was heard');
  });

  it('may be heard while its end is on the way to the disk', () => {
    const story = begin();
    story.after(TIMEOUT_MS);
    const entry = story.append(endSession('s1', 'silent'));
    story.hear('s1');
    story.after(300);
    expect(() => story.durable(entry)).not.toThrow();
  });

  it('is not kept by what arrives on a connection that it has left', () => {
    const story = begin();
    story.log({ type: 'resume-session', session: 's1', proofHash: 'first', secretHash: 'second' });
    story.welcome('s1', { resumed: true }, 77);
    story.hear('s1', 77);
    story.after(TIMEOUT_MS - 1);
    story.hear('s1');
    story.after(1);
    expect(() => story.log(endSession('s1', 'silent'))).not.toThrow();
  });

  it('has a whole time-out from the start of a server', () => {
    const story = begin();
    story.stop();
    story.after(3 * TIMEOUT_MS);
    story.start();
    story.after(TIMEOUT_MS - 100);
    expect(() => story.log(endSession('s1', 'silent'))).toThrow("ends as silent 900 ms after the server's start");
  });

  it('exists', () => {
    const story = begin();
    expect(() => story.log(endSession('s9', 'silent'))).toThrow('session s9, which is not durable, ends as silent');
  });
});

describe('a dropped session', () => {
  it('is one that does not outlive its connection', () => {
    const story = begin();
    story.log(openSession('s2', false));
    story.welcome('s2');
    story.log(endSession('s2', 'dropped'));
    expect(() => story.log(endSession('s1', 'dropped'))).toThrow(
      'session s1 ends as dropped, but it outlives its connection',
    );
  });

  it('or one whose client never learned of it', () => {
    const story = begin();
    story.log(openSession('s2'));
    expect(() => story.log(endSession('s2', 'dropped'))).not.toThrow();
  });
});

describe('a client that has a session', () => {
  function haveOne(isResumable = true): Story {
    const story = begin();
    story.see({ type: 'client-started', client: 1 });
    story.log(openSession('s2', isResumable, 'client 1'));
    story.welcome('s2');
    story.log(acquire('s2', 1));
    return story;
  }

  function giveAnother(story: Story, connection = 3): void {
    story.log(openSession('s3', true, 'client 1'));
    story.welcome('s3', {}, connection);
  }

  it('is given another one when the first has ended', () => {
    const story = haveOne();
    story.log(endSession('s2', 'closed'));
    expect(() => giveAnother(story)).not.toThrow();
  });

  it('or when the end of it was decided', () => {
    const story = haveOne();
    story.see({
      type: 'appending',
      life: 1,
      entry: { index: 5, term: 1, nowMs: 0, commands: [endSession('s2', 'closed')] },
    });
    expect(() => giveAnother(story)).not.toThrow();
  });

  it('but not while the first could be resumed', () => {
    expect(() => giveAnother(haveOne())).toThrow('client 1 is given session s3, but its session s2 lives');
  });

  it('unless that one does not outlive its connection', () => {
    expect(() => giveAnother(haveOne(false))).not.toThrow();
  });

  it('or was never spoken in', () => {
    const story = begin();
    story.log(openSession('s2', true, 'client 1'));
    story.welcome('s2');
    expect(() => giveAnother(story)).not.toThrow();
  });

  it('or is newer than the connection on which the other one was asked for', () => {
    expect(() => giveAnother(haveOne(), 1)).not.toThrow();
  });

  it('or belonged to a program that is gone, or was given up by it', () => {
    for (const type of ['client-started', 'client-renewed'] as const) {
      const story = haveOne();
      story.see({ type, client: 1 });
      expect(() => giveAnother(story)).not.toThrow();
    }
  });
});

describe('log time', () => {
  it('goes on with the clock of the server', () => {
    const story = begin();
    story.after(1_000);
    expect(() => story.log()).not.toThrow();
  });

  it('does not run ahead of it', () => {
    const story = begin();
    story.after(1_000);
    const appending = { type: 'appending', life: 1, entry: { index: 3, term: 1, nowMs: 1_020, commands: [] } } as const;
    expect(() => story.see(appending)).toThrow('log time went on by 1020 ms within 1011 ms of a term');
  });

  it('stands still while there is no server', () => {
    const story = begin();
    story.stop();
    story.after(5_000);
    expect(() => story.start({ logJumpMs: 5_000 })).toThrow('log time goes on by 5000 ms while there is no server');
  });
});

describe('what a session has', () => {
  it('is gone in time when its client is', () => {
    const story = begin();
    story.log(acquire('s1', 1));
    story.hear('s1');
    story.after(4_000);
    expect(() => story.finish()).not.toThrow();
    story.after(100);
    expect(() => story.finish()).toThrow('session s1 was not heard for 4100 ms, and has a still held');
  });
});

import { describe, expect, it } from 'vitest';
import { ClientsView } from '../../src/simulator/checkers/clients-view.js';
import { FLOOR, type Held, Story, TIMEOUT_MS, acquire, endSession } from './support/story.js';

const TOKEN = FLOOR + 1;

function begin(): Story {
  const story = new Story((ledger) => new ClientsView(ledger));
  story.start();
  story.open('s1', 's2');
  story.log(acquire('s1', 1, { leaseMs: TIMEOUT_MS }));
  return story;
}

function show(story: Story, state: 'held' | 'jeopardy'): void {
  story.see({ type: 'lock-state', client: 1, ask: 1, token: TOKEN, state, why: null });
}

describe('a client whose hold ends', () => {
  let story: Story;
  let lock: Held;

  function hold(): void {
    story = begin();
    lock = story.give(1, 1, TOKEN);
  }

  it('knows it by then', () => {
    hold();
    lock.believes = false;
    story.after(TIMEOUT_MS);
    story.log();
    expect(() => story.finish()).not.toThrow();
  });

  it('does not believe in a lease that is over', () => {
    hold();
    story.after(TIMEOUT_MS);
    expect(() => story.log()).toThrow(
      'clients-view: client 1 believes to hold a with token 101, but it has ended with LEASE_OVER',
    );
  });

  it('does not believe in a session that is over', () => {
    hold();
    expect(() => story.log(endSession('s1', 'silent'))).toThrow('but it has ended with SESSION_OVER');
  });

  it('does not believe in what it has released', () => {
    hold();
    expect(() => story.log({ type: 'release', session: 's1', request: 1 })).toThrow('but it has ended with RELEASED');
  });

  it('may believe in what was taken by force', () => {
    hold();
    const force = { type: 'force-release', key: 'a', token: null, session: 's2', call: 1, reason: '' } as const;
    expect(() => story.log(force)).not.toThrow();
  });

  it('is not given it afterwards', () => {
    story = begin();
    story.log(endSession('s1', 'silent'));
    expect(() => story.give(1, 1, TOKEN)).toThrow('but it has ended with SESSION_OVER');
  });
});

describe('a lock that comes back to held', () => {
  it('was on the list of a resume', () => {
    const story = begin();
    show(story, 'jeopardy');
    story.welcome('s1', { resumed: true });
    expect(() => show(story, 'held')).not.toThrow();
  });

  it('may have ended since that list was made', () => {
    const story = begin();
    story.welcome('s1', { resumed: true });
    story.after(TIMEOUT_MS);
    story.log();
    expect(() => show(story, 'held')).not.toThrow();
  });

  it('had not ended before', () => {
    const story = begin();
    story.after(TIMEOUT_MS);
    story.log();
    story.after(10);
    story.welcome('s1', { resumed: true });
    expect(() => show(story, 'held')).toThrow('as held again, but it had ended with LEASE_OVER before');
  });

  it('was granted', () => {
    const story = begin();
    expect(() => story.see({ type: 'lock-state', client: 1, ask: 1, token: 7, state: 'held', why: null })).toThrow(
      'client 1 shows token 7, which the log never granted',
    );
  });
});

describe('a client that was told that its hold is over', () => {
  function lose(story: Story, why: 'SESSION_OVER' | 'DEADLINE'): void {
    story.see({ type: 'lock-state', client: 1, ask: 1, token: TOKEN, state: 'lost', why });
  }

  it('was told the truth', () => {
    const story = begin();
    story.log(endSession('s1', 'silent'));
    expect(() => lose(story, 'SESSION_OVER')).not.toThrow();
  });

  it('may have been told before the end was durable', () => {
    const story = begin();
    story.append(endSession('s1', 'silent'));
    expect(() => lose(story, 'SESSION_OVER')).not.toThrow();
  });

  it('has not lost what the service still has', () => {
    const story = begin();
    expect(() => lose(story, 'SESSION_OVER')).toThrow(
      'client 1 lost token 101 of a (SESSION_OVER), but the log has it held',
    );
  });

  it('may give it up by its own clock', () => {
    const story = begin();
    expect(() => lose(story, 'DEADLINE')).not.toThrow();
  });
});

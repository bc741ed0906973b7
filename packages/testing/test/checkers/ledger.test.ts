import { describe, expect, it } from 'vitest';
import { Story } from './support/story.js';

const EMPTY: readonly never[] = [];

describe('the log', () => {
  it('is one sequence over the lives of a server', () => {
    const story = new Story();
    story.start();
    story.open('s1');
    story.stop();
    story.after(500);
    story.start();
    story.open('s2');
    expect(() => story.finish()).not.toThrow();
  });

  it('changes nothing that was durable', () => {
    const story = new Story();
    story.start();
    const entry = story.append();
    story.durable(entry);
    expect(() => story.durable(entry)).toThrow('log: entry 2 was durable before');
  });

  it('has no gap', () => {
    const story = new Story();
    story.start();
    story.append();
    expect(() => story.durable(story.append())).toThrow('log: entry 3 came after entry 1');
  });

  it('never falls back to an earlier term', () => {
    const story = new Story();
    story.start();
    story.start();
    expect(() => story.durable({ index: 3, term: 1, nowMs: 0, commands: EMPTY })).toThrow('has term 1, after term 2');
  });

  it('never falls back in time', () => {
    const story = new Story();
    story.start();
    story.after(10);
    story.open('s1');
    expect(() => story.durable({ index: 3, term: 1, nowMs: 9, commands: EMPTY })).toThrow('log time fell at entry 3');
  });

  it('begins each term with what begins a term', () => {
    const story = new Story();
    story.start();
    expect(() => story.durable({ index: 2, term: 2, nowMs: 0, commands: EMPTY })).toThrow('does not begin its term');
  });

  it('is not empty', () => {
    expect(() => new Story().finish()).toThrow('nothing ever was durable');
  });
});

/**
 * What the other checkers look things up in: the model of all that is durable, what the latest event made durable, and what it said.
 * As a checker of its own it holds the log to being one sequence: what was durable once never changes.
 */
import type { Entry } from '@holdfast/core';
import { type Checker, type TraceEvent, Violation } from '../trace.js';
import { Model } from './model.js';
import type { Happening, Step } from './records.js';
import { type Told, statementsOf } from './told.js';

export class Ledger implements Checker {
  readonly name = 'log';
  readonly model = new Model();
  /** By index. */
  readonly steps = new Map<number, Step>();
  #index = 0;
  #term = 0;
  #news: readonly Step[] = [];
  #told: readonly Told[] = [];

  /** Index and term of the last durable entry; 0 before the first. */
  get index(): number {
    return this.#index;
  }

  get term(): number {
    return this.#term;
  }

  /** What the present event made durable; empty unless it is a `durable`. Every checker is given an event before the next one happens. */
  get news(): readonly Step[] {
    return this.#news;
  }

  /** What the present event says; empty unless it is a `said`. */
  get told(): readonly Told[] {
    return this.#told;
  }

  see(event: TraceEvent): void {
    this.#news = event.type === 'durable' ? event.entries.map((entry) => this.#add(entry, event.atMs)) : [];
    this.#told = event.type === 'said' ? statementsOf(event) : [];
  }

  finish(): void {
    if (this.#index === 0) throw new Violation(this.name, 'nothing ever was durable');
  }

  #add(entry: Entry, atMs: number): Step {
    const { index, term, nowMs, commands } = entry;
    if (index <= this.#index)
      throw new Violation(this.name, `entry ${index} was durable before, and ${this.#index} is the last one`);
    if (index > this.#index + 1) throw new Violation(this.name, `entry ${index} came after entry ${this.#index}`);
    if (term < this.#term) throw new Violation(this.name, `entry ${index} has term ${term}, after term ${this.#term}`);
    if (nowMs < this.model.nowMs) throw new Violation(this.name, `log time fell at entry ${index}`);
    if (term > this.#term !== (commands[0]?.type === 'begin-term')) {
      throw new Violation(this.name, `entry ${index} of term ${term} does not begin its term, or begins it again`);
    }
    this.#index = index;
    this.#term = term;
    const happenings: readonly Happening[] = this.model.apply(entry, atMs);
    const step = { index, happenings };
    this.steps.set(index, step);
    return step;
  }
}

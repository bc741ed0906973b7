/** Facts that show that runs did something: each of them is to be seen now and then, or a rule is tested by nothing. */
import { MessageType } from '@holdfast/protocol';
import type { TraceEvent } from './trace.js';

export class Counters {
  readonly #counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  /** Sorted by name. */
  toObject(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].toSorted(([left], [right]) => (left < right ? -1 : 1)));
  }

  readonly see = (event: TraceEvent): void => {
    switch (event.type) {
      case 'said':
        for (const message of event.messages) {
          if (message[0] === MessageType.granted) this.add('grants said');
          else if (message[0] === MessageType.welcome) this.add(message[1].resumed ? 'resumes' : 'sessions opened');
        }
        break;
      case 'durable':
        this.add('entries', event.entries.length);
        for (const { commands } of event.entries) {
          for (const command of commands) {
            if (command.type === 'end-session') this.add(`sessions ended: ${command.reason}`);
            else if (command.type === 'begin-term') this.add('terms');
          }
        }
        break;
      case 'got':
        this.add('locks got');
        break;
      case 'lock-state':
        this.add(`locks ${event.state}`);
        break;
      case 'missed':
        this.add('asks missed');
        break;
      case 'fault':
        this.add(`fault: ${/^[a-z-]+/.exec(event.what)?.[0] ?? event.what}`);
        break;
      default:
    }
  };
}

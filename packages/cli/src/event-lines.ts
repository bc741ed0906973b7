/** Watch events (PROTOCOL.md, 5) as lines for people: time, what, key, who, how. */
import type { HoldView, WatchEvent } from '@holdfast/client';
import { describeHolder, padTo, printable, textWidth } from './text.js';

const KIND_WIDTH = 9;
/** Columns grow with what they have shown, up to this: one long name must not push everything else off the screen. */
const COLUMN_WIDTH_MAX = 40;

/**
 * Makes the lines. It remembers who asked, because endings do not say it; what it remembers goes with the request, so it is never more
 * than what is held and waited for.
 */
export class EventLines {
  readonly #who = new Map<string, string>();
  #keyWidth = 8;
  #whoWidth = 8;

  line(event: WatchEvent | { readonly kind: 'gap' }, at: Date): string {
    switch (event.kind) {
      case 'queued':
        return this.#line(at, 'queued', event.key, this.#remember(event), `${event.mode}, place ${event.place}`);
      case 'granted':
        return this.#line(at, 'granted', event.key, this.#remember(event), `${event.mode}, token ${event.token}`);
      case 'ended': {
        const id = idOf(event);
        const who = this.#who.get(id) ?? printable(event.session);
        this.#who.delete(id);
        const what = event.token === null ? 'stopped waiting' : `token ${event.token}`;
        return this.#line(at, 'ended', event.key, who, `${endingText(event.code)}, ${what}`);
      }
      case 'state': {
        for (const hold of event.holds) this.#remember(hold);
        const [first] = event.holds;
        const waiting = `${event.waiting} waiting`;
        if (first === undefined) return this.#line(at, 'state', event.key, 'nobody', waiting);
        const others = event.held > 1 ? ` and ${event.held - 1} more` : '';
        const who = `${describeHolder(first.session, first.meta)}${others}`;
        return this.#line(at, 'state', event.key, who, `${first.mode}, token ${first.token}, ${waiting}`);
      }
      case 'synced':
        return `${timeOf(at)}  ${padTo('synced', KIND_WIDTH)}that was everything held or waited for`;
      default:
        this.#who.clear();
        return `${timeOf(at)}  ${padTo('gap', KIND_WIDTH)}events are missing here; what follows is the present state`;
    }
  }

  #remember(request: Pick<HoldView, 'session' | 'request' | 'meta'>): string {
    const who = describeHolder(request.session, request.meta);
    this.#who.set(idOf(request), who);
    return who;
  }

  #line(at: Date, kind: string, key: string, who: string, how: string): string {
    const name = printable(key);
    this.#keyWidth = widened(this.#keyWidth, name);
    this.#whoWidth = widened(this.#whoWidth, who);
    return `${timeOf(at)}  ${padTo(kind, KIND_WIDTH)}${padTo(name, this.#keyWidth)}  ${padTo(who, this.#whoWidth)}  ${how}`;
  }
}

function idOf({ session, request }: Pick<HoldView, 'session' | 'request'>): string {
  return `${request} ${session}`;
}

function widened(width: number, text: string): number {
  return Math.max(width, Math.min(COLUMN_WIDTH_MAX, textWidth(text)));
}

/** `WAIT_TIMEOUT` as `wait timeout`. */
function endingText(code: string): string {
  return printable(code).toLowerCase().replaceAll('_', ' ');
}

/** Local time of day with milliseconds: `12:03:04.123`. */
function timeOf(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

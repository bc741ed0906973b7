/** Answers `query` messages from the machine's state. */
import type { KeyView, MachineView, SessionView } from '@holdfast/core';
import {
  ERROR_RETRY,
  MessageType,
  QUERY_ROWS_DEFAULT,
  type QueryMessage,
  type ResultMessage,
} from '@holdfast/protocol';
import type { Outbox } from './outbox.js';
import { BadPattern, Pattern } from './pattern.js';
import {
  type Row,
  keyRowBytes,
  keyStatus,
  keyStatusBytes,
  keySummary,
  serverRow,
  sessionRow,
  textBytes,
} from './rows.js';
import type { Scan, Scanner } from './scans.js';

export interface QueriesParts {
  readonly machine: MachineView;
  readonly scanner: Scanner;
  /** Whether a session has a connection now. */
  readonly isConnected: (session: string) => boolean;
  readonly facts: () => { node: string; version: string; draining: boolean; position: number };
  /** Log time now. */
  readonly nowMs: () => number;
}

export class Queries {
  readonly #parts: QueriesParts;

  constructor(parts: QueriesParts) {
    this.#parts = parts;
  }

  /** Answers now, or begins to; `over` is called when the last row was sent or the question was refused. */
  answer([, call, what, options]: QueryMessage, outbox: Outbox, over: () => void): void {
    const { machine, facts, nowMs } = this.#parts;
    const limit = options.limit ?? QUERY_ROWS_DEFAULT;
    if (what === 'key') {
      // One row, and a list all the same: it can be large, and a reader that is behind has to wait for it.
      this.#scan(outbox, call, [options.key ?? ''].values(), 1, over, (name) => {
        const key = machine.key(name);
        return {
          row: keyStatus(name, key, nowMs()),
          bytes: key === undefined ? 64 + textBytes(name) : keyStatusBytes(key),
        };
      });
    } else if (what === 'server') {
      this.#result(outbox, call, [serverRow(machine, facts(), nowMs())], 512, false);
      over();
    } else if (what === 'sessions') {
      this.#scan(outbox, call, machine.sessions()[Symbol.iterator](), limit, over, (session: SessionView) => ({
        row: sessionRow(session, this.#parts.isConnected(session.id), nowMs()),
        bytes: 160 + textBytes(session.client),
      }));
    } else {
      this.#keys(call, options.pattern ?? '**', limit, outbox, over);
    }
  }

  #keys(call: number, source: string, limit: number, outbox: Outbox, over: () => void): void {
    const { machine, nowMs } = this.#parts;
    let pattern: Pattern;
    try {
      pattern = new Pattern(source);
    } catch (error) {
      if (!(error instanceof BadPattern)) throw error;
      outbox.push(
        [MessageType.error, MessageType.query, call, 'BAD_PATTERN', ERROR_RETRY.BAD_PATTERN, error.message],
        256,
      );
      over();
      return;
    }
    let keys: Iterator<KeyView> = machine.keys();
    if (pattern.key !== null) {
      const only = machine.key(pattern.key);
      keys = (only === undefined ? [] : [only])[Symbol.iterator]();
    }
    this.#scan(outbox, call, keys, limit, over, (key) =>
      pattern.matches(key.name) ? { row: keySummary(key, nowMs()), bytes: keyRowBytes(key) } : null,
    );
  }

  #scan<T>(
    outbox: Outbox,
    call: number,
    items: Iterator<T>,
    limit: number,
    over: () => void,
    row: Scan<T, Row>['row'],
  ): void {
    this.#parts.scanner.start<T, Row>({
      outbox,
      items,
      remaining: limit,
      cancelled: false,
      row,
      page: (rows, bytes, done) => {
        this.#result(outbox, call, rows, bytes, !done);
        if (done) over();
      },
    });
  }

  #result(outbox: Outbox, call: number, rows: readonly Row[], bytes: number, more: boolean): void {
    const message: ResultMessage = [MessageType.result, call, rows, more];
    outbox.push(message, 16 + bytes);
  }
}

/** Where the commands write: lines for people on standard error, results on standard output, and one line that is rewritten in place. */
import { styleText } from 'node:util';
import type { WriteStream } from 'node:tty';
import { cutTo } from './text.js';

export type Format = Parameters<typeof styleText>[0];

/** Colours the text when this stream is a terminal that wants colours (NO_COLOR and FORCE_COLOR are honoured by Node). */
export function paint(stream: NodeJS.WritableStream, format: Format, text: string): string {
  return styleText(format, text, { stream });
}

/** One line on standard error, behind the program's name. */
export function note(text: string): void {
  process.stderr.write(`holdfast: ${text}\n`);
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One JSON value a line: a line is a whole value even when the reader goes away in between. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Columns that a table may take: those of the terminal, or no limit in a pipe. */
export function columnsMax(stream: WriteStream): number {
  return stream.isTTY ? stream.columns : Number.POSITIVE_INFINITY;
}

/**
 * Lets a reader that has seen enough (`holdfast watch | head -1`) end the command quietly.
 * Standard error gets the same treatment: a closed terminal must not end `run` before its command is looked after.
 */
export function tolerateClosedPipes(onOutputClosed: () => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    onOutputClosed();
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

/** A line on a terminal that later updates replace. In a pipe it says nothing. */
export class StatusLine {
  readonly #stream: WriteStream;
  #shown = false;

  constructor(stream: WriteStream) {
    this.#stream = stream;
  }

  get visible(): boolean {
    return this.#stream.isTTY;
  }

  update(text: string): void {
    if (!this.visible) return;
    this.#stream.write(`\r\u001b[K${cutTo(text, this.#stream.columns - 1)}`);
    this.#shown = true;
  }

  clear(): void {
    if (!this.#shown) return;
    this.#stream.write('\r\u001b[K');
    this.#shown = false;
  }
}

/** What `holdfast log inspect` finds, as lines for people. */
import type { InspectLine } from '@holdfast/server';
import { count, formatDuration, printable } from './text.js';

type Line<Type extends InspectLine['type']> = Extract<InspectLine, { type: Type }>;

/** A segment whose records are still coming. */
interface Segment {
  readonly line: Line<'segment'>;
  records: number;
  entries: number;
  lastTerm: number;
}

export class InspectLines {
  readonly #withRecords: boolean;
  #segment: Segment | null = null;

  constructor(withRecords: boolean) {
    this.#withRecords = withRecords;
  }

  /** The text of the next line of what was found; empty when it waits for what follows. */
  add(line: InspectLine): readonly string[] {
    switch (line.type) {
      case 'segment': {
        const before = this.#segmentEnd();
        this.#segment = { line, records: 0, entries: 0, lastTerm: 0 };
        return this.#withRecords ? [...before, `${line.file}:`] : before;
      }
      case 'record':
        return this.#record(line);
      case 'snapshot':
        return [...this.#segmentEnd(), snapshotText(line)];
      case 'problem':
        return [...this.#segmentEnd(), problemText(line)];
      case 'summary':
        return [...this.#segmentEnd(), summaryText(line)];
    }
  }

  #record(line: Line<'record'>): readonly string[] {
    if (this.#segment !== null) {
      this.#segment.records += 1;
      this.#segment.entries += line.entries.length;
      this.#segment.lastTerm = line.term;
    }
    return this.#withRecords ? recordTexts(line) : [];
  }

  #segmentEnd(): readonly string[] {
    const segment = this.#segment;
    if (segment === null) return [];
    this.#segment = null;
    const { file, bytes, firstIndex } = segment.line;
    const range = segment.entries === 0 ? 'no entries' : `entries ${firstIndex} to ${firstIndex + segment.entries - 1}`;
    const terms = segment.lastTerm === 0 ? '' : `, up to term ${segment.lastTerm}`;
    return [`${file}: ${range} in ${count(segment.records, 'record')}${terms}, ${formatBytes(bytes)}`];
  }
}

function recordTexts({ offset, term, entries, syncedBefore }: Line<'record'>): readonly string[] {
  const window = syncedBefore ? '' : ', written before what precedes it was flushed';
  if (entries.length === 0) return [`  at ${offset}: term ${term} begins${window}`];
  return [
    `  at ${offset}: ${count(entries.length, 'entry', 'entries')} of term ${term}${window}`,
    ...entries.flatMap(({ index, nowMs, commands }) => [
      `    ${index} at ${formatDuration(nowMs)}${commands.length === 0 ? ': time passes' : ''}`,
      ...commands.map((command) => `      ${commandText(command)}`),
    ]),
  ];
}

/** `acquire session=… request=1 …`: everything that is in it. */
function commandText({ type, ...facts }: Line<'record'>['entries'][number]['commands'][number]): string {
  const parts = Object.entries(facts).map(([name, value]) => {
    // Where one value ends and the next one begins has to be seen.
    const text = typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
    return `${name}=${printable(text)}`;
  });
  return [type, ...parts].join(' ');
}

function snapshotText({ file, index, term, bytes, rows }: Line<'snapshot'>): string {
  const kinds = Object.entries(rows).map(([kind, rowCount]) => `${rowCount} ${printable(kind)}`);
  return `${file}: the state after entry ${index} of term ${term}, ${formatBytes(bytes)}, rows: ${kinds.join(', ')}`;
}

function problemText({ file, offset, kind, message }: Line<'problem'>): string {
  const where = `${printable(file)} at byte ${offset}`;
  if (kind === 'torn') return `${where}: torn by a crash, and cut off at the next start: ${printable(message)}`;
  return `${where}: ${kind === 'newer-format' ? 'newer format' : kind}: ${printable(message)}`;
}

function summaryText({
  damaged,
  entries,
  firstIndex,
  lastIndex,
  records,
  segments,
  snapshots,
}: Line<'summary'>): string {
  const range = entries === 0 ? 'no entries' : `entries ${firstIndex} to ${lastIndex}`;
  const files = `${count(records, 'record')} of ${count(segments, 'segment')}, ${count(snapshots, 'snapshot')}`;
  return `${damaged === 0 ? 'sound' : `not sound, ${count(damaged, 'problem')}`}: ${range} in ${files}`;
}

/** `17 bytes`, `1.2 KiB`, `16 MiB`. */
function formatBytes(bytes: number): string {
  if (bytes < 1_024) return count(bytes, 'byte');
  const [value, unit] = bytes < 1_024 ** 2 ? [bytes / 1_024, 'KiB'] : [bytes / 1_024 ** 2, 'MiB'];
  return `${value.toFixed(1).replace(/\.0$/, '')} ${unit}`;
}

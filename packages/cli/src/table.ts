/** A table for a terminal: columns as wide as their widest cell, two spaces between, no rules and no padding at line ends. */
import { cutTo, padTo, textWidth } from './text.js';

export interface Column {
  readonly title: string;
  /** Numbers stand right. */
  readonly align?: 'left' | 'right';
}

/**
 * The lines of a table, the header first. Cells must be printable already.
 * With `columnsMax`, lines are cut to that many terminal columns: meant for terminals only, since it loses text.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  columnsMax = Number.POSITIVE_INFINITY,
): readonly string[] {
  const lines = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, index) => Math.max(...lines.map((cells) => textWidth(cells[index] ?? ''))));
  return lines.map((cells) => {
    const line = columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? '';
        const width = widths[index] ?? 0;
        return align === 'right' ? ' '.repeat(width - textWidth(cell)) + cell : padTo(cell, width);
      })
      .join('  ')
      .trimEnd();
    return cutTo(line, columnsMax);
  });
}

/** Text for people: safe to print, measured in terminal columns, durations rounded to what a person reads. */

/** Controls, line separators and bidirectional overrides: what would let a key or a name repaint someone's terminal. */
// eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]/gu;

/** The text with everything unprintable shown as `\u{…}`. Keys and metadata come from other people: print them only through this. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Ranges of code points that take two columns (the wide ranges of Unicode's EastAsianWidth.txt, joined where nothing else is between them). */
const WIDE: readonly (readonly [from: number, to: number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
];

function characterWidth(character: string): number {
  if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(character)) return 0;
  const point = character.codePointAt(0) ?? 0;
  return WIDE.some(([from, to]) => point >= from && point <= to) ? 2 : 1;
}

/** Terminal columns of printable text without escape sequences. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** The text filled with spaces to `width` columns. */
export function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

/** The text cut to at most `width` columns, with `…` where something is missing. */
export function cutTo(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let cut = '';
  let used = 1;
  for (const character of text) {
    used += characterWidth(character);
    if (used > width) break;
    cut += character;
  }
  return `${cut}…`;
}

/** Units of a duration and the unit that refines each, largest first, in seconds. */
const UNITS: readonly (readonly [unit: string, seconds: number, minor: string, minorSeconds: number])[] = [
  ['d', 86_400, 'h', 3_600],
  ['h', 3_600, 'm', 60],
  ['m', 60, 's', 1],
];

/** `340ms`, `4.2s`, `41s`, `3m 20s`, `2h 5m`, `3d 4h`: never more than two units. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.max(0, Math.round(ms))}ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1).replace(/\.0$/, '')}s`;
  const total = Math.round(ms / 1_000);
  for (const [unit, seconds, minor, minorSeconds] of UNITS) {
    if (total < seconds) continue;
    const rest = Math.floor((total % seconds) / minorSeconds);
    return `${Math.floor(total / seconds)}${unit}${rest === 0 ? '' : ` ${rest}${minor}`}`;
  }
  return `${total}s`;
}

/** `1 key`, `2 keys`. */
export function count(value: number, singular: string, plural = `${singular}s`): string {
  return `${value} ${value === 1 ? singular : plural}`;
}

/** Who asked, from the metadata of a request: what a person needs to find the process. */
export function describeHolder(session: string, meta: Readonly<Record<string, string>>): string {
  const { host, pid, command, user, ...others } = meta;
  const place = [user === undefined ? host : `${user}@${host ?? '?'}`, pid === undefined ? undefined : `pid ${pid}`];
  const parts = [
    ...(command === undefined ? [] : [command]),
    ...place.filter((part) => part !== undefined),
    ...Object.entries(others).map(([name, value]) => `${name}=${value}`),
  ];
  return printable(parts.length === 0 ? session : parts.join(' '));
}

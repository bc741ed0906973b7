/**
 * Key patterns of PROTOCOL.md, 5: `*` matches any run of characters except `/`, `**` any run of characters, `\` makes the
 * `*` or `\` after it literal. Matching is linear in key times pattern at worst: hostile patterns cannot stall the server.
 */

/** More would let one watch cost every event a millisecond. */
const WILDCARDS_MAX = 16;

interface Parsed {
  readonly literals: readonly string[];
  /** wildcards[i] stands between literals[i] and literals[i + 1]; true: `**`. */
  readonly wildcards: readonly boolean[];
}

export class BadPattern extends Error {
  override readonly name = 'BadPattern';
}

function parse(pattern: string): Parsed {
  const literals: string[] = [];
  const wildcards: boolean[] = [];
  let literal = '';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i);
    if (char === '\\') {
      const next = pattern.charAt(i + 1);
      if (next !== '*' && next !== '\\') throw new BadPattern('a backslash stands only before * or another backslash');
      literal += next;
      i += 1;
    } else if (char === '*') {
      const deep = pattern.charAt(i + 1) === '*';
      if (deep) i += 1;
      literals.push(literal);
      literal = '';
      wildcards.push(deep);
    } else {
      literal += char;
    }
  }
  literals.push(literal);
  if (wildcards.length > WILDCARDS_MAX) throw new BadPattern(`a pattern has at most ${WILDCARDS_MAX} wildcards`);
  return { literals, wildcards };
}

export class Pattern {
  readonly source: string;
  /** The only key that matches, when there is no wildcard; otherwise null. */
  readonly key: string | null;
  readonly #parsed: Parsed;
  /** `prefix**`: by far the most common pattern with a wildcard. */
  readonly #prefix: string | null;

  /** Throws BadPattern. */
  constructor(source: string) {
    if (source.length === 0) throw new BadPattern('a pattern is not empty');
    this.source = source;
    this.#parsed = parse(source);
    const { literals, wildcards } = this.#parsed;
    this.key = wildcards.length === 0 ? (literals[0] ?? '') : null;
    this.#prefix = wildcards.length === 1 && wildcards[0] === true && literals[1] === '' ? (literals[0] ?? '') : null;
  }

  matches(key: string): boolean {
    if (this.key !== null) return key === this.key;
    if (this.#prefix !== null) return key.startsWith(this.#prefix);
    return matchParts(key, this.#parsed);
  }
}

/**
 * Runs all positions of the pattern side by side over the key, as Thompson's simulation of an automaton does: state i means that literals
 * before wildcard i have matched up to here. No backtracking.
 */
function matchParts(key: string, { literals, wildcards }: Parsed): boolean {
  const first = literals[0] ?? '';
  const last = literals[literals.length - 1] ?? '';
  if (!key.startsWith(first) || !key.endsWith(last)) return false;
  let reached = new Set<number>([first.length]);
  for (let i = 0; i < wildcards.length; i++) {
    const literal = literals[i + 1] ?? '';
    const next = new Set<number>();
    // The runs that a wildcard can cover from each reached position end at the next `/` (single) or at the end of the key (deep).
    let covered = -1;
    for (const start of [...reached].toSorted((a, b) => a - b)) {
      const slash = wildcards[i] === true ? -1 : key.indexOf('/', start);
      const end = slash === -1 ? key.length : slash;
      for (let at = Math.max(start, covered + 1); at <= end; at++) {
        if (key.startsWith(literal, at)) next.add(at + literal.length);
      }
      covered = Math.max(covered, end);
    }
    if (next.size === 0) return false;
    reached = next;
  }
  return reached.has(key.length);
}

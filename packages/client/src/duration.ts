/** Durations as people write them, to whole milliseconds. */
import { DURATION_MS_MAX } from '@holdfast/protocol';
import { invalidArgument } from './errors.js';

/** Milliseconds, or a text of a number and a unit: `'250ms'`, `'5s'`, `'1.5m'`, `'1h'`, `'1d'`. */
export type Duration = number | string;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SHAPE = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;

/**
 * Whole milliseconds, rounded up: a wait or a lease is never shorter than what was asked for.
 *
 * @throws HoldfastError `INVALID_ARGUMENT` when it is no duration or lies outside `min` to `max`.
 */
export function parseDurationMs(value: unknown, what: string, min = 0, max: number = DURATION_MS_MAX): number {
  const ms = typeof value === 'string' ? textMs(value) : typeof value === 'number' ? value : Number.NaN;
  if (Number.isNaN(ms)) {
    throw invalidArgument(
      `${what}: expected milliseconds or a text as '250ms', '5s', '2m', '1h', '1d', not ${String(value)}`,
    );
  }
  const whole = Math.ceil(ms);
  if (!(ms >= 0 && whole >= min && whole <= max)) {
    throw invalidArgument(`${what}: expected ${min} to ${max} ms, not ${String(value)}`);
  }
  return whole;
}

function textMs(text: string): number {
  const parts = SHAPE.exec(text);
  if (parts === null) return Number.NaN;
  return Number(parts[1]) * (UNIT_MS[parts[2] ?? ''] ?? Number.NaN);
}

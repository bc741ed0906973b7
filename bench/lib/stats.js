/**
 * @param {readonly number[]} values at least one
 * @returns {number} the middle one; of an even number of values the mean of the two in the middle
 */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * @param {readonly number[]} values at least one
 * @returns {{ median: number, min: number, max: number }}
 */
export function spread(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * @param {readonly number[]} values at least one
 * @param {number} share from 0 to 1
 * @returns {number} the smallest value that at least this share of the values does not exceed
 */
export function percentile(values, share) {
  const sorted = Float64Array.from(values).toSorted();
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

/**
 * A figure that is known once.
 * @param {number} value
 */
export function single(value) {
  return { median: value, min: value, max: value };
}

/**
 * The measures of one subject against those of a baseline that was measured before and after each of them: the mean of
 * the two neighbours takes a slow drift of the machine out of the ratio.
 * @param {readonly number[]} values one a round
 * @param {readonly number[]} baseline one more than rounds
 * @returns {number[]} one ratio a round
 */
export function ratios(values, baseline) {
  const beside = neighbours(baseline);
  if (beside.length !== values.length) throw new Error('the baseline is measured once more than the subject');
  return values.map((value, round) => value / beside[round]);
}

/**
 * What a baseline was beside each round.
 * @param {readonly number[]} baseline one more than rounds
 * @returns {number[]} one a round: the mean of the two around it
 */
export function neighbours(baseline) {
  return baseline.slice(1).map((value, round) => (baseline[round] + value) / 2);
}

/**
 * Three significant digits for small numbers, whole numbers with thousands separators for large ones.
 * @param {number} value
 */
export function format(value) {
  return Math.abs(value) < 100 ? String(Number(value.toPrecision(3))) : Math.round(value).toLocaleString('en-GB');
}

/** @param {{ median: number, min: number, max: number }} value */
export function formatSpread({ median: middle, min, max }) {
  return `${format(middle)} (${format(min)} to ${format(max)})`;
}

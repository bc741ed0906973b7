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
 * The measures of one subject against those of a baseline that was measured before and after each of them: the mean of
 * the two neighbours takes a slow drift of the machine out of the ratio.
 * @param {readonly number[]} values one a round
 * @param {readonly number[]} baseline one more than rounds
 * @returns {number[]} one ratio a round
 */
export function ratios(values, baseline) {
  if (baseline.length !== values.length + 1) throw new Error('the baseline is measured once more than the subject');
  return values.map((value, round) => value / ((baseline[round] + baseline[round + 1]) / 2));
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

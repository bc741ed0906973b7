import { defineConfig } from 'vitest/config';

/** Where .ci/run and tools/node-matrix.sh want the machine-readable report. */
const report = process.env['HOLDFAST_TEST_REPORT'];

/**
 * Two projects. `unit` tests run beside each other in worker processes. `system` tests start real servers, real
 * browsers and real faults: they come after the unit tests and one file at a time, so that none of them measures the
 * load of another one on a machine with two cores.
 */
export default defineConfig({
  test: {
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts'],
          pool: 'forks',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          pool: 'forks',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

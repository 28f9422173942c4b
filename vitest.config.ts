import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Where to write a machine-readable report beside the one for people; used by CI. */
const reportFile = process.env['PILOTFISH_TEST_REPORT'];

const config: ReturnType<typeof defineConfig> = defineConfig({
  test: {
    // Native libraries live in one process; a fork per file keeps a crash inside its own file.
    pool: 'forks',
    // Models of tests compute on one thread each.
    maxWorkers: availableParallelism(),
    reporters: reportFile === undefined ? ['default'] : ['default', 'json'],
    ...(reportFile === undefined ? {} : { outputFile: { json: reportFile } }),
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: ['test/real/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/real/**/*.test.ts'],
          // Real models fill both cores; two files at once would only slow each other down.
          fileParallelism: false,
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
});

export default config;

import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Where to write a machine-readable report beside the one for people; used by CI. */
const reportFile = process.env['PILOTFISH_TEST_REPORT'];

/** Names a test that hangs. Quick tests take a second or two: no load makes them take this long. */
const HANG_MS = 10 * 60_000;
/** Long tests take a minute, those of real models several. */
const LONG_HANG_MS = 6 * HANG_MS;

const ALL = ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'];
const NATIVE = '**/*.native.test.ts';
const LONG = '**/*.long.test.ts';
const REAL = 'test/real/**/*.test.ts';

const config: ReturnType<typeof defineConfig> = defineConfig({
  // Examples import the package by its name.
  resolve: {
    alias: [{ find: /^pilotfish$/, replacement: resolve(import.meta.dirname, 'src/index.ts') }],
  },
  test: {
    setupFiles: ['test/setup.ts'],
    testTimeout: HANG_MS,
    hookTimeout: HANG_MS,
    teardownTimeout: HANG_MS,
    expect: { poll: { timeout: HANG_MS } },
    // Files share processes: no spy outlives its test.
    restoreMocks: true,
    // Models of tests compute on one thread each.
    maxWorkers: availableParallelism(),
    reporters: reportFile === undefined ? ['default'] : ['default', 'json'],
    ...(reportFile === undefined ? {} : { outputFile: { json: reportFile } }),
    projects: [
      {
        extends: true,
        // Loads no native code: many files share a thread and its modules.
        test: {
          name: 'pure',
          include: ALL,
          exclude: [NATIVE, LONG, REAL],
          pool: 'threads',
          isolate: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        // Loads llama.cpp or starts processes. A crash ends one process, and fails one file.
        test: {
          name: 'native',
          include: [NATIVE],
          pool: 'forks',
          isolate: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        // Whole evaluations and trainings, many draws, memory: each file has a process of its own.
        test: {
          name: 'long',
          include: [LONG],
          pool: 'forks',
          testTimeout: LONG_HANG_MS,
          hookTimeout: LONG_HANG_MS,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: [REAL],
          pool: 'forks',
          // Real models fill both cores; two files at once would only slow each other down.
          fileParallelism: false,
          testTimeout: LONG_HANG_MS,
          hookTimeout: LONG_HANG_MS,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});

export default config;

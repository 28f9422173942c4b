/** The real dependencies of the commands. What is heavy or native is loaded when it is called. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { PilotfishError } from '../core/errors.ts';
import { parseStrategy, rolesOf, STRATEGIES } from '../strategy/registry.ts';
import type { CliDependencies } from './cli-dependencies.ts';

export async function loadDependencies(): Promise<CliDependencies> {
  return {
    version: packageVersion(),
    strategies: STRATEGIES,
    parseStrategy,
    rolesOf,
    openEngine: async () => {
      throw new PilotfishError('library-missing', 'Not built yet.');
    },
    inspectMachine: async (options) => {
      const { inspectMachine } = await import('./machine-facts.ts');
      return inspectMachine({
        ...options,
        inspectLibrary: async () => ({
          path: null,
          version: null,
          knownBuild: false,
          cpuVariant: null,
          problem: null,
        }),
      });
    },
  };
}

/** Beside `src` and beside `dist` alike. */
function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

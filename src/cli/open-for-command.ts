/** Opens an engine for a command: progress while it loads, cancellation, notices. */
import type { StrategyValue } from '../strategy/method.ts';
import type { CliDependencies, CliEngine } from './cli-dependencies.ts';
import type { CliIo } from './io.ts';
import { engineOptions } from './options/generation-flags.ts';
import { progressBar } from './rendering/progress-bar.ts';

/**
 * Loads only the models that `strategies` need.
 * @param parsed the options that commander hands to the command's action
 */
export async function openForCommand(
  strategies: readonly StrategyValue[],
  parsed: object,
  io: CliIo,
  dependencies: CliDependencies,
  signal: AbortSignal = io.signal,
): Promise<CliEngine> {
  const bar = progressBar(io);
  try {
    return await dependencies.openEngine({
      ...engineOptions(parsed),
      strategies,
      signal,
      onProgress: bar.onProgress,
      onNotice: bar.onNotice,
    });
  } finally {
    bar.stop();
  }
}

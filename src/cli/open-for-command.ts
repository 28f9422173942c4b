/** Opens an engine for a command: progress while it loads, cancellation, notices. */
import type { StrategyValue } from '../strategy/method.ts';
import type { CliDependencies, CliEngine } from './cli-dependencies.ts';
import type { CliIo } from './io.ts';
import { engineOptions, type GenerationOptions } from './options/generation-options.ts';
import { progressBar } from './rendering/progress-bar.ts';

/** With `strategies` it loads only the models that these need. */
export async function openForCommand(
  strategies: readonly StrategyValue[],
  options: GenerationOptions,
  io: CliIo,
  dependencies: CliDependencies,
  signal: AbortSignal = io.signal,
): Promise<CliEngine> {
  const bar = progressBar(io);
  try {
    return await dependencies.openEngine({
      ...engineOptions(options),
      strategies,
      signal,
      onProgress: bar.onProgress,
      onNotice: bar.onNotice,
    });
  } finally {
    bar.stop();
  }
}

/** The strategies and their thresholds, as every command's help lists them. */
import type { StrategyDescription } from './cli-dependencies.ts';

export function strategyHelp(strategies: readonly StrategyDescription[]): string {
  const width = Math.max(0, ...strategies.map(({ name }) => name.length));
  const indent = ' '.repeat(width + 4);
  const entries = strategies.map(({ name, summary, threshold }) => {
    const lines = [`  ${name.padEnd(width)}  ${summary}`];
    if (threshold !== null) {
      lines.push(`${indent}@${threshold.name}, default ${threshold.default}: ${threshold.meaning}`);
    }
    return lines.join('\n');
  });
  return `Strategies, as NAME or NAME@THRESHOLD:\n${entries.join('\n')}`;
}

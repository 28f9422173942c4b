/** The strategies and their thresholds, as every command's help lists them. */
import wrapAnsi from 'wrap-ansi';
import type { Method } from '../../strategy/method.ts';

const TEXT_WIDTH_MIN = 30;

export function strategyHelp(methods: readonly Method[], columns: number): string {
  const nameWidth = Math.max(0, ...methods.map(({ name }) => name.length));
  const indent = ' '.repeat(nameWidth + 4);
  const wrapped = (text: string): string =>
    wrapAnsi(text, Math.max(TEXT_WIDTH_MIN, columns - indent.length)).replaceAll(
      '\n',
      `\n${indent}`,
    );
  const entries = methods.map(({ name, summary, threshold }) => {
    const first = `  ${name.padEnd(nameWidth)}  ${wrapped(summary)}`;
    if (threshold === null) return first;
    const byDefault = threshold.default ?? 'from its router';
    const text = `@${threshold.name} (default ${byDefault}): ${threshold.meaning}`;
    return `${first}\n${indent}${wrapped(text)}`;
  });
  return `Strategies, as NAME or NAME@THRESHOLD:\n${entries.join('\n')}`;
}

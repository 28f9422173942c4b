/** Health checks as lines: a mark, the name, the finding, and the remedy below it. */
import type { ChalkInstance } from 'chalk';
import wrapAnsi from 'wrap-ansi';
import type { CheckStatus, HealthCheck } from '../doctor/health-checks.ts';
import { printableText } from './printable-text.ts';

/** Marks are words and not only colours or signs, because they are read aloud and searched for. */
const MARK_WIDTH = 6;
const NAME_WIDTH = 11;
const TEXT_WIDTH_MIN = 30;

function mark(status: CheckStatus, color: ChalkInstance): string {
  const text = status.padEnd(MARK_WIDTH);
  switch (status) {
    case 'ok':
      return color.green(text);
    case 'warn':
      return color.yellow(text);
    case 'fail':
      return color.bold.red(text);
  }
}

export function renderChecks(
  checks: readonly HealthCheck[],
  columns: number,
  color: ChalkInstance,
): string {
  const indent = ' '.repeat(MARK_WIDTH + NAME_WIDTH);
  const width = Math.max(TEXT_WIDTH_MIN, columns - indent.length);
  // Long words are not broken, because a broken path cannot be copied.
  const block = (text: string): string =>
    wrapAnsi(printableText(text), width).replaceAll('\n', `\n${indent}`);
  return checks
    .map(({ name, status, text, remedy }) => {
      const line = `${mark(status, color)}${name.padEnd(NAME_WIDTH)}${block(text)}\n`;
      return remedy === null ? line : `${line}${indent}${block(remedy)}\n`;
    })
    .join('');
}

/** The methods and their thresholds, as every command's help lists them, by unit. */
import wrapAnsi from 'wrap-ansi';
import { type Method, UNITS, type Unit } from '../../strategy/method.ts';

const TEXT_WIDTH_MIN = 30;
const HEADINGS: Readonly<Record<Unit, string>> = {
  token: 'Token by token:',
  draft: 'Draft by draft, as a device and its hub:',
  step: 'Step by step:',
  query: 'Answer by answer:',
};
const HEADING_WITHOUT_UNIT = "One model's own text:";

export function strategyHelp(methods: readonly Method[], columns: number): string {
  const nameWidth = Math.max(0, ...methods.map(({ name }) => name.length));
  const group = (heading: string, unit: Unit | null): string[] => {
    const own = methods.filter((method) => method.unit === unit);
    return own.length === 0 ? [] : [heading, ...own.map((one) => entry(one, nameWidth, columns))];
  };
  const groups = UNITS.flatMap((unit) => group(HEADINGS[unit], unit));
  const lines = [...group(HEADING_WITHOUT_UNIT, null), ...groups];
  return `Strategies, as NAME or NAME@THRESHOLD\n${lines.join('\n')}`;
}

function entry({ name, summary, threshold }: Method, nameWidth: number, columns: number): string {
  const indent = ' '.repeat(nameWidth + 4);
  const width = Math.max(TEXT_WIDTH_MIN, columns - indent.length);
  const wrapped = (text: string): string => wrapAnsi(text, width).replaceAll('\n', `\n${indent}`);
  const first = `  ${name.padEnd(nameWidth)}  ${wrapped(summary)}`;
  if (threshold === null) return first;
  const byDefault = threshold.default ?? 'from its head';
  const text = `@${threshold.name} (default ${byDefault}): ${threshold.meaning}`;
  return `${first}\n${indent}${wrapped(text)}`;
}

/** Progress as one line of text: with a bar for terminals, without one for logs. */
import stringWidth from 'string-width';
import type { Progress } from '../../core/progress.ts';
import { fitText } from './fit-text.ts';
import { formatBytes, formatClock, formatRate, formatShare } from './format-quantity.ts';
import { printableText } from './printable-text.ts';

const BAR_WIDTH_MAX = 30;
const BAR_WIDTH_MIN = 8;
const GAP = '  ';

/** From 0 to 1, or null while the total is unknown. */
function fractionDone({ done, total, unit }: Progress): number | null {
  const whole = unit === 'fraction' ? (total ?? 1) : total;
  if (whole === null || whole <= 0) return null;
  return Math.min(1, Math.max(0, done / whole));
}

function amount({ done, total, unit }: Progress): string | null {
  if (unit === 'fraction') return null;
  const text = (value: number): string =>
    unit === 'bytes' ? formatBytes(value) : String(Math.floor(value));
  return total === null ? text(done) : `${text(done)} of ${text(total)}`;
}

function timing({ done, total, unit }: Progress, perSecond: number | null): string[] {
  if (perSecond === null || perSecond <= 0) return [];
  const whole = unit === 'fraction' ? (total ?? 1) : total;
  const parts: string[] = [];
  if (unit === 'bytes') parts.push(`${formatBytes(perSecond)}/s`);
  if (unit === 'steps' && perSecond >= 1) parts.push(`${formatRate(perSecond)}/s`);
  if (whole !== null && whole > done) parts.push(`${formatClock((whole - done) / perSecond)} left`);
  return parts;
}

function numbers(progress: Progress, perSecond: number | null): string[] {
  const fraction = fractionDone(progress);
  const parts = fraction === null ? [] : [formatShare(fraction).padStart(4)];
  const counted = amount(progress);
  if (counted !== null) parts.push(counted);
  return [...parts, ...timing(progress, perSecond)];
}

function oneLine(label: string): string {
  return printableText(label.replaceAll(/\s+/g, ' '));
}

/** One line of at most `columns` - 1 cells: the last column stays free, or terminals wrap. */
export function renderProgressBar(
  progress: Progress,
  perSecond: number | null,
  columns: number,
): string {
  const width = Math.max(1, columns - 1);
  const label = oneLine(progress.label);
  const fraction = fractionDone(progress);
  const tail = numbers(progress, perSecond).join(GAP);
  const spare = width - stringWidth(label) - stringWidth(tail) - 2 * GAP.length;
  if (fraction === null || spare < BAR_WIDTH_MIN) {
    const room = Math.max(1, width - stringWidth(tail) - GAP.length);
    return fitText(`${fitText(label, room)}${GAP}${tail}`.trimEnd(), width);
  }
  const barWidth = Math.min(BAR_WIDTH_MAX, spare);
  const full = Math.floor(fraction * barWidth);
  const bar = '█'.repeat(full) + '░'.repeat(barWidth - full);
  return `${label}${GAP}${bar}${GAP}${tail}`;
}

export function renderProgressLine(progress: Progress, perSecond: number | null): string {
  if (progress.done === 0 && perSecond === null) return `${oneLine(progress.label)} …`;
  const parts = numbers(progress, perSecond).map((part) => part.trim());
  return parts.length === 0
    ? oneLine(progress.label)
    : `${oneLine(progress.label)}: ${parts.join(', ')}`;
}

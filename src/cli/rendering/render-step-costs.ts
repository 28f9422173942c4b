/** The measured costs of a model as a table: milliseconds, and multiples of a single step. */

import { threadTimes } from '../../app/machine/thread-times.ts';
import type { MeasuredSteps } from '../../app/measure-steps.ts';
import type { CurvePoint, MeasuredModel } from '../../machines/machine-profile.ts';
import type { CliIo } from '../io.ts';
import { plainTable } from './plain-table.ts';
import { printableText } from './printable-text.ts';

const NOTHING = '';

export function renderStepCosts(
  model: MeasuredModel,
  { profile }: Pick<MeasuredSteps, 'profile'>,
  color: CliIo['color'],
): string {
  const titles = ['rows', 'decode', 'steps', 'prefill', 'steps', 'tokens/s'];
  const rowCounts = new Set([...model.decode, ...model.prefill].map(({ rowCount }) => rowCount));
  const single = model.decode[0]?.ms ?? 1;
  const rows = [...rowCounts]
    .sort((a, b) => a - b)
    .map((rowCount) => [
      String(rowCount),
      ...cells(pointAt(model.decode, rowCount), single),
      ...cells(pointAt(model.prefill, rowCount), single),
      rate(pointAt(model.prefill, rowCount)),
    ]);
  const head = `${color.bold(printableText(model.model))}  ${threadText(model, profile)}`;
  const lines = [titles.map((title) => color.bold(title)), ...rows];
  return `${head}\n${plainTable(lines, 'right')}${footnotes(model)}`;
}

function pointAt(points: readonly CurvePoint[], rowCount: number): CurvePoint | null {
  return points.find((point) => point.rowCount === rowCount) ?? null;
}

function cells(point: CurvePoint | null, single: number): readonly string[] {
  if (point === null) return [NOTHING, NOTHING];
  return [`${formatMs(point.ms)} ms`, (point.ms / single).toFixed(2)];
}

function rate(point: CurvePoint | null): string {
  return point === null ? NOTHING : ((1000 * point.rowCount) / point.ms).toFixed(0);
}

function threadText(model: MeasuredModel, profile: MeasuredSteps['profile']): string {
  const chosen = `${model.threadCount} ${model.threadCount === 1 ? 'thread' : 'threads'}`;
  const measured = threadTimes(profile, model);
  if (measured.length < 2) return chosen;
  const all = measured.map(({ threadCount, ms }) => `${threadCount}: ${formatMs(ms)} ms`);
  return `${chosen} (${all.join(', ')})`;
}

function footnotes({ attention, overheadMs, readingMs, cachedTokenCount }: MeasuredModel): string {
  const slopes = attention.map(
    ({ rowCount, msPerCachedToken }) =>
      `${formatMs(1000 * msPerCachedToken)} ms with ${rowCount} ${rowCount === 1 ? 'row' : 'rows'}`,
  );
  const { logprob, uncertainty, draw } = readingMs;
  return [
    `With ${cachedTokenCount} tokens in the cache.`,
    ...(slopes.length > 0 ? [` A thousand more add ${slopes.join(', ')}.`] : []),
    `\nAround a forward ${formatMs(overheadMs)} ms; an output row's log-probability `,
    `${formatMs(logprob)} ms, entropy and margin ${formatMs(uncertainty)} ms, a draw `,
    `${formatMs(draw)} ms.\n`,
  ].join('');
}

export function formatMs(ms: number): string {
  return ms >= 99.95 ? ms.toFixed(0) : ms >= 9.995 ? ms.toFixed(1) : ms.toFixed(2);
}

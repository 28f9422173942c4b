/**
 * The costs of any forward from the measured points of one model. With d(n) the time of n rows with
 * outputs, b(n) that of n rows without:
 *
 *   ms(n rows, k with outputs) = b(n) + (d(k) - b(k)) + slope(n) · (cached tokens - those measured at)
 *
 * Between points it is linear, beyond the last it goes on with the last slope.
 */
import type { ForwardCosts, ForwardShape } from './forward-costs.ts';
import type { MeasuredModel } from './machine-profile.ts';
import { type CostCurve, forwardMs } from './step-costs.ts';

export function measuredCosts(model: MeasuredModel): ForwardCosts {
  return {
    forwardMs: (shape) => atLeast(shapeMs(model, shape), model),
    overheadMs: model.overheadMs,
    readingMs: model.readingMs,
  };
}

function shapeMs(model: MeasuredModel, shape: ForwardShape): number {
  const { rowCount, outputRowCount, cachedTokenCount } = shape;
  const more = cachedTokenCount - model.cachedTokenCount;
  return rowsMs(model, rowCount, outputRowCount) + more * attentionMs(model, rowCount);
}

/** A forward is never cheaper than a fraction of the cheapest one measured, whatever a slope says. */
function atLeast(ms: number, { decode, prefill }: MeasuredModel): number {
  const least = Math.min(...[...decode, ...prefill].map((point) => point.ms));
  return Math.max(ms, least / 2);
}

function rowsMs(model: MeasuredModel, rowCount: number, outputRowCount: number): number {
  const decode: CostCurve = { points: model.decode };
  if (outputRowCount >= rowCount) return forwardMs(decode, rowCount);
  const withoutOutputs = bodyMs(model, rowCount);
  // Nothing is known of rows without outputs: they are taken for rows with outputs.
  if (withoutOutputs === null) return forwardMs(decode, rowCount);
  if (outputRowCount === 0) return withoutOutputs;
  const body = bodyMs(model, outputRowCount) ?? 0;
  return withoutOutputs + Math.max(0, forwardMs(decode, outputRowCount) - body);
}

function bodyMs({ prefill, decode }: MeasuredModel, rowCount: number): number | null {
  const first = prefill[0];
  const last = prefill.at(-1);
  if (first === undefined || last === undefined) return null;
  // Below the first point a row without output costs what one with an output does, at most.
  if (rowCount < first.rowCount) {
    return Math.min(first.ms, forwardMs({ points: decode }, rowCount));
  }
  // One point alone has no slope: wide forwards cost in proportion to their rows.
  if (first === last) return (first.ms * rowCount) / first.rowCount;
  return forwardMs({ points: prefill }, rowCount);
}

function attentionMs({ attention }: MeasuredModel, rowCount: number): number {
  const last = attention.at(-1);
  if (last === undefined) return 0;
  // Every row looks at every cached token: beyond the last point it is in proportion.
  if (rowCount >= last.rowCount) return (last.msPerCachedToken * rowCount) / last.rowCount;
  const points = attention.map(({ rowCount: rows, msPerCachedToken: ms }) => ({
    rowCount: rows,
    ms,
  }));
  return forwardMs({ points }, rowCount);
}

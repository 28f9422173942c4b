/**
 * The costs of any forward, from the measured points of one model. With d(n) the time of n rows with
 * outputs, and b(n) that of n rows without:
 *
 *    ms(n rows, k with outputs) = b(n) + (d(k) - b(k)) + slope(n) · (cached tokens - those measured at)
 *
 * It is linear between points, and continues with the last slope beyond the last point.
 */
import type { ForwardCosts, ForwardShape } from './forward-costs.ts';
import type { MeasuredModel } from './machine-profile.ts';
import { type CostCurve, forwardMs } from './step-costs.ts';

export function measuredCosts(model: MeasuredModel): ForwardCosts {
  const curves = curvesOf(model);
  return {
    forwardMs: (shape) => Math.max(curves.leastMs, shapeMs(curves, shape)),
    overheadMs: model.overheadMs,
    readingMs: model.readingMs,
  };
}

interface Curves {
  readonly decode: CostCurve;
  readonly prefill: CostCurve;
  /** Milliseconds that a cached token adds, by rows. */
  readonly attention: CostCurve;
  readonly cachedTokenCount: number;
  /** The lower bound of a forward: half of the cheapest measured one, whatever the slopes give. */
  readonly leastMs: number;
}

function curvesOf({ decode, prefill, attention, cachedTokenCount }: MeasuredModel): Curves {
  const slopes = attention.map(({ rowCount, msPerCachedToken: ms }) => ({ rowCount, ms }));
  return {
    decode: { points: decode },
    prefill: { points: prefill },
    attention: { points: slopes },
    cachedTokenCount,
    leastMs: Math.min(...[...decode, ...prefill].map(({ ms }) => ms)) / 2,
  };
}

function shapeMs(curves: Curves, shape: ForwardShape): number {
  const { rowCount, outputRowCount, cachedTokenCount } = shape;
  const more = cachedTokenCount - curves.cachedTokenCount;
  return rowsMs(curves, rowCount, outputRowCount) + more * attentionMs(curves, rowCount);
}

function rowsMs(curves: Curves, rowCount: number, outputRowCount: number): number {
  if (outputRowCount >= rowCount) return forwardMs(curves.decode, rowCount);
  const withoutOutputs = bodyMs(curves, rowCount);
  // Rows without outputs were not measured, so they count as rows with outputs.
  if (withoutOutputs === null) return forwardMs(curves.decode, rowCount);
  if (outputRowCount === 0) return withoutOutputs;
  const body = bodyMs(curves, outputRowCount) ?? 0;
  return withoutOutputs + Math.max(0, forwardMs(curves.decode, outputRowCount) - body);
}

function bodyMs({ prefill, decode }: Curves, rowCount: number): number | null {
  const first = prefill.points[0];
  if (first === undefined) return null;
  // Below the first point, a row without output costs at most as much as a row with output.
  if (rowCount < first.rowCount) return Math.min(first.ms, forwardMs(decode, rowCount));
  // A single point has no slope: wide forwards cost in proportion to their rows.
  if (prefill.points.length === 1) return (first.ms * rowCount) / first.rowCount;
  return forwardMs(prefill, rowCount);
}

function attentionMs({ attention }: Curves, rowCount: number): number {
  const last = attention.points.at(-1);
  if (last === undefined) return 0;
  // Every row attends to every cached token: beyond the last point the time is in proportion.
  if (rowCount >= last.rowCount) return (last.ms * rowCount) / last.rowCount;
  return forwardMs(attention, rowCount);
}

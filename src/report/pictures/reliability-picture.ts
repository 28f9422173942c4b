/** A reliability diagram: a router's predictions against the observed outcomes. */
import type { TopLevelSpec } from 'vega-lite';
import { AGREE, DIFFER, MUTED } from '../strategy-styles.ts';
import { PERCENT_LABEL, THEME } from './theme.ts';

export interface ReliabilitySeries {
  readonly name: string;
  readonly points: readonly {
    readonly predicted: number;
    readonly observed: number;
    readonly count: number;
  }[];
}

const SIZE = 460;
const MARK_AREA = { from: 60, to: 900 } as const;

/** @param series at most two */
export function reliabilitySpec(
  title: string,
  subtitle: string,
  series: readonly ReliabilitySeries[],
): TopLevelSpec {
  const values = series.flatMap(({ name, points }) => points.map((point) => ({ name, ...point })));
  const share = { domain: [0, 1], nice: false };
  const axis = { labelExpr: PERCENT_LABEL };
  return {
    width: SIZE,
    height: SIZE,
    title: { text: title, subtitle },
    data: { values },
    layer: [
      {
        data: { values: [{ at: 0 }, { at: 1 }] },
        mark: { type: 'line', color: MUTED.light, strokeDash: [4, 4] },
        encoding: {
          x: { field: 'at', type: 'quantitative' },
          y: { field: 'at', type: 'quantitative' },
        },
      },
      {
        mark: { type: 'line', strokeWidth: 2 },
        encoding: {
          x: {
            field: 'predicted',
            type: 'quantitative',
            scale: share,
            axis: { ...axis, title: 'score' },
          },
          y: {
            field: 'observed',
            type: 'quantitative',
            scale: share,
            axis: { ...axis, title: 'share of tokens for which it was so' },
          },
          color: {
            field: 'name',
            type: 'nominal',
            scale: {
              domain: series.map(({ name }) => name),
              range: [AGREE.light, DIFFER.light].slice(0, series.length),
            },
            legend: { title: null, orient: 'bottom' },
          },
        },
      },
      {
        mark: { type: 'point', filled: true, opacity: 0.85 },
        encoding: {
          x: { field: 'predicted', type: 'quantitative' },
          y: { field: 'observed', type: 'quantitative' },
          color: { field: 'name', type: 'nominal' },
          size: {
            field: 'count',
            type: 'quantitative',
            scale: { type: 'log', range: [MARK_AREA.from, MARK_AREA.to] },
            legend: null,
          },
        },
      },
    ],
    config: THEME,
  };
}

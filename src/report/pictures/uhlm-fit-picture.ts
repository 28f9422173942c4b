/** The fit of U-HLM: drafts by uncertainty and rejection, the law, thresholds, and residuals by bin. */
import type { TopLevelSpec } from 'vega-lite';
import { fittedThreshold, type UhlmFit } from '../../judging/uhlm-fit.ts';
import { HUES } from '../../strategy/method-style.ts';
import { INK, MUTED } from '../strategy-styles.ts';
import { PERCENT_LABEL, PLOT, THEME } from './theme.ts';

type Point = { readonly uncertainty: number; readonly rejection: number };

interface Drawn {
  readonly fit: UhlmFit;
  /** The drafts that the law was fitted to. */
  readonly drafts: readonly Point[];
}

/** Cells of the density on each side. */
const CELL_COUNT = 40;
const RESIDUAL_HEIGHT = 150;
const SHARE = { domain: [0, 1], nice: false };
const U_AXIS = { title: 'uncertainty u of the draft', grid: false, tickCount: 10, format: '.1f' };

export function uhlmFitSpec({ fit, drafts }: Drawn): TopLevelSpec {
  const { pair, law, correlation, draftCount, temperature, training } = fit;
  const at = temperature === 0 ? 'greedy' : `temperature ${temperature}`;
  const signed = law.intercept < 0 ? `− ${digits(-law.intercept)}` : `+ ${digits(law.intercept)}`;
  const r = correlation === null ? '' : `, r = ${correlation.toFixed(2)}`;
  return {
    title: {
      text: 'How rejections follow the uncertainty of drafts',
      subtitle: [
        `${pair.small.name} → ${pair.large.name}, ${at}, ` +
          `${draftCount.toLocaleString('en')} drafts of ${training['questions'] ?? 'questions'}`,
        `β ≈ ${digits(law.slope)} u ${signed}${r}`,
      ],
    },
    vconcat: [densityAndLaw(fit, drafts), residuals(fit)],
    config: THEME,
  };
}

function densityAndLaw(fit: UhlmFit, drafts: readonly Point[]) {
  const thresholds = (['averse', 'prone'] as const).flatMap((risk) => {
    const threshold = fittedThreshold(fit, risk);
    if (threshold === null || threshold > 1) return [];
    return [{ threshold, label: `risk-${risk}: ${threshold.toFixed(3)}` }];
  });
  return {
    ...{ width: PLOT.width, height: PLOT.height },
    layer: [
      {
        data: { values: cellsOf(drafts) },
        mark: { type: 'rect' as const },
        encoding: {
          x: { field: 'u0', type: 'quantitative' as const, scale: SHARE, axis: U_AXIS },
          x2: { field: 'u1' },
          y: {
            field: 'b0',
            type: 'quantitative' as const,
            scale: SHARE,
            axis: { title: 'probability β of a rejection', labelExpr: PERCENT_LABEL },
          },
          y2: { field: 'b1' },
          color: {
            field: 'count',
            type: 'quantitative' as const,
            scale: { type: 'log' as const, range: ['#dcecf7', '#0b5c8f'] },
            legend: { title: 'drafts', format: ',d' },
          },
        },
      },
      {
        data: { values: lineOf(fit) },
        mark: { type: 'line' as const, color: INK.light, strokeWidth: 2.5 },
        encoding: {
          x: { field: 'u', type: 'quantitative' as const },
          y: { field: 'expected', type: 'quantitative' as const },
        },
      },
      {
        // Vega writes into what it draws.
        data: { values: fit.bins.map((bin) => ({ ...bin })) },
        mark: {
          ...{ type: 'point' as const, filled: true, size: 90, opacity: 1 },
          ...{ color: HUES.vermilion.light, stroke: '#ffffff', strokeWidth: 1.5 },
        },
        encoding: {
          x: { field: 'meanUncertainty', type: 'quantitative' as const },
          y: { field: 'observed', type: 'quantitative' as const },
        },
      },
      {
        data: { values: thresholds },
        mark: { type: 'rule' as const, color: MUTED.light, strokeDash: [5, 4], strokeWidth: 1.5 },
        encoding: { x: { field: 'threshold', type: 'quantitative' as const } },
      },
      {
        data: { values: thresholds },
        mark: {
          ...{ type: 'text' as const, align: 'left' as const, dx: 6, fontSize: 13 },
          ...{ color: INK.light, baseline: 'top' as const },
        },
        encoding: {
          x: { field: 'threshold', type: 'quantitative' as const },
          y: { datum: 0.97 },
          text: { field: 'label' },
        },
      },
    ],
  };
}

function residuals({ bins }: UhlmFit) {
  const values = bins.map(({ from, to, observed, predicted, count }) => ({
    ...{ from, to, residual: observed - predicted, count },
    middle: (from + to) / 2,
    label: count.toLocaleString('en'),
  }));
  return {
    ...{ width: PLOT.width, height: RESIDUAL_HEIGHT },
    layer: [
      {
        data: { values },
        mark: { type: 'bar' as const, color: HUES.vermilion.light, opacity: 0.85 },
        encoding: {
          x: {
            ...{ field: 'from', type: 'quantitative' as const, scale: SHARE },
            axis: { ...U_AXIS, title: 'uncertainty u; above the bars: drafts in the bin' },
          },
          x2: { field: 'to' },
          y2: { datum: 0 },
          y: {
            field: 'residual',
            type: 'quantitative' as const,
            axis: { title: 'mean β − law', format: '+.2f' },
          },
        },
      },
      {
        data: { values },
        mark: { type: 'text' as const, color: MUTED.light, fontSize: 12, y: -6 },
        encoding: {
          x: { field: 'middle', type: 'quantitative' as const },
          text: { field: 'label' },
        },
      },
    ],
  };
}

/** The law where it lies between 0 and 1, with the corners of its clipping. */
function lineOf({ law: { slope, intercept } }: Pick<UhlmFit, 'law'>) {
  const corners = [0, -intercept / slope, (1 - intercept) / slope, 1];
  return corners
    .filter((u) => u >= 0 && u <= 1)
    .sort((a, b) => a - b)
    .map((u) => ({ u, expected: Math.min(1, Math.max(0, slope * u + intercept)) }));
}

/** Counts of drafts in a grid; empty cells are left out. */
function cellsOf(drafts: readonly Point[]) {
  const counts = new Map<number, number>();
  const cell = (share: number): number => Math.min(CELL_COUNT - 1, Math.floor(share * CELL_COUNT));
  for (const { uncertainty, rejection } of drafts) {
    const key = cell(uncertainty) * CELL_COUNT + cell(rejection);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) => {
    const [column, row] = [Math.floor(key / CELL_COUNT), key % CELL_COUNT];
    return {
      ...{ u0: column / CELL_COUNT, u1: (column + 1) / CELL_COUNT },
      ...{ b0: row / CELL_COUNT, b1: (row + 1) / CELL_COUNT, count },
    };
  });
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** The tables of a result: points, curves, comparisons. */
import type {
  Comparison,
  CurveSummary,
  Estimate,
  EvaluationResult,
} from '../evaluation/results.ts';
import { billTable } from './bill-table.ts';
import { type CurvePoint, curvePoints, pointName } from './curves.ts';
import { verdictOf } from './findings.ts';
import type { NumberTable } from './pictures/picture.ts';
import {
  AXIS_NAMES,
  intervalText,
  listed,
  NONE,
  percent,
  percentRange,
  pointRange,
  points,
  ratio,
} from './wording.ts';

/** Leaves out tables without rows. */
export function resultTables(result: EvaluationResult): NumberTable[] {
  const tables = [
    pointTable(result),
    billTable(result),
    curveTable('Curves', result.summary),
    curveTable('Curves against generated FLOPs', result.summaryByFlops),
    curveTable('Curves against written FLOPs', result.summaryByWrittenFlops),
    curveTable('Curves against weight traffic', result.summaryByTraffic),
    comparisonTable(result.comparisons, result),
    comparisonTable(result.comparisonsByWrittenFlops, result),
    comparisonTable(result.comparisonsByTraffic, result),
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

interface Column {
  readonly name: string;
  readonly of: (point: CurvePoint) => string;
}

function pointTable({ results }: EvaluationResult): NumberTable {
  const drawn = curvePoints(results);
  const profiles = [...new Set(drawn.flatMap(({ timeRatios }) => Object.keys(timeRatios)))];
  const hasSteps = drawn.some(({ stepCount }) => stepCount !== null);
  const stepColumns: readonly Column[] = [
    { name: 'steps rejected', of: ({ rejectedShare }) => percent(rejectedShare) },
    { name: 'steps', of: ({ stepCount }) => stepCount?.toFixed(1) ?? NONE },
  ];
  const columns: readonly Column[] = [
    { name: 'strategy', of: pointName },
    { name: 'unit', of: ({ unit }) => unit ?? '–' },
    { name: 'seeds', of: ({ seedCount }) => String(seedCount) },
    { name: 'accuracy', of: ({ accuracy }) => percent(accuracy) },
    { name: '95 % interval', of: ({ low, high }) => percentRange(low, high) },
    { name: 'over large', of: ({ overLarge }) => differenceText(overLarge) },
    { name: 'gap recovered', of: ({ gapRecovered }) => percent(gapRecovered, 0) },
    { name: 'large share', of: ({ largeShare }) => percent(largeShare) },
    ...(hasSteps ? stepColumns : []),
    { name: 'expected', of: ({ predictedShare }) => percent(predictedShare) },
    { name: 'transmitted', of: ({ transmittedShare }) => percent(transmittedShare) },
    { name: 'verified', of: ({ verifiedShare }) => percent(verifiedShare) },
    { name: 'weight traffic', of: ({ weightTrafficRatio }) => ratio(weightTrafficRatio) },
    { name: 'written FLOPs', of: ({ writtenFlopsRatio }) => ratio(writtenFlopsRatio) },
    { name: 'generated FLOPs', of: ({ generatedFlopsRatio }) => ratio(generatedFlopsRatio) },
    { name: 'processed FLOPs', of: ({ processedFlopsRatio }) => ratio(processedFlopsRatio) },
    ...profiles.map((profile) => ({
      name: `time, ${profile}`,
      of: ({ timeRatios }: CurvePoint) => ratio(timeRatios[profile] ?? null),
    })),
    { name: 'tokens', of: ({ tokenCount }) => tokenCount.toFixed(0) },
    { name: 'front', of: ({ isOnFront }) => (isOnFront ? 'yes' : '') },
  ];
  return {
    caption: 'Results: seeds averaged, costs as ratios to the large model alone',
    textColumnCount: 2,
    columns: columns.map(({ name }) => name),
    rows: drawn.map((point) => columns.map(({ of }) => of(point))),
  };
}

function curveTable(
  caption: string,
  summaries: Readonly<Record<string, CurveSummary>>,
): NumberTable {
  return {
    caption:
      `${caption}: mean share of the gap recovered (APGR), and the least cost that recovers ` +
      '50, 80 and 95 % of it (CPT), with 95 % intervals; straight lines between measured points',
    textColumnCount: 2,
    columns: ['strategy', 'cost', 'APGR', 'CPT50', 'CPT80', 'CPT95'],
    rows: Object.entries(summaries).map(([strategy, summary]) => [
      strategy,
      AXIS_NAMES[summary.axis],
      estimateText(summary.apgr, ratio),
      ...[summary.cpt50, summary.cpt80, summary.cpt95].map((cost) => cptText(summary, cost)),
    ]),
  };
}

/** `+1.0 (−0.8 to +2.9)`, in percentage points. */
function differenceText({ value, low, high }: Estimate): string {
  return value === null ? NONE : `${points(value)} (${pointRange(low, high)})`;
}

/** `0.80 (0.70 to 0.90)` */
function estimateText({ value, low, high }: Estimate, text: (value: number) => string): string {
  if (value === null) return NONE;
  return low === null || high === null
    ? text(value)
    : `${text(value)} (${text(low)} to ${text(high)})`;
}

function cptText({ axis }: CurveSummary, cost: Estimate): string {
  if (cost.value === null) return 'never';
  return estimateText(cost, axis === 'largeShare' || axis === 'transmittedShare' ? percent : ratio);
}

function comparisonTable(
  comparisons: readonly Comparison[],
  { interval }: Pick<EvaluationResult, 'interval'>,
): NumberTable {
  const axes = [...new Set(comparisons.map(({ axis }) => axis))];
  const range = interval === null ? [] : axes.map((axis) => intervalText(interval, axis));
  return {
    caption:
      `Compared over ${listed(range)}: mean difference in accuracy, in percentage points, with ` +
      'every doubling of the cost counted alike',
    textColumnCount: 3,
    columns: ['strategy', 'compared with', 'cost', 'difference', '95 % interval', 'verdict'],
    rows: comparisons.map((comparison) => {
      const { strategy, other, axis, difference } = comparison;
      return [
        strategy,
        other,
        AXIS_NAMES[axis],
        points(difference.value),
        pointRange(difference.low, difference.high),
        verdictOf(comparison),
      ];
    }),
  };
}

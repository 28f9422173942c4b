/** The tables of a result: points, curves, comparisons. */
import type { Comparison, CurveSummary, EvaluationResult } from '../evaluation/results.ts';
import { type CurvePoint, curvePoints, pointName } from './curves.ts';
import { verdictOf } from './findings.ts';
import type { NumberTable } from './pictures/picture.ts';
import {
  AXIS_NAMES,
  percent,
  percentRange,
  pointRange,
  points,
  pText,
  ratio,
  short,
} from './wording.ts';

/** Leaves out tables without rows. */
export function resultTables(result: EvaluationResult): NumberTable[] {
  const tables = [
    pointTable(result),
    curveTable('Curves', result.summary),
    curveTable('Curves against generated FLOPs', result.summaryByFlops),
    curveTable('Curves against weight traffic', result.summaryByTraffic),
    comparisonTable(result.comparisons, 'Compared at equal cost'),
    comparisonTable(result.comparisonsByTraffic, 'Compared at equal weight traffic'),
    pairTable(result),
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
  const columns: Column[] = [
    { name: 'strategy', of: pointName },
    { name: 'unit', of: ({ unit }) => unit ?? '–' },
    { name: 'seeds', of: ({ seedCount }) => String(seedCount) },
    { name: 'accuracy', of: ({ accuracy }) => percent(accuracy) },
    { name: '95 % interval', of: ({ low, high }) => percentRange(low, high) },
    { name: 'gap recovered', of: ({ gapRecovered }) => percent(gapRecovered, 0) },
    { name: 'large share', of: ({ largeShare }) => percent(largeShare) },
    { name: 'expected', of: ({ predictedShare }) => percent(predictedShare) },
    { name: 'transmitted', of: ({ transmittedShare }) => percent(transmittedShare) },
    { name: 'verified', of: ({ verifiedShare }) => percent(verifiedShare) },
    { name: 'weight traffic', of: ({ weightTrafficRatio }) => ratio(weightTrafficRatio) },
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
      '50, 80 and 95 % of it (CPT)',
    textColumnCount: 2,
    columns: ['strategy', 'cost', 'APGR', '95 % interval', 'CPT50', 'CPT80', 'CPT95'],
    rows: Object.entries(summaries).map(([strategy, summary]) => [
      strategy,
      AXIS_NAMES[summary.axis],
      ratio(summary.apgr),
      summary.apgrLow === null || summary.apgrHigh === null
        ? '–'
        : `${ratio(summary.apgrLow)} to ${ratio(summary.apgrHigh)}`,
      ...[summary.cpt50, summary.cpt80, summary.cpt95].map((cost) => cptText(summary, cost)),
    ]),
  };
}

function cptText({ axis }: CurveSummary, cost: number | null): string {
  if (cost === null) return 'never';
  return axis === 'largeShare' || axis === 'transmittedShare' ? percent(cost) : ratio(cost);
}

function comparisonTable(comparisons: readonly Comparison[], caption: string): NumberTable {
  return {
    caption: `${caption}: mean difference in accuracy, in percentage points`,
    textColumnCount: 3,
    columns: [
      'strategy',
      'compared with',
      'cost',
      'points',
      'difference',
      '95 % interval',
      'p',
      'verdict',
    ],
    rows: comparisons.map((comparison) => {
      const { strategy, control, axis, pointCount, difference, pValue } = comparison;
      return [
        strategy,
        control,
        AXIS_NAMES[axis],
        String(pointCount),
        points(difference.value),
        pointRange(difference.low, difference.high),
        pText(pValue),
        verdictOf(comparison),
      ];
    }),
  };
}

function pairTable({ comparisons }: EvaluationResult): NumberTable {
  return {
    caption:
      "Single points against the other's nearest one in cost (McNemar's test): first seed, unweighted",
    textColumnCount: 2,
    columns: [
      'strategy',
      'compared with',
      'its cost',
      "the other's cost",
      'it alone right',
      'the other alone',
      'p',
    ],
    rows: comparisons.flatMap(({ strategy, control, pairs }) =>
      pairs.map((pair) => [
        pointName({ strategy, threshold: pair.threshold }),
        pointName({ strategy: control, threshold: pair.controlThreshold }),
        short(pair.cost),
        short(pair.controlCost),
        String(pair.onlyStrategyCount),
        String(pair.onlyControlCount),
        pText(pair.pValue),
      ]),
    ),
  };
}

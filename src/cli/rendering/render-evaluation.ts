/** An evaluation as tables: points with their costs, curves in a few numbers, comparisons. */
import type { Evaluated } from '../../app/evaluate.ts';
import { tellingComparisons } from '../../app/questions/telling-comparisons.ts';
import type {
  Comparison,
  CostAxis,
  CurveSummary,
  Estimate,
  PointResult,
} from '../../evaluation/results.ts';
import type { CliIo } from '../io.ts';
import { plainTable } from './plain-table.ts';

const NOTHING = '-';

const AXIS_NAMES: Readonly<Record<CostAxis, string>> = {
  largeShare: 'large share',
  transmittedShare: 'transmitted share',
  generatedFlopsRatio: 'FLOPs',
  weightTrafficRatio: 'traffic',
};

export function renderEvaluation(
  { result, path, liveCheck, rowCounts }: Evaluated,
  color: CliIo['color'],
): string {
  const { task, questionCount, models, isScreened } = result;
  const screened = isScreened ? ', questions on which both do alike sampled' : '';
  const title = `${task}: ${questionCount} questions, ${models.small.name} and ${models.large.name}`;
  const sections = [
    `${color.bold(`${title}${screened}`)}\n`,
    table(POINT_TITLES, result.results.map(pointRow), color),
    curves(result.summary, 'by large share', color),
    curves(result.summaryByFlops, 'by generated FLOPs', color),
    curves(result.summaryByTraffic, 'by weight traffic', color),
    comparisons(tellingComparisons(result), color),
  ];
  const { known, computed } = rowCounts;
  const footer = [
    gapLine(result.gap),
    'Shares are of tokens; ratios are to the large model alone on the same questions.',
    `Rows: ${known} remembered, ${computed} computed.`,
    ...(liveCheck === null
      ? []
      : [
          `Given again live: ${liveCheck.count} answers, ${liveCheck.sameCount} the same token for ` +
            `token, ${liveCheck.sameGradeCount} graded the same; large share ` +
            `${percent(liveCheck.largeShare)} remembered, ${percent(liveCheck.liveLargeShare)} live.`,
        ]),
    `Result: ${path} (draw it with "pilotfish report ${path}")`,
  ];
  return `${[...sections, `${footer.join('\n')}\n`].filter((part) => part !== '').join('\n')}`;
}

/**
 * The interval is paired: the intervals of two accuracies may overlap while that of their difference is
 * above 0.
 */
function gapLine({ value, low, high }: Estimate): string {
  const interval = low === null || high === null ? '' : ` (${points(low)} to ${points(high)})`;
  return `Gap, large - small: ${points(value)} points${interval}, paired.`;
}

const POINT_TITLES = [
  'strategy',
  'threshold',
  'seed',
  'right',
  '95 %',
  'gap',
  'large share',
  'expected',
  'traffic',
  'FLOPs',
  'processed',
];

function pointRow(point: PointResult): readonly string[] {
  const { strategy, threshold, seed, gapRecovered } = point;
  return [
    `${strategy}${point.isOnFront ? ' *' : ''}`,
    // With all its digits: a rounded threshold might lie on the other side of a score.
    threshold === null ? NOTHING : String(threshold),
    seed === 0 ? NOTHING : String(seed),
    percent(point.accuracy),
    `${percent(point.accuracyLow)} to ${percent(point.accuracyHigh)}`,
    percent(gapRecovered),
    percent(point.largeShare),
    percent(point.predictedShare),
    ratio(point.weightTrafficRatio),
    ratio(point.generatedFlopsRatio),
    ratio(point.processedFlopsRatio),
  ];
}

function curves(
  summary: Readonly<Record<string, CurveSummary>>,
  title: string,
  color: CliIo['color'],
): string {
  const rows = Object.entries(summary).map(([name, { apgr, apgrLow, apgrHigh, ...rest }]) => [
    name,
    ratio(apgr),
    `${ratio(apgrLow)} to ${ratio(apgrHigh)}`,
    percent(rest.cpt50),
    percent(rest.cpt80),
    percent(rest.cpt95),
  ]);
  if (rows.length === 0) return '';
  return table([title, 'APGR', '95 %', 'CPT50', 'CPT80', 'CPT95'], rows, color);
}

function comparisons(all: readonly Comparison[], color: CliIo['color']): string {
  const rows = all
    .filter(({ difference }) => difference.value !== null)
    .map(({ strategy, control, axis, pointCount, difference, pValue }) => [
      `${strategy} - ${control}`,
      AXIS_NAMES[axis],
      String(pointCount),
      points(difference.value),
      `${points(difference.low)} to ${points(difference.high)}`,
      pValue === null ? NOTHING : pValue.toPrecision(2),
    ]);
  if (rows.length === 0) return '';
  return table(['at equal cost', 'cost', 'points', 'difference', '95 %', 'p'], rows, color);
}

function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  color: CliIo['color'],
): string {
  return plainTable([titles.map((title) => color.bold(title)), ...rows], 'named');
}

function percent(value: number | null): string {
  return value === null ? NOTHING : `${(100 * value).toFixed(1)}%`;
}

function ratio(value: number | null): string {
  return value === null ? NOTHING : value.toFixed(3);
}

/** Percentage points, with their sign. */
function points(value: number | null): string {
  if (value === null) return NOTHING;
  return `${value > 0 ? '+' : ''}${(100 * value).toFixed(1)}`;
}

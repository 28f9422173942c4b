/** An evaluation as tables: points with their costs, curves in a few numbers, comparisons. */
import type { Evaluated } from '../../app/evaluate.ts';
import { tellingComparisons } from '../../app/questions/telling-comparisons.ts';
import type {
  CostAxis,
  CurveLack,
  CurveSummary,
  Estimate,
  EvaluationResult,
  PointResult,
} from '../../evaluation/results.ts';
import type { CliIo } from '../io.ts';
import { plainTable } from './plain-table.ts';

const NOTHING = '-';

const AXIS_NAMES: Readonly<Record<CostAxis, string>> = {
  largeShare: 'large share',
  transmittedShare: 'transmitted share',
  writtenFlopsRatio: 'written',
  generatedFlopsRatio: 'generated',
  weightTrafficRatio: 'traffic',
};

export function renderEvaluation(
  { result, path, bills: billed, liveCheck, rowCounts }: Evaluated,
  color: CliIo['color'],
): string {
  const { task, questionCount, models, isScreened } = result;
  const screened = isScreened ? ', questions on which both do alike sampled' : '';
  const title = `${task}: ${questionCount} questions, ${models.small.name} and ${models.large.name}`;
  const columns = shownColumns(result.results);
  const sections = [
    `${color.bold(`${title}${screened}`)}\n`,
    table(
      columns.map(({ title }) => title),
      result.results.map((point) => columns.map(({ of }) => of(point))),
      color,
    ),
    bills(billed, color),
    curves(result.summary, `by ${shareName(result.summary)}`, color),
    curves(result.summaryByFlops, 'by generated FLOPs', color),
    curves(result.summaryByWrittenFlops, 'by written FLOPs', color),
    curves(result.summaryByTraffic, 'by weight traffic', color),
    comparisons(result, color),
  ];
  const { known, computed } = rowCounts;
  const footer = [
    ...lackLines(result),
    gapLine(result.gap),
    'Shares are of tokens; ratios are to the large model alone on the same questions: traffic of',
    'weights, FLOPs written, generated (written or scored) and processed. Over large: points, paired.',
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

interface Column {
  readonly title: string;
  readonly of: (point: PointResult) => string;
}

const COLUMNS: readonly Column[] = [
  { title: 'strategy', of: ({ strategy, isOnFront }) => `${strategy}${isOnFront ? ' *' : ''}` },
  // With all its digits: a rounded threshold might lie on the other side of a score.
  { title: 'threshold', of: ({ threshold }) => (threshold === null ? NOTHING : String(threshold)) },
  { title: 'seed', of: ({ seed }) => (seed === 0 ? NOTHING : String(seed)) },
  { title: 'right', of: ({ accuracy }) => percent(accuracy) },
  {
    title: '95 %',
    of: ({ accuracyLow, accuracyHigh }) => `${percent(accuracyLow)} to ${percent(accuracyHigh)}`,
  },
  { title: 'over large', of: ({ overLarge }) => overLargeText(overLarge) },
  { title: 'gap', of: ({ gapRecovered }) => percent(gapRecovered) },
  { title: 'large share', of: ({ largeShare }) => percent(largeShare) },
];

/** `+1.0 (-0.8 to +2.9)`, in percentage points. */
function overLargeText(difference: Estimate): string {
  const { value } = difference;
  return value === null ? NOTHING : `${points(value)} (${range(difference, points)})`;
}

const STEP_COLUMNS: readonly Column[] = [
  { title: 'steps rejected', of: ({ rejectedShare }) => percent(rejectedShare) },
  { title: 'of', of: ({ stepCount }) => stepCount?.toFixed(1) ?? NOTHING },
];

const DRAFT_COLUMNS: readonly Column[] = [
  { title: 'transmitted', of: ({ transmittedShare }) => percent(transmittedShare) },
];

const COST_COLUMNS: readonly Column[] = [
  { title: 'expected', of: ({ predictedShare }) => percent(predictedShare) },
  { title: 'traffic', of: ({ weightTrafficRatio }) => ratio(weightTrafficRatio) },
  { title: 'written', of: ({ writtenFlopsRatio }) => ratio(writtenFlopsRatio) },
  { title: 'generated', of: ({ generatedFlopsRatio }) => ratio(generatedFlopsRatio) },
  { title: 'processed', of: ({ processedFlopsRatio }) => ratio(processedFlopsRatio) },
];

function shownColumns(results: readonly PointResult[]): readonly Column[] {
  const hasSteps = results.some(({ stepCount }) => stepCount !== null);
  const hasDrafts = results.some(({ transmittedShare }) => transmittedShare !== null);
  return [
    ...COLUMNS,
    ...(hasSteps ? STEP_COLUMNS : []),
    ...(hasDrafts ? DRAFT_COLUMNS : []),
    ...COST_COLUMNS,
  ];
}

/** Methods of different units are compared by the share that their own threshold decides. */
function shareName(summary: Readonly<Record<string, CurveSummary>>): string {
  const axes = new Set(Object.values(summary).map(({ axis }) => axis));
  return [...axes].map((axis) => AXIS_NAMES[axis]).join(' or ');
}

function curves(
  summary: Readonly<Record<string, CurveSummary>>,
  title: string,
  color: CliIo['color'],
): string {
  const rows = Object.entries(summary).map(([name, { apgr, cpt50, cpt80, cpt95 }]) => [
    name,
    ratio(apgr.value),
    range(apgr, ratio),
    percent(cpt50.value),
    percent(cpt80.value),
    range(cpt80, percent),
    percent(cpt95.value),
  ]);
  if (rows.length === 0) return '';
  return table([title, 'APGR', '95 %', 'CPT50', 'CPT80', '95 %', 'CPT95'], rows, color);
}

function bills({ columns, rows }: Evaluated['bills'], color: CliIo['color']): string {
  return rows.length === 0 ? '' : table(['bills per answer', ...columns.slice(1)], rows, color);
}

function range({ low, high }: Estimate, text: (value: number | null) => string): string {
  if (low === null && high === null) return NOTHING;
  return `${text(low)} to ${text(high)}`;
}

function comparisons(result: EvaluationResult, color: CliIo['color']): string {
  const { interval } = result;
  const rows = tellingComparisons(result)
    .filter(({ difference }) => difference.value !== null)
    .map(({ strategy, other, axis, difference }) => [
      `${strategy} - ${other}`,
      AXIS_NAMES[axis],
      points(difference.value),
      range(difference, points),
    ]);
  if (rows.length === 0 || interval === null) return '';
  const over = `mean over ${percent(interval.low)} to ${percent(interval.high)}`;
  return table([over, 'cost', 'points', '95 %'], rows, color);
}

/** The curves that cannot be compared. */
function lackLines({ comparisons }: EvaluationResult): readonly string[] {
  const lacks = comparisons.flatMap((one) => one.lacks);
  const namesOf = (all: readonly CurveLack[]): readonly string[] => [
    ...new Set(all.map(({ strategy }) => strategy)),
  ];
  const isDear = ({ from }: CurveLack): boolean => from !== null && from >= 1;
  const dear = namesOf(lacks.filter(isDear));
  const names = namesOf(lacks.filter((lack) => !isDear(lack)));
  return [
    ...dear.map((name) => `Not compared: ${name}. No point of it costs less than the large model.`),
    ...(names.length === 0
      ? []
      : [
          `Not compared: ${names.join(', ')}. Too few points, or none below or above the interval; ` +
            'the report says which, and --shares adds points.',
        ]),
  ];
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

/**
 * The findings of a result, in sentences. They claim no more than the intervals do: a strategy beats
 * its control if the interval of the difference lies above zero. Each pair gets one sentence at most.
 */

import { POINTS_MIN } from '../evaluation/curves/interval-mean.ts';
import type { ShareInterval } from '../evaluation/curves/share-interval.ts';
import type { Comparison, CurveLack, Estimate, EvaluationResult } from '../evaluation/results.ts';
import { methodNamed } from '../strategy/strategy-value.ts';
import {
  type CurvePoint,
  controlsOf,
  curvePoints,
  isModelAlone,
  LARGE_ALONE,
  pointName,
  SMALL_ALONE,
  strategiesOf,
} from './curves.ts';
import {
  distance,
  intervalText,
  listed,
  percent,
  percentRange,
  pointRange,
  points,
  ratio,
} from './wording.ts';

/** The part of the gap that counts as nearly all of it. */
const NEARLY_ALL = 0.95;
const FEW_QUESTIONS = 200;

export type Verdict = 'better' | 'worse' | 'undecided' | 'not compared';

export function verdictOf({ difference }: Pick<Comparison, 'difference'>): Verdict {
  const { low, high } = difference;
  if (low === null || high === null) return 'not compared';
  if (low > 0) return 'better';
  return high < 0 ? 'worse' : 'undecided';
}

/** Sentences, the most important ones first. */
export function findings(result: EvaluationResult): string[] {
  const drawn = curvePoints(result.results);
  return [
    ...levels(drawn, result.gap),
    ...comparisonsOf(result),
    ...cheapest(result, drawn),
    ...frontMembers(drawn),
    ...cautions(result),
  ];
}

function levels(drawn: readonly CurvePoint[], gap: Estimate): string[] {
  const [small, large] = aloneOf(drawn);
  if (small === undefined || large === undefined) return ['The models alone were not both run.'];
  const level = ({ accuracy, low, high }: CurvePoint): string =>
    `${percent(accuracy)} (${percentRange(low, high)})`;
  const both = `Right alone: the small model ${level(small)}, the large model ${level(large)}.`;
  if (large.accuracy <= small.accuracy) {
    return [
      `${both} The large model is not better here: there is no gap that a strategy could recover.`,
    ];
  }
  const apart = distance(large.accuracy - small.accuracy);
  const said = `The gap between them is ${apart} points (${pointRange(gap.low, gap.high)}, paired).`;
  // Not by the intervals of both models: on the same questions they may overlap where the gap is
  // certain.
  const isDoubtful = gap.low === null || gap.low <= 0;
  const doubt = isDoubtful ? ' Its interval reaches 0: the gap itself is doubtful.' : '';
  return [`${both} ${said}${doubt}`];
}

function aloneOf(drawn: readonly CurvePoint[]): [CurvePoint | undefined, CurvePoint | undefined] {
  const find = (name: string): CurvePoint | undefined =>
    drawn.find(({ strategy }) => strategy === name);
  return [find(SMALL_ALONE), find(LARGE_ALONE)];
}

function comparisonsOf(result: EvaluationResult): string[] {
  if (result.interval === null) {
    return [
      'An earlier version of this program wrote the result. Its comparisons chose points by their ' +
        'outcome, so they are left out. Run `eval` again into the same folder, with the same options ' +
        'but without --shares: the answers there are kept, and the comparisons are made of them.',
    ];
  }
  const isJudged = (one: Comparison): boolean => verdictOf(one) !== 'not compared';
  const judged = result.comparisons.filter(isJudged);
  const byWritten = result.comparisonsByWrittenFlops.filter(isJudged);
  return [
    ...againstControls(judged, byWritten, result.interval),
    ...againstRules(judged, result.interval),
    ...betweenMethods(judged, result.interval),
    ...lacking(result, result.interval),
  ];
}

function againstControls(
  judged: readonly Comparison[],
  byWritten: readonly Comparison[],
  interval: ShareInterval,
): string[] {
  const isAgainstControl = ({ otherIs }: Comparison): boolean => otherIs === 'control';
  const comparisons = judged.filter(isAgainstControl);
  const written = byWritten.filter(isAgainstControl);
  if (comparisons.length + written.length === 0) {
    return [
      'No strategy could be compared with a random control: nothing shows that one is better.',
    ];
  }
  const verbs = { better: 'beats', worse: 'is worse than' };
  return [
    ...unbeaten([...comparisons, ...written]),
    ...said(comparisons, verbs, interval),
    ...said(written, verbs, interval),
  ];
}

/** Every trained method against every rule that needs no training. */
function againstRules(judged: readonly Comparison[], interval: ShareInterval): string[] {
  const comparisons = judged.filter(({ otherIs }) => otherIs === 'rule');
  const verbs = {
    better: 'beats the untrained rule',
    worse: 'is worse than the untrained rule',
    undecided: 'the untrained rule',
  };
  return said(comparisons, verbs, interval);
}

/** Decided comparisons, and the number of the others. */
function betweenMethods(judged: readonly Comparison[], interval: ShareInterval): string[] {
  const comparisons = judged.filter(({ otherIs }) => otherIs === 'method');
  const decided = comparisons.filter((one) => verdictOf(one) !== 'undecided');
  const openCount = comparisons.length - decided.length;
  const open = `Pairs of other methods that are not decided: ${openCount}; the table holds them.`;
  const verbs = { better: 'is better than', worse: 'is worse than' };
  return [...said(decided, verbs, interval), ...(openCount === 0 ? [] : [open])];
}

interface Verbs {
  readonly better: string;
  readonly worse: string;
  /** Stands before the other's name where nothing is decided. */
  readonly undecided?: string;
}

/** One sentence for each comparison: first what is better, then what is worse, then what is open. */
function said(
  comparisons: readonly Comparison[],
  { better, worse, undecided = '' }: Verbs,
  interval: ShareInterval,
): string[] {
  const of = (verdict: Verdict): Comparison[] =>
    comparisons.filter((comparison) => verdictOf(comparison) === verdict);
  const spelled = (one: Comparison): string => spelt(one, interval);
  const noun = undecided === '' ? '' : `${undecided} `;
  return [
    ...of('better').map((one) => `${one.strategy} ${better} ${spelled(one)}.`),
    ...of('worse').map((one) => `${one.strategy} ${worse} ${spelled(one)}.`),
    ...of('undecided').map((one) => `Not decided: ${one.strategy} against ${noun}${spelled(one)}.`),
  ];
}

/** Controls are judged separately: to beat one says nothing about a control of another unit. */
function unbeaten(judged: readonly Comparison[]): string[] {
  const beaten = new Set(
    judged.filter((one) => verdictOf(one) === 'better').map(({ other }) => other),
  );
  const names = judged.map(({ other }) => other).filter((name) => !beaten.has(name));
  const spelled = [...new Set(names)].map(controlName);
  return spelled.length === 0 ? [] : [`No strategy beats ${spelled.join(', nor ')}.`];
}

function controlName(control: string): string {
  return methodNamed(control)?.phrase ?? `the control ${control}`;
}

function spelt({ other, otherIs, axis, difference }: Comparison, interval: ShareInterval): string {
  const { value, low, high } = difference;
  const name = otherIs === 'control' ? controlName(other) : other;
  return (
    `${name} over ${intervalText(interval, axis)}: ` +
    `${points(value)} points on average (${pointRange(low, high)})`
  );
}

/** The curves that could not be compared, each once. */
function lacking({ comparisons }: EvaluationResult, interval: ShareInterval): string[] {
  const sentences = comparisons.flatMap(({ lacks, axis }) =>
    lacks.map((lack) => lackText(lack, intervalText(interval, axis))),
  );
  return [...new Set(sentences)];
}

function lackText({ strategy, pointCount, from, to }: CurveLack, interval: string): string {
  if (from === null || to === null) {
    return `Not compared: ${strategy} over ${interval}, where the large model does not cost more.`;
  }
  if (from >= 1) {
    return `Not compared: ${strategy} over ${interval}. No point of it costs less than the large model.`;
  }
  const head = `Not compared: ${strategy} over ${interval}. Of its points `;
  const counted = `${pointCount} lie in or next to that`;
  const reach = `they reach from ${percent(from)} to ${percent(to)}`;
  return `${head}${counted}, and ${reach}; it takes ${POINTS_MIN}, on both sides of it: add --shares.`;
}

/** The single point that keeps nearly the large model's accuracy for the least weight traffic. */
function cheapest(result: EvaluationResult, drawn: readonly CurvePoint[]): string[] {
  const [small, large] = aloneOf(drawn);
  if (small === undefined || large === undefined || large.accuracy <= small.accuracy) return [];
  const controls = controlsOf(result);
  const [best] = drawn
    .filter(({ strategy }) => !isModelAlone(strategy) && !controls.has(strategy))
    .filter(({ gapRecovered }) => gapRecovered !== null && gapRecovered >= NEARLY_ALL)
    .sort((a, b) => a.weightTrafficRatio - b.weightTrafficRatio);
  const part = percent(NEARLY_ALL, 0);
  if (best === undefined) return [`No strategy recovers ${part} of the gap at a measured point.`];
  const { weightTrafficRatio, accuracy, low, high } = best;
  const how = weightTrafficRatio < 1 ? '' : ', which saves nothing';
  return [
    `Description: of the points that recover ${part} of the gap here, ${pointName(best)} reads the ` +
      `least weights: ${ratio(weightTrafficRatio)} of what the large model alone reads${how}, with ` +
      `${percent(accuracy)} right (${percentRange(low, high)}). It was chosen after looking, so ` +
      'expect less of it on other questions.',
  ];
}

function frontMembers(drawn: readonly CurvePoint[]): string[] {
  const front = strategiesOf(drawn.filter(({ isOnFront }) => isOnFront));
  if (front.length === 0) return [];
  return [
    `Description: on the Pareto front of accuracy against weight traffic, intervals aside: ${listed(front)}.`,
  ];
}

function cautions(result: EvaluationResult): string[] {
  const { questionCount, isScreened } = result;
  const comparisons = [...result.comparisons, ...result.comparisonsByWrittenFlops];
  const few =
    questionCount < FEW_QUESTIONS
      ? [
          `${questionCount} questions are few: intervals are wide, and small differences stay hidden.`,
        ]
      : [];
  const count = comparisons.filter((one) => verdictOf(one) !== 'not compared').length;
  const many =
    count > 1
      ? [
          `${count} pairs are compared, and their intervals are not corrected for that: if no two ` +
            'strategies differed, one interval in 20 would still lie on one side of 0.',
        ]
      : [];
  const screened = isScreened
    ? [
        'Screened: of the questions that both models get right, and of those that both get wrong, ' +
          'the other strategies answered a sample that stands for the rest.',
      ]
    : [];
  return [...few, ...many, ...screened];
}

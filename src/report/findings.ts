/**
 * The findings of a result, in sentences. They claim no more than the intervals do: a strategy
 * beats its control if the interval of the difference lies above zero and the test agrees.
 */
import type { Comparison, Estimate, EvaluationResult } from '../evaluation/results.ts';
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
  AXIS_NAMES,
  distance,
  listed,
  percent,
  percentRange,
  pointRange,
  points,
  pText,
  ratio,
} from './wording.ts';

/** The significance level that matches 95 % intervals. */
const SIGNIFICANCE = 0.05;
/** The part of the gap that counts as nearly all of it. */
const NEARLY_ALL = 0.95;
const FEW_QUESTIONS = 200;

export type Verdict = 'better' | 'worse' | 'undecided' | 'not compared';

/** Undecided where the interval and the test disagree. */
export function verdictOf({ difference, pValue }: Comparison): Verdict {
  const { low, high } = difference;
  if (low === null || high === null || pValue === null) return 'not compared';
  if (low > 0 && pValue < SIGNIFICANCE) return 'better';
  if (high < 0 && pValue < SIGNIFICANCE) return 'worse';
  return 'undecided';
}

/** Sentences, the most important ones first. */
export function findings(result: EvaluationResult): string[] {
  const drawn = curvePoints(result.results);
  return [
    ...levels(drawn, result.gap),
    ...againstControls(result),
    ...betweenMethods(result),
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

function againstControls(result: EvaluationResult): string[] {
  const controls = controlsOf(result);
  const comparisons = result.comparisons.filter(({ control }) => controls.has(control));
  const judged = comparisons.filter((comparison) => verdictOf(comparison) !== 'not compared');
  if (judged.length === 0) {
    return [
      'No strategy could be compared with a random control: nothing shows that one is better.',
    ];
  }
  const of = (verdict: Verdict): Comparison[] =>
    comparisons.filter((comparison) => verdictOf(comparison) === verdict);
  return [
    ...unbeaten(judged),
    ...of('better').map((one) => `${one.strategy} beats ${spelt(one, controls)}.`),
    ...of('worse').map((one) => `${one.strategy} is worse than ${spelt(one, controls)}.`),
    ...of('undecided').map(
      (one) => `Not decided: ${one.strategy} against ${spelt(one, controls)}.`,
    ),
    ...of('not compared').map(notCompared),
  ];
}

function notCompared({ strategy, control, pointCount }: Comparison): string {
  const why = pointCount === 0 ? ': no point of it recovers 20 to 95 % of the gap' : '';
  return `${strategy} could not be compared with ${controlName(control)}${why}.`;
}

function controlName(control: string): string {
  return methodNamed(control)?.phrase ?? `the control ${control}`;
}

/**
 * Only decided comparisons. Two methods are compared in both directions, each over the range of
 * one's curve. So "worse" is said only where the reverse comparison did not find "better".
 */
function betweenMethods(result: EvaluationResult): string[] {
  const controls = controlsOf(result);
  const between = result.comparisons.filter(({ control }) => !controls.has(control));
  const isBetter = (strategy: string, control: string): boolean =>
    between.some(
      (one) => one.strategy === strategy && one.control === control && verdictOf(one) === 'better',
    );
  return between.flatMap((one) => {
    const verdict = verdictOf(one);
    const isSaid = verdict === 'worse' && !isBetter(one.control, one.strategy);
    return verdict === 'better' || isSaid
      ? [`${one.strategy} is ${verdict} than ${spelt(one, controls)}.`]
      : [];
  });
}

/** Controls are judged separately: to beat one says nothing about a control of another unit. */
function unbeaten(judged: readonly Comparison[]): string[] {
  const beaten = new Set(
    judged.filter((one) => verdictOf(one) === 'better').map(({ control }) => control),
  );
  const names = judged.map(({ control }) => control).filter((name) => !beaten.has(name));
  const said = [...new Set(names)].map(controlName);
  return said.length === 0 ? [] : [`No strategy beats ${said.join(', nor ')}.`];
}

function spelt(
  { control, axis, difference, pValue }: Comparison,
  controls: ReadonlySet<string>,
): string {
  const { value, low, high } = difference;
  const p = pValue === null || pValue < 0.001 ? `p ${pText(pValue)}` : `p = ${pText(pValue)}`;
  const name = controls.has(control) ? controlName(control) : control;
  return (
    `${name} at equal ${AXIS_NAMES[axis]}: ` +
    `${points(value)} points (${pointRange(low, high)}; ${p})`
  );
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
    `Of the points that recover ${part} of the gap, ${pointName(best)} reads the least weights: ` +
      `${ratio(weightTrafficRatio)} of what the large model alone reads${how}, with ` +
      `${percent(accuracy)} right (${percentRange(low, high)}).`,
  ];
}

function frontMembers(drawn: readonly CurvePoint[]): string[] {
  const front = strategiesOf(drawn.filter(({ isOnFront }) => isOnFront));
  if (front.length === 0) return [];
  return [
    `On the Pareto front of accuracy against weight traffic, intervals aside: ${listed(front)}.`,
  ];
}

function cautions({ comparisons, questionCount, isScreened }: EvaluationResult): string[] {
  const few =
    questionCount < FEW_QUESTIONS
      ? [
          `${questionCount} questions are few: intervals are wide, and small differences stay hidden.`,
        ]
      : [];
  const many =
    comparisons.length > 1
      ? [`${comparisons.length} comparisons were made; their p-values are not corrected for that.`]
      : [];
  const screened = isScreened
    ? [
        'Screened: of the questions that both models get right, and of those that both get wrong, ' +
          'the other strategies answered a sample that stands for the rest.',
      ]
    : [];
  return [...few, ...many, ...screened];
}

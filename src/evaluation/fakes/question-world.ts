/**
 * Synthetic questions whose truth is known: four kinds by which model is right, chances of a right
 * answer by kind and point, and costs. They check that intervals hold the truth as often as they
 * claim.
 */
import { mix, type NoiseKey, noiseKey, noiseUniform } from '../../core/noise.ts';
import { type Anchors, type CurvePoint, curvePoint, type Place } from '../curves/curve-point.ts';
import type { AnchorPlaces } from '../curves/gap-recovered.ts';
import { chooseSample } from '../screening/choose-sample.ts';
import { fullDesign, type SampleDesign } from '../screening/sample-design.ts';

/**
 * The shares of questions with: both wrong, the small model alone right, the large one alone, both.
 */
const KIND_SHARES = [0.22, 0.05, 0.28, 0.45] as const;
/** A strategy disturbs answers that both models would get right, and finds a few of the others. */
const DISTURBED = 0.03;

/**
 * The chance of a right answer at a large share `x`, by kind; with `skill` 0 it chooses at random.
 */
function chances(x: number, skill: number): readonly number[] {
  const helped = x + skill * x * (1 - x);
  const blend = 4 * x * (1 - x);
  return [DISTURBED * blend, 1 - x + skill * x * (1 - x), helped, 1 - DISTURBED * blend];
}

interface WorldPoint {
  /** The large share. */
  readonly x: number;
  readonly skill: number;
}

const SHARES = [0.02, 0.05, 0.1, 0.25, 0.45, 0.7];
const STRATEGY: readonly WorldPoint[] = SHARES.map((x) => ({ x, skill: 0.8 }));
const COIN: readonly WorldPoint[] = SHARES.map((x) => ({ x: x + 0.03, skill: 0 }));

function truePlace({ x, skill }: WorldPoint): Place {
  const byKind = chances(x, skill);
  const accuracy = KIND_SHARES.reduce((sum, share, kind) => sum + share * (byKind[kind] ?? 0), 0);
  return { cost: x, accuracy };
}

/** The places of the points over all questions that could be asked. */
export const TRUTH: {
  readonly strategy: readonly Place[];
  readonly coin: readonly Place[];
  readonly anchors: AnchorPlaces;
} = {
  strategy: STRATEGY.map(truePlace),
  coin: COIN.map(truePlace),
  anchors: { small: truePlace({ x: 0, skill: 0 }), large: truePlace({ x: 1, skill: 0 }) },
};

/** Points are drawn on request, and the same each time. */
export interface World {
  /** The answered questions, and the count of questions that each represents. */
  readonly design: SampleDesign;
  strategyPoint(index: number): CurvePoint;
  coinPoint(index: number): CurvePoint;
  strategy(): readonly CurvePoint[];
  coin(): readonly CurvePoint[];
  anchors(): Anchors;
}

export interface WorldOptions {
  /** Answers only this share of the questions on which both models are equally right; null: all. */
  readonly concordantShare?: number | null;
}

/** Draws `count` questions, and the result of every point on those that are answered. */
export function drawWorld(
  seed: number,
  count: number,
  { concordantShare = null }: WorldOptions = {},
): World {
  const kinds = Array.from({ length: count }, (_, question) => kindOf(seed, question));
  const { positions, design } = answered(seed, kinds, concordantShare);
  const questions = positions.map((position) => ({
    key: noiseKey(seed, position, 'draft'),
    kind: kinds[position] ?? 0,
  }));
  const draw = (point: WorldPoint, stream: number): CurvePoint =>
    drawPoint(questions, point, 100 + stream);
  const strategyPoint = (index: number) => draw(STRATEGY[index] as WorldPoint, index);
  const coinPoint = (index: number) => draw(COIN[index] as WorldPoint, 10 + index);
  return {
    design,
    strategyPoint,
    coinPoint,
    strategy: () => STRATEGY.map((_, index) => strategyPoint(index)),
    coin: () => COIN.map((_, index) => coinPoint(index)),
    anchors: () => ({
      small: draw({ x: 0, skill: 0 }, 90),
      large: draw({ x: 1, skill: 0 }, 91),
    }),
  };
}

function answered(
  seed: number,
  kinds: readonly number[],
  share: number | null,
): { readonly positions: readonly number[]; readonly design: SampleDesign } {
  if (share === null) {
    return { positions: kinds.map((_, question) => question), design: fullDesign(kinds.length) };
  }
  return chooseSample(kinds, {
    concordant: { share },
    minimumPerStratum: 20,
    seed: mix(seed, 1, 2),
  });
}

/** The kind of a question, in the order of `KIND_SHARES` and of the strata. */
function kindOf(seed: number, question: number): number {
  let rest = noiseUniform(noiseKey(seed, question, 'coin'));
  return KIND_SHARES.findIndex((share) => {
    rest -= share;
    return rest < 0;
  });
}

function drawPoint(
  questions: readonly { readonly key: NoiseKey; readonly kind: number }[],
  { x, skill }: WorldPoint,
  stream: number,
): CurvePoint {
  const byKind = chances(x, skill);
  const isRight = new Uint8Array(questions.length);
  const costNumerator = new Float64Array(questions.length);
  const costDenominator = new Float64Array(questions.length);
  for (const [index, { key, kind }] of questions.entries()) {
    // Half of the time by luck that all points share, as with answers to one question.
    const isShared = noiseUniform(key, stream) < 0.5;
    const luck = noiseUniform(key, isShared ? 0 : stream + 100);
    isRight[index] = luck < (byKind[kind] ?? 0) ? 1 : 0;
    const tokenCount = 40 + 100 * noiseUniform(key, 1);
    const offset = Math.min(x, 1 - x) * (2 * noiseUniform(key, stream + 200) - 1);
    costDenominator[index] = tokenCount;
    costNumerator[index] = tokenCount * (x + offset);
  }
  return curvePoint(x, [{ isRight, costNumerator, costDenominator }]);
}

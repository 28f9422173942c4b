/**
 * A method with steps as its unit, and its random control: neither is in the program's own list. A
 * step is three tokens; the method's score of a step depends only on its tokens.
 */
import { seededDraws } from '../../src/core/draws.ts';
import type { ModelRole } from '../../src/core/model-id.ts';
import type { RowResult } from '../../src/core/row-program.ts';
import { type Method, thresholdOf } from '../../src/strategy/method.ts';
import { HUES } from '../../src/strategy/method-style.ts';
import { randomQueryMethod } from '../../src/strategy/random-query.ts';
import type { Decoder, Round, StrategyContext } from '../../src/strategy/strategy.ts';
import { writtenBy } from '../../src/strategy/written-by.ts';

const STEP_TOKEN_COUNT = 3;
const scores = seededDraws(1);

/** The small model's step, or the large model's in its place; with the score of the former. */
function stepDecoder(
  { session, tokenReads }: StrategyContext,
  judge: (position: number, step: readonly RowResult[]) => { score: number; isKept: boolean },
): Decoder {
  const write = async (label: ModelRole, round: Round): Promise<readonly RowResult[]> => {
    const until = { tokenCountMax: Math.min(STEP_TOKEN_COUNT, round.tokenCountMax) };
    const purpose = label === 'small' ? 'draft' : 'correct';
    const rows: RowResult[] = [];
    const written = session(label).write({ text: round.text, until, purpose, reads: tokenReads });
    for await (const row of written) rows.push(row);
    return rows;
  };
  return {
    async round(round) {
      const step = await write('small', round);
      const { score, isKept } = judge(round.text.length, step);
      const [origin, rows] = isKept
        ? (['small', step] as const)
        : (['large', await write('large', round)] as const);
      return rows.map((row) => ({ ...writtenBy(origin, row), score }));
    },
  };
}

export const stepMethod: Method = {
  name: 'steps',
  summary: 'the large model writes the steps that score low',
  unit: 'step',
  controlOf: null,
  threshold: {
    name: 'delta',
    default: 0.5,
    meaning: 'the large model writes steps whose score is below it',
    isShare: false,
    deferralSide: 'below',
  },
  gate: null,
  head: null,
  usesStepCosts: false,
  needs: ['small', 'large'],
  costModels: randomQueryMethod.costModels.map((model) => ({ ...model, name: 'steps' })),
  style: { hue: HUES.green, shape: 'cross', dash: [1, 3] },
  build: (value) => ({
    name: 'steps',
    needs: { small: {}, large: {} },
    thresholds: { delta: thresholdOf(value) },
    begin: (context) =>
      stepDecoder(context, (_position, step) => {
        const sum = step.reduce((total, { tokenId }, index) => total + (index + 1) * tokenId, 0);
        const score = scores.uniform(sum, 'coin');
        return { score, isKept: score >= thresholdOf(value) };
      }),
  }),
};

export const stepControl: Method = {
  ...stepMethod,
  name: 'dice',
  summary: 'a coin decides about each step',
  controlOf: 'step',
  threshold: {
    name: 'share',
    default: 0.3,
    meaning: 'the large model writes this share of the steps',
    isShare: true,
    deferralSide: 'below',
  },
  costModels: randomQueryMethod.costModels.map((model) => ({ ...model, name: 'dice' })),
  style: null,
  build: (value) => ({
    name: 'dice',
    needs: { small: {}, large: {} },
    thresholds: { share: thresholdOf(value) },
    begin: (context) =>
      stepDecoder(context, (position) => {
        const score = context.draws.uniform(position, 'coin');
        return { score, isKept: score >= thresholdOf(value) };
      }),
  }),
};

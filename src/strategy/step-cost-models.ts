/** The expected work of methods that decide about steps (docs/METHODS.md has the formulas). Pure. */
import type { ModelRole } from '../core/model-id.ts';
import { type RowReads, readsLogits } from '../core/row-reads.ts';
import {
  type CostModel,
  type ExpectedForwards,
  prefill,
  type WorkPlan,
} from '../machines/cost-model.ts';
import { decodeShape, type ForwardShape } from '../machines/forward-costs.ts';
import { catchUps, meanLength, singleSteps, tokenRoutingCost } from './cost-models.ts';

/** The assumed length of a step where advice needs one. Worked answers have steps of 10 to 30 tokens. */
const STEP_TOKEN_COUNT = 20;

/**
 * The small model drafts every step. The large model writes a `share` of the tokens anew, in whole
 * steps, each in one call, and reads the others once, when it is next called.
 * @param reads what the reward needs of the small model's rows
 */
export function stepRoutingCost(name: string, reads: RowReads): CostModel {
  const routing = tokenRoutingCost({ name, reads });
  return {
    ...routing,
    work: (plan) => {
      const routed = routing.work(plan);
      const { length } = stepsIn(plan);
      const forwards = routed.forwards.filter(
        ({ model, shape }) => model === 'small' || shape.outputRowCount === 0,
      );
      return {
        forwards: [...forwards, ...stepsOf('large', plan, plan.value)],
        largeCallCount: routed.largeCallCount / length,
        largeContextTokenCount: routed.largeContextTokenCount / length,
        note: null,
      };
    },
  };
}

function stepsIn({ answerTokenCount }: WorkPlan): {
  readonly count: number;
  readonly length: number;
} {
  const count = Math.max(1, Math.round(answerTokenCount / STEP_TOKEN_COUNT));
  return { count, length: answerTokenCount / count };
}

/** Whole steps of a model that writes a share of them, and catches up on those between. */
function stepsOf(model: ModelRole, plan: WorkPlan, share: number): readonly ExpectedForwards[] {
  const { promptTokenCount, answerTokenCount } = plan;
  const { count, length } = stepsIn(plan);
  const steps = { ...plan, promptTokenCount: 1, answerTokenCount: count };
  const begun = catchUps(model, steps, share).map(({ shape, ...some }) => ({
    ...some,
    shape: {
      ...shape,
      rowCount: (shape.rowCount - 1) * length + 1,
      cachedTokenCount: promptTokenCount - 1 + shape.cachedTokenCount * length,
    },
  }));
  const furtherCount = share * answerTokenCount * (1 - 1 / length);
  if (furtherCount === 0) return begun;
  return [...begun, { model, count: furtherCount, shape: decodeShape(1, meanLength(plan)) }];
}

/** Each step is written by one of the models, which then reads what it missed. Nothing is drafted. */
export function stepChoiceCost(name: string): CostModel {
  return {
    name,
    parameter: 'share',
    readsLogits: false,
    work: (plan) => {
      const routed = stepRoutingCost(name, {}).work(plan);
      const { promptTokenCount, answerTokenCount, value: share } = plan;
      const everWrites = 1 - share ** answerTokenCount;
      return {
        ...routed,
        forwards: [
          ...(everWrites > 0 ? prefill('small', promptTokenCount, everWrites) : []),
          ...stepsOf('small', plan, 1 - share),
          ...routed.forwards.filter(({ model }) => model === 'large'),
        ],
      };
    },
  };
}

/**
 * As `stepRoutingCost`, with a reward for which the large model reads every drafted step, one forward
 * for each.
 */
export function stepReadingCost(name: string, reads: RowReads): CostModel {
  return {
    name,
    parameter: 'share',
    readsLogits: readsLogits(reads),
    work: (plan) => {
      const { promptTokenCount, answerTokenCount, value: share } = plan;
      const length = Math.min(STEP_TOKEN_COUNT, answerTokenCount);
      const stepCount = answerTokenCount / length;
      const cached = meanLength(plan);
      const callCount = stepCount * (1 + share);
      const all: readonly ExpectedForwards[] = [
        ...prefill('small', promptTokenCount),
        ...singleSteps('small', plan),
        ...rewardReadings(stepCount, decodeShape(length, cached), promptTokenCount),
        { model: 'large', count: share * answerTokenCount, shape: decodeShape(1, cached) },
      ];
      return {
        forwards: all.filter(({ count }) => count > 0),
        largeCallCount: callCount,
        largeContextTokenCount: callCount * (cached + 1) + stepCount * (length - 1),
        note: null,
      };
    },
  };
}

/** The last chunk of the prompt is read with the first step. */
function rewardReadings(
  count: number,
  reading: ForwardShape,
  promptTokenCount: number,
): readonly ExpectedForwards[] {
  const chunks = prefill('large', promptTokenCount);
  const { rowCount, cachedTokenCount } = chunks.at(-1)?.shape ?? {
    rowCount: 0,
    cachedTokenCount: 0,
  };
  const first = { ...reading, rowCount: rowCount + reading.rowCount, cachedTokenCount };
  return [
    ...chunks.slice(0, -1),
    { model: 'large', count: 1, isReward: true, shape: first },
    ...(count > 1
      ? ([{ model: 'large', count: count - 1, isReward: true, shape: reading }] as const)
      : []),
  ];
}

/** The assumed length of a step, and of what a judge reads around it. */
const JUDGED_TOKEN_COUNT = { step: 20, around: 10 };

/** As `stepRoutingCost`, with a judge as large as the large model, which reads a text of its own. */
export function judgedStepsCost(name: string): CostModel {
  const routing = stepRoutingCost(name, {});
  return {
    ...routing,
    work: (plan) => {
      const { step, around } = JUDGED_TOKEN_COUNT;
      const work = routing.work(plan);
      const stepCount = Math.ceil(plan.answerTokenCount / step);
      const judgement = {
        ...{ rowCount: step + around, outputRowCount: 1, cachedTokenCount: meanLength(plan) },
      };
      const readings = rewardReadings(stepCount, judgement, plan.promptTokenCount);
      const forwards = [...work.forwards, ...readings];
      return { ...work, forwards, largeCallCount: work.largeCallCount + stepCount };
    },
  };
}

/**
 * What each strategy is expected to do for an answer, given how often it calls the large model or how
 * many of its drafts hold (docs/METHODS.md has the formulas). Pure.
 */
import type { ModelRole } from '../core/events.ts';
import {
  type CostModel,
  type ExpectedForwards,
  type ExpectedWork,
  prefill,
  type WorkPlan,
} from '../cost/cost-model.ts';
import { decodeShape, fullForwardMs } from '../cost/forward-costs.ts';
import type { Gate } from '../routing/gate.ts';
import {
  DRAFT_LENGTH_MAX,
  draftForwards,
  expectedTokenCount,
} from '../speculative/draft-length.ts';

/** One model reads the prompt and writes every token. A remote one streams: one round trip. */
export function singleModelCost(role: ModelRole): CostModel {
  return {
    name: role,
    parameter: null,
    readsUncertainty: false,
    work: (plan) => ({
      forwards: [...prefill(role, plan.promptTokenCount), ...singleSteps(role, plan)],
      largeCallCount: role === 'large' ? 1 : 0,
      note: null,
    }),
  };
}

/**
 * The small model proposes every token. The large one is called for each with probability `share`
 * and reads all it missed in that forward: j rows where the last call was j tokens ago.
 */
export function tokenRoutingCost(gate: Gate): CostModel {
  return {
    name: gate.name,
    parameter: 'share',
    readsUncertainty: gate.needsUncertainty,
    work: (plan) => {
      const { promptTokenCount, answerTokenCount, value: share } = plan;
      const everCalled = 1 - (1 - share) ** answerTokenCount;
      return {
        forwards: [
          ...prefill('small', promptTokenCount),
          ...singleSteps('small', plan),
          ...(everCalled > 0 ? prefill('large', promptTokenCount, everCalled) : []),
          ...catchUps(plan),
        ],
        largeCallCount: share * answerTokenCount,
        note: null,
      };
    },
  };
}

function singleSteps(model: ModelRole, plan: WorkPlan): readonly ExpectedForwards[] {
  const { promptTokenCount, answerTokenCount } = plan;
  // Costs are linear in the cached tokens, so their mean does.
  const meanCached = promptTokenCount - 1 + (answerTokenCount - 1) / 2;
  return [{ model, count: answerTokenCount, shape: decodeShape(1, meanCached) }];
}

/** Gaps less probable than this do not show in any sum. */
const GAP_MIN = 1e-9;

/** Forwards of the large model by the number of rows that they catch up with. */
function catchUps(plan: WorkPlan): readonly ExpectedForwards[] {
  const { promptTokenCount, answerTokenCount, value: share } = plan;
  const forwards: ExpectedForwards[] = [];
  let gap = share;
  for (let rowCount = 1; rowCount <= answerTokenCount && gap > GAP_MIN; rowCount += 1) {
    // The first call finds the prompt read and no more. A later one, at token i, reads what came
    // since token i - rowCount, which the large model wrote, too: i is from rowCount up.
    const laterCount = share * (answerTokenCount - rowCount);
    const meanSince = (answerTokenCount - 1 - rowCount) / 2;
    const meanCached = (laterCount * (meanSince + 1)) / (1 + laterCount);
    forwards.push({
      model: 'large',
      count: gap * (1 + laterCount),
      shape: {
        rowCount,
        outputRowCount: 1,
        cachedTokenCount: promptTokenCount - 1 + Math.max(0, meanCached),
      },
    });
    gap *= 1 - share;
  }
  return forwards;
}

/** Drafts of the small model, of the length that takes least time per token. */
export const draftModelCost: CostModel = {
  name: 'speculative (small)',
  parameter: 'acceptance',
  readsUncertainty: false,
  work: (plan) => {
    const work = speculationWork(plan, draftsOf);
    return { ...work, forwards: [...prefill('small', plan.promptTokenCount), ...work.forwards] };
  },
};

/** Drafts that cost nothing; the acceptance is that of rounds which find one. */
export const promptLookupCost: CostModel = {
  name: 'speculative (lookup)',
  parameter: 'lookup-acceptance',
  readsUncertainty: false,
  work: (plan) => speculationWork(plan, () => []),
};

/** Forwards of one round's drafts. */
type Drafts = (plan: WorkPlan, length: number) => readonly ExpectedForwards[];

function draftsOf(plan: WorkPlan, length: number): readonly ExpectedForwards[] {
  const cached = meanLength(plan);
  return draftForwards(length, plan.value)
    .filter(({ count }) => count > 0)
    .map(({ rowCount, count }) => ({
      model: 'small',
      count,
      shape: { rowCount, outputRowCount: 1, cachedTokenCount: cached },
    }));
}

function speculationWork(plan: WorkPlan, drafts: Drafts): ExpectedWork {
  const rounds = Array.from({ length: DRAFT_LENGTH_MAX }, (_, index) =>
    roundOf(plan, drafts, index + 1),
  );
  const [first, ...others] = rounds as [SpeculationRound, ...SpeculationRound[]];
  const best = others.reduce((a, b) => (b.msPerToken < a.msPerToken ? b : a), first);
  const roundCount = plan.answerTokenCount / best.tokenCount;
  return {
    forwards: [
      ...prefill('large', plan.promptTokenCount),
      ...best.forwards.map((some) => ({ ...some, count: some.count * roundCount })),
    ],
    largeCallCount: roundCount,
    note: `${best.length} ${best.length === 1 ? 'draft' : 'drafts'} a round`,
  };
}

interface SpeculationRound {
  readonly length: number;
  readonly tokenCount: number;
  readonly msPerToken: number;
  readonly forwards: readonly ExpectedForwards[];
}

function roundOf(plan: WorkPlan, drafts: Drafts, length: number): SpeculationRound {
  const tokenCount = expectedTokenCount(length, plan.value);
  const verify: ExpectedForwards = {
    model: 'large',
    count: 1,
    shape: decodeShape(length + 1, meanLength(plan)),
  };
  const forwards = [...drafts(plan, length), verify];
  const ms = forwards.reduce(
    (sum, { model, count, shape }) => sum + count * fullForwardMs(plan.costs[model], shape),
    plan.roundTripMs,
  );
  return { length, tokenCount, msPerToken: ms / tokenCount, forwards };
}

function meanLength({ promptTokenCount, answerTokenCount }: WorkPlan): number {
  return promptTokenCount - 1 + (answerTokenCount - 1) / 2;
}

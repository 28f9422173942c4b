/**
 * The expected work of each strategy for an answer, given how often it calls the large model or how many
 * of its drafts hold (docs/METHODS.md has the formulas). Pure.
 */
import type { ModelRole } from '../core/model-id.ts';
import { type RowReads, readsLogits } from '../core/row-reads.ts';
import type { Gate } from '../judging/gate.ts';
import {
  type CostModel,
  type ExpectedForwards,
  type ExpectedWork,
  prefill,
  type WorkPlan,
} from '../machines/cost-model.ts';
import { decodeShape, fullForwardMs } from '../machines/forward-costs.ts';
import {
  DRAFT_LENGTH_MAX,
  draftForwards,
  expectedTokenCount,
} from '../speculative/draft-length.ts';
import { SAMPLE_DEFAULTS } from './samples.ts';

/** One model reads the prompt and writes every token. A remote model streams: one round trip. */
export function singleModelCost(role: ModelRole): CostModel {
  return {
    name: role,
    parameter: null,
    readsLogits: false,
    work: (plan) => ({
      forwards: [...prefill(role, plan.promptTokenCount), ...singleSteps(role, plan)],
      largeCallCount: role === 'large' ? 1 : 0,
      largeContextTokenCount: role === 'large' ? plan.promptTokenCount : 0,
      note: null,
    }),
  };
}

/**
 * The small model proposes every token. The large model is called for each token with probability
 * `share`, and reads all missed tokens in that forward: j rows if the last call was j tokens ago.
 */
export function tokenRoutingCost(gate: Pick<Gate, 'name' | 'reads'>): CostModel {
  return {
    name: gate.name,
    parameter: 'share',
    readsLogits: readsLogits(gate.reads),
    work: (plan) => {
      const { promptTokenCount, answerTokenCount, value: share } = plan;
      const everCalled = 1 - (1 - share) ** answerTokenCount;
      return {
        forwards: [
          ...prefill('small', promptTokenCount),
          ...singleSteps('small', plan),
          ...(everCalled > 0 ? prefill('large', promptTokenCount, everCalled) : []),
          ...catchUps('large', plan, share),
        ],
        largeCallCount: share * answerTokenCount,
        largeContextTokenCount: share * answerTokenCount * (meanLength(plan) + 1),
        note: null,
      };
    },
  };
}

/** Token routing by a trained router: it reads hidden states, which come with the forward. */
export function learnedRoutingCost(name: string): CostModel {
  return tokenRoutingCost({ name, reads: {} });
}

/**
 * The small model answers several times, by default. Work is counted as if a request were alone, so its
 * samples share no forwards.
 * @param what samples are, in words
 * @param reads what the choice needs of their rows
 */
export function samplesCost(name: string, what: string, reads: RowReads): CostModel {
  const { count } = SAMPLE_DEFAULTS;
  return {
    name,
    parameter: null,
    readsLogits: readsLogits(reads),
    work: (plan) => ({
      ...answersOf(plan, { small: count, large: 0 }),
      note: `${count} ${what}`,
    }),
  };
}

/** The small model answers. For a `share` of the questions the large model then answers anew. */
export const cascadeCost: CostModel = {
  name: 'cascade',
  parameter: 'share',
  readsLogits: true,
  work: (plan) => answersOf(plan, { small: 1, large: plan.value }),
};

/** One model answers each question: for a `share` of them the large model. */
export const randomQueryCost: CostModel = {
  name: 'random-query',
  parameter: 'share',
  readsLogits: false,
  work: (plan) => answersOf(plan, { small: 1 - plan.value, large: plan.value }),
};

/** Whole answers, with the given number of each model. */
function answersOf(plan: WorkPlan, counts: Readonly<Record<ModelRole, number>>): ExpectedWork {
  const roles: readonly ModelRole[] = ['small', 'large'];
  const forwards = roles.flatMap((role) =>
    [...prefill(role, plan.promptTokenCount), ...singleSteps(role, plan)].map((some) => ({
      ...some,
      count: some.count * counts[role],
    })),
  );
  return {
    forwards: forwards.filter(({ count }) => count > 0),
    largeCallCount: counts.large,
    largeContextTokenCount: counts.large * plan.promptTokenCount,
    note: null,
  };
}

export function singleSteps(model: ModelRole, plan: WorkPlan): readonly ExpectedForwards[] {
  // Costs are linear in the cached tokens, so the mean length stands for all.
  return [{ model, count: plan.answerTokenCount, shape: decodeShape(1, meanLength(plan)) }];
}

/** Gaps less probable than this do not show in any sum. */
const GAP_MIN = 1e-9;

/** Forwards of a model that writes a share of the tokens, by the number of rows that they catch up on. */
export function catchUps(
  model: ModelRole,
  plan: WorkPlan,
  share: number,
): readonly ExpectedForwards[] {
  const { promptTokenCount, answerTokenCount } = plan;
  const forwards: ExpectedForwards[] = [];
  let gap = share;
  for (let rowCount = 1; rowCount <= answerTokenCount && gap > GAP_MIN; rowCount += 1) {
    // The first call finds only the prompt read. A later call, at token i, reads the tokens since i -
    // rowCount, which the model also wrote: i is from rowCount up.
    const laterCount = share * (answerTokenCount - rowCount);
    const meanSince = (answerTokenCount - 1 - rowCount) / 2;
    const meanCached = (laterCount * (meanSince + 1)) / (1 + laterCount);
    forwards.push({
      model,
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

/** Drafts of the small model, of the fastest length. */
export const draftModelCost: CostModel = {
  name: 'speculative (small)',
  parameter: 'acceptance',
  readsLogits: false,
  work: (plan) => {
    const work = speculationWork(plan, { draftedShare: 1, drafts: draftsOf });
    return {
      ...work,
      forwards: [...prefill('small', plan.promptTokenCount), ...work.forwards],
      note: `${draftCount(work.length)} a round`,
    };
  },
};

/**
 * Drafts that cost nothing, where there are any. Between them the large model writes alone. Where a
 * draft is found, all tokens of its round stand: the text up to an accepted draft still matches, one
 * token longer. So the hit rate is the share of tokens that such rounds write, for any draft length.
 */
export const promptLookupCost: CostModel = {
  name: 'speculative (lookup)',
  parameter: 'lookup-acceptance',
  readsLogits: false,
  work: (plan) => {
    const { lookupHitRate = 0 } = plan;
    const work = speculationWork(plan, { draftedShare: lookupHitRate, drafts: () => [] });
    return { ...work, note: `${draftCount(work.length)}, found ${percent(lookupHitRate)}` };
  },
};

function draftCount(length: number): string {
  return `${length} ${length === 1 ? 'draft' : 'drafts'}`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`;
}

interface Drafting {
  /** Share of the tokens that rounds with a draft write. */
  readonly draftedShare: number;
  /** Forwards of one round's drafts. */
  readonly drafts: (plan: WorkPlan, length: number) => readonly ExpectedForwards[];
}

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

interface SpeculationWork extends Omit<ExpectedWork, 'note'> {
  /** Tokens of a draft. */
  readonly length: number;
}

/** The work with drafts of the fastest length. */
function speculationWork(plan: WorkPlan, drafting: Drafting): SpeculationWork {
  const works = Array.from({ length: DRAFT_LENGTH_MAX }, (_, index) =>
    workOfLength(plan, drafting, index + 1),
  );
  const [first, ...others] = works as [SpeculationWork, ...SpeculationWork[]];
  return others.reduce((a, b) => (timeOf(b, plan) < timeOf(a, plan) ? b : a), first);
}

function workOfLength(plan: WorkPlan, drafting: Drafting, length: number): SpeculationWork {
  const { promptTokenCount, answerTokenCount, value } = plan;
  const { draftedShare, drafts } = drafting;
  const meanCached = meanLength(plan);
  const roundCount = (draftedShare * answerTokenCount) / expectedTokenCount(length, value);
  const aloneCount = (1 - draftedShare) * answerTokenCount;
  // A stretch without drafts is one call. There is one at the start, and at most one after a draft.
  const stretchCount = Math.min(aloneCount, 1 + roundCount);
  const meanContext = meanCached + 1;
  const verify: ExpectedForwards = {
    model: 'large',
    count: 1,
    shape: decodeShape(length + 1, meanCached),
  };
  const all: readonly ExpectedForwards[] = [
    ...prefill('large', promptTokenCount),
    ...[...drafts(plan, length), verify].map((some) => ({
      ...some,
      count: some.count * roundCount,
    })),
    { model: 'large', count: aloneCount, shape: decodeShape(1, meanCached) },
  ];
  return {
    length,
    forwards: all.filter(({ count }) => count > 0),
    largeCallCount: roundCount + stretchCount,
    largeContextTokenCount:
      roundCount * (meanContext + length) +
      Math.min(1, stretchCount) * promptTokenCount +
      Math.max(0, stretchCount - 1) * meanContext,
  };
}

function timeOf({ forwards, largeCallCount }: SpeculationWork, plan: WorkPlan): number {
  return forwards.reduce(
    (sum, { model, count, shape }) => sum + count * fullForwardMs(plan.costs[model], shape),
    largeCallCount * plan.roundTripMs,
  );
}

export function meanLength({ promptTokenCount, answerTokenCount }: WorkPlan): number {
  return promptTokenCount - 1 + (answerTokenCount - 1) / 2;
}

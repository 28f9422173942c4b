/**
 * Best of n: the small model answers several times, a reward scores every step of each answer, and the
 * answer whose worst step is the best wins. An answer is read on only while it can still win.
 */
import type { RowResult } from '../core/row-program.ts';
import { joinReads } from '../core/row-reads.ts';
import { meanLogprob, smallLikelihood } from '../judging/likelihood-reward.ts';
import type { StepReward, StepScorer } from '../judging/step-reward.ts';
import { BoundaryWatch } from '../session/write-boundary.ts';
import { beginReward } from './begin-reward.ts';
import { samplesCost } from './cost-models.ts';
import type { Method } from './method.ts';
import {
  checkSamples,
  drawOf,
  SAMPLE_DEFAULTS,
  type SampleOptions,
  sampleBranches,
  sideBySide,
} from './samples.ts';
import { checkStepLimits, STEP_LIMITS, type StepLimits } from './step-boundary.ts';
import type { Decision, Round, Strategy, StrategyContext } from './strategy.ts';
import { OWN_STEPS_HEAD, ownStepsReward } from './trained-reward.ts';
import { writeAnswer } from './write-answer.ts';
import { writtenBy } from './written-by.ts';

export interface BestOfNOptions extends StepLimits {
  readonly samples?: SampleOptions | undefined;
}

/** @throws PilotfishError `option-invalid` */
export function bestOfN(
  name: string,
  reward: StepReward,
  { samples = {}, ...limits }: BestOfNOptions = {},
): Strategy {
  checkSamples(samples);
  checkStepLimits(limits);
  const { count = SAMPLE_DEFAULTS.count } = samples;
  const { small = {}, ...others } = reward.needs;
  const reads = joinReads(reward.draftReads, small.reads ?? {});
  return {
    name,
    needs: { small: { ...small, reads, branches: sampleBranches(count) }, ...others },
    thresholds: {},
    begin: (context) => {
      const scorer = beginReward(reward, context);
      return {
        async round(round) {
          const answers = await sideBySide(context.session('small'), count, (session, index) =>
            writeAnswer(session, round, context, {
              ...drawOf(index, context, samples),
              reads: reward.draftReads,
            }),
          );
          let best: Scored | null = null;
          for (const rows of answers) {
            const steps = stepsOf(rows, context, limits);
            const scored = await scoreOf(round, steps, scorer, {
              toBeat: best?.worst ?? null,
              stepCountMax: limits.stepCountMax ?? STEP_LIMITS.stepCountMax,
            });
            if (best === null || scored.worst > best.worst) best = scored;
          }
          return best?.decisions ?? [];
        },
      };
    },
  };
}

interface Scored {
  /** The reward of its worst step that was read. */
  readonly worst: number;
  readonly decisions: readonly Decision[];
}

/**
 * @param limits.toBeat the steps after one that does not exceed it are not read; null: they are
 * @param limits.stepCountMax the steps that are scored; later ones count for nothing
 */
async function scoreOf(
  { text }: Round,
  steps: readonly (readonly RowResult[])[],
  scorer: StepScorer,
  { toBeat, stepCountMax }: { readonly toBeat: number | null; readonly stepCountMax: number },
): Promise<Scored> {
  const read = [...text];
  const decisions: Decision[] = [];
  let worst = Number.POSITIVE_INFINITY;
  for (const [index, rows] of steps.entries()) {
    read.push(...rows.map(({ tokenId }) => tokenId));
    if (index >= stepCountMax) {
      decisions.push(...rows.map((row) => writtenBy('small', row)));
      continue;
    }
    const score = await scorer.score({ text: [...read], rows });
    worst = Math.min(worst, score);
    decisions.push(...rows.map((row) => ({ ...writtenBy('small', row), score })));
    if (toBeat !== null && worst <= toBeat) break;
  }
  return { worst, decisions };
}

/** The steps of an answer, as they would have been drafted. */
function stepsOf(
  rows: readonly RowResult[],
  context: StrategyContext,
  {
    separators: texts = STEP_LIMITS.separators,
    stepTokenCountMax: tokenCountMax = STEP_LIMITS.stepTokenCountMax,
  }: StepLimits,
): readonly (readonly RowResult[])[] {
  const steps: RowResult[][] = [];
  let watch: BoundaryWatch | null = null;
  for (const row of rows) {
    if (watch === null || watch.isReached) {
      watch = new BoundaryWatch({ tokenCountMax, texts }, context);
      steps.push([]);
    }
    watch.push(row.tokenId);
    steps.at(-1)?.push(row);
  }
  return steps;
}

type Facts = Pick<Method, 'name' | 'summary' | 'head' | 'build'>;

function method(facts: Facts): Method {
  return {
    ...facts,
    unit: 'query',
    controlOf: null,
    threshold: null,
    gate: null,
    usesStepCosts: false,
    needs: ['small'],
    costModels: [samplesCost(facts.name, 'answers', { logprob: true })],
    style: null,
  };
}

const TRAINED = 'best-of-n';
const UNTRAINED = 'best-of-n-likelihood';

export const BEST_OF_N_METHODS: readonly Method[] = [
  method({
    name: TRAINED,
    summary:
      'the small model answers several times (--samples), and the answer whose worst step a trained ' +
      'reward finds best wins',
    head: OWN_STEPS_HEAD,
    build: (_value, options) => {
      const { reward, limits } = ownStepsReward(TRAINED, options);
      return bestOfN(TRAINED, reward, { ...limits, samples: options.samples });
    },
  }),
  method({
    name: UNTRAINED,
    summary: 'the same, by the mean likelihood of each step (untrained)',
    head: null,
    build: (_value, { steps, samples }) =>
      bestOfN(UNTRAINED, smallLikelihood(UNTRAINED, meanLogprob), { ...steps, samples }),
  }),
];

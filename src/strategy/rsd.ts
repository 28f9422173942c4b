/**
 * Reward-guided speculative decoding (RSD; Liao et al., 2025, arXiv 2501.19324): the small model drafts
 * a step, a reward model scores it, and the step is accepted or the large model writes that step
 * instead. The large model's step is not scored.
 *
 * A correction is drawn independently of the draft that it replaces: with the noise of the draft, a
 * rejection would tell what the large model draws, and the steps would not follow P_RSD (proposition
 * 2.1). Where no reward can be accepted (δ > 1) there is nothing to draft, and the large model writes
 * with the noise of the request. So δ ≤ 0 gives the text of `small`, and δ > 1 that of `large`.
 *
 * Of several drafts the one with the best reward is judged: the steps then follow P_RSD with the best of
 * k small steps in place of P_small. A step that repeats the two steps before it has the reward 0, so a
 * loop of the small model ends where the large model writes.
 */
import { definedFields } from '../core/defined-fields.ts';
import { joinReads } from '../core/row-reads.ts';
import {
  classMargin,
  largeAgreement,
  largeLikelihood,
  leastCertainty,
  meanLogprob,
  minLogprob,
  smallLikelihood,
} from '../judging/likelihood-reward.ts';
import { RewardRange } from '../judging/reward-range.ts';
import type { StepReward } from '../judging/step-reward.ts';
import { type Method, type ThresholdFacts, thresholdOf } from './method.ts';
import { checkRsdOptions, isThreshold, type RsdOptions } from './rsd-options.ts';
import { CORRECTION_DRAW, checkSamples, type SampleOptions, sampleBranches } from './samples.ts';
import { STEP_LIMITS } from './step-boundary.ts';
import { stepReadingCost, stepRoutingCost } from './step-cost-models.ts';
import { type DraftedSteps, type JudgedStep, StepDrafter } from './step-drafter.ts';
import type { Decision, Decoder, Round, Strategy, StrategyContext } from './strategy.ts';
import { WEIGHTINGS } from './weighting.ts';
import { writeStep } from './write-step.ts';
import { writtenBy } from './written-by.ts';

interface Options extends RsdOptions {
  readonly samples?: SampleOptions | undefined;
  /** Users see rewards and δ from 0 to this number; default 1. */
  readonly rewardMax?: number | undefined;
}

/**
 * @param delta steps with a reward below it are written by the large model
 * @throws PilotfishError `option-invalid`
 */
export function rsd(
  name: string,
  reward: StepReward,
  delta: number,
  options: Options = {},
): Strategy {
  checkRsdOptions(options, reward);
  checkSamples(options.samples);
  const { draftCount = 1, judgesCorrections = false } = options;
  const { small = {}, large = {}, ...others } = reward.needs;
  const reads = joinReads(reward.draftReads, small.reads ?? {}, {
    textLogprob: judgesCorrections && reward.draftReads.logprob === true,
  });
  // A reward that asks for no number of rows reads those of a whole step.
  const stepLength = stepLengthOf(options);
  return {
    name,
    needs: {
      small: {
        ...small,
        reads,
        ...(judgesCorrections ? { outputRowCount: stepLength } : {}),
        ...(draftCount > 1 ? { branches: sampleBranches(draftCount) } : {}),
      },
      large: {
        continues: true,
        ...(reward.needs.large === undefined ? {} : { outputRowCount: stepLength, ...large }),
      },
      ...others,
    },
    thresholds: { delta },
    begin: (context) =>
      new RsdDecoder(context, reward, { rewardMax: 1, ...definedFields(options), delta }),
  };
}

interface Rule extends Options {
  readonly delta: number;
  readonly rewardMax: number;
}

class RsdDecoder implements Decoder {
  readonly #context: StrategyContext;
  readonly #drafter: StepDrafter;
  readonly #rule: Rule;
  readonly #weigh: (reward: number) => number;
  readonly #rewards = new RewardRange();
  #stepCount = 0;
  /** Whether steps were written that no reward judged, because there were too many. */
  #isPastLimit = false;

  constructor(context: StrategyContext, reward: StepReward, rule: Rule) {
    this.#context = context;
    this.#rule = rule;
    this.#weigh = WEIGHTINGS[rule.weighting ?? 'binary'](rule.delta / rule.rewardMax);
    this.#drafter = new StepDrafter(context, reward, {
      ...rule,
      isHopeless: (running) => this.#weigh(running) <= 0,
    });
  }

  async round(round: Round): Promise<readonly Decision[]> {
    // The weightings never fall as the reward rises, so the best reward decides.
    if (this.#weigh(1) <= 0) {
      const rows = await writeStep('large', round, this.#context, this.#rule);
      return rows.map((row) => writtenBy('large', row));
    }
    if (this.#stepCount >= this.#stepCountMax) {
      this.#isPastLimit = true;
      const rows = await writeStep('small', round, this.#context, this.#rule);
      return rows.map((row) => writtenBy('small', row));
    }
    this.#stepCount += 1;
    const draft = await this.#drafter.draft(round);
    const score = draft.score * this.#rule.rewardMax;
    this.#rewards.add(score);
    const isAccepted = draft.isWhole && this.#accepts(draft.score, round.text.length);
    const step = isAccepted ? draft : await this.#corrected(round, draft);
    this.#drafter.commit(step.rows);
    return step.rows.map((row) => ({ ...writtenBy(step.origin, row), score }));
  }

  notes(): readonly string[] {
    const advice = isThreshold(this.#rule) ? this.#rewards.advice(this.#rule.delta) : null;
    const limit = this.#isPastLimit
      ? `after step ${this.#stepCountMax} nothing was judged: the small model wrote the rest`
      : null;
    return [...this.#drafter.notes(), ...[limit, advice].filter((note) => note !== null)];
  }

  get #stepCountMax(): number {
    return this.#rule.stepCountMax ?? STEP_LIMITS.stepCountMax;
  }

  async #corrected(round: Round, draft: DraftedSteps): Promise<JudgedStep> {
    this.#context.showDraft?.([]);
    const rows = await writeStep('large', round, this.#context, {
      ...this.#rule,
      draw: CORRECTION_DRAW,
    });
    if (this.#rule.judgesCorrections !== true || !draft.isWhole) return { rows, origin: 'large' };
    const isWorse = (await this.#drafter.scoreGiven(round, rows)) < draft.score;
    return isWorse ? draft : { rows, origin: 'large' };
  }

  #accepts(score: number, position: number): boolean {
    const weight = this.#weigh(score);
    if (weight <= 0 || weight >= 1) return weight >= 1;
    return this.#context.draws.accepts(weight, position);
  }
}

function stepLengthOf({ stepTokenCountMax = STEP_LIMITS.stepTokenCountMax }: RsdOptions): number {
  return stepTokenCountMax;
}

export const DELTA: Omit<ThresholdFacts, 'default'> = {
  name: 'delta',
  meaning: 'the large model writes steps whose reward is below it',
  isShare: false,
  deferralSide: 'below',
};

/** A method that needs no trained head: its reward is known beforehand. */
function untrained(
  reward: StepReward,
  { delta, ...facts }: Pick<Method, 'summary' | 'style'> & { readonly delta: number },
): Method {
  return {
    ...facts,
    name: reward.name,
    unit: 'step',
    controlOf: null,
    threshold: { ...DELTA, default: delta },
    gate: null,
    head: null,
    usesStepCosts: false,
    needs: ['small', 'large'],
    costModels: [
      (reward.needs.large === undefined ? stepRoutingCost : stepReadingCost)(
        reward.name,
        reward.draftReads,
      ),
    ],
    build: (value, { steps, samples }) =>
      rsd(reward.name, reward, thresholdOf(value), { ...steps, samples }),
  };
}

export const RSD_METHODS: readonly Method[] = [
  untrained(smallLikelihood('rsd-likelihood', meanLogprob), {
    summary: "steps, by the small model's mean likelihood of its own step (untrained)",
    delta: 0.9,
    style: null,
  }),
  untrained(classMargin('rsd-class-margin'), {
    summary: "steps, by the least margin of the step's digits and operators (untrained)",
    delta: 0.3,
    style: null,
  }),
  untrained(leastCertainty('rsd-entropy'), {
    summary: 'steps, by the largest entropy of the small model in its step (untrained)',
    delta: 0.1,
    style: null,
  }),
  untrained(largeLikelihood('rsd-large-likelihood', minLogprob), {
    summary: "steps, by the large model's likelihood of the step's least likely token (untrained)",
    delta: 0.1,
    style: null,
  }),
  untrained(largeAgreement('rsd-large-agreement'), {
    summary: 'steps, by the share of tokens that the large model would write, too (untrained)',
    delta: 0.9,
    style: null,
  }),
];

/**
 * Reward-guided speculative decoding (RSD; Liao et al., 2025, arXiv 2501.19324): the small model drafts
 * a step, a reward model scores it, and the step is accepted or the large model writes that step
 * instead. The large model's step is not scored.
 *
 * A correction is drawn independently of the draft that it replaces: with the noise of the draft, a
 * rejection would tell what the large model draws, and the steps would not follow P_RSD (proposition
 * 2.1). Where no reward can be accepted (δ > 1) there is nothing to draft, and the large model writes
 * with the noise of the request. So δ ≤ 0 gives the text of `small`, and δ > 1 that of `large`.
 */
import { PilotfishError } from '../core/errors.ts';
import { joinReads } from '../core/row-reads.ts';
import {
  largeLikelihood,
  meanLogprob,
  minLogprob,
  smallLikelihood,
} from '../judging/likelihood-reward.ts';
import type { StepReward, StepScorer } from '../judging/step-reward.ts';
import { stepRoutingCost } from './cost-models.ts';
import { type Method, type ThresholdFacts, thresholdOf } from './method.ts';
import type { RsdOptions } from './rsd-options.ts';
import { STEP_LIMITS } from './step-boundary.ts';
import type { Decision, Decoder, Round, Strategy, StrategyContext } from './strategy.ts';
import { WEIGHTINGS } from './weighting.ts';
import { writeStep } from './write-step.ts';
import { writtenBy } from './written-by.ts';

/** @param delta steps with a reward below it are written by the large model */
export function rsd(
  name: string,
  reward: StepReward,
  delta: number,
  options: RsdOptions = {},
): Strategy {
  const { small = {}, large = {}, ...others } = reward.needs;
  return {
    name,
    needs: {
      small: { ...small, reads: joinReads(reward.draftReads, small.reads ?? {}) },
      large,
      ...others,
    },
    thresholds: { delta },
    begin: (context) => new RsdDecoder(context, reward, delta, options),
  };
}

/** The number of the draw of corrections: independent of drafts, which have number 0. */
const CORRECTION_DRAW = 1;

class RsdDecoder implements Decoder {
  readonly #context: StrategyContext;
  readonly #reward: StepReward;
  readonly #scorer: StepScorer;
  readonly #options: RsdOptions;
  readonly #delta: number;
  #stepCount = 0;
  #rejectedCount = 0;

  constructor(context: StrategyContext, reward: StepReward, delta: number, options: RsdOptions) {
    this.#context = context;
    this.#reward = reward;
    this.#scorer = reward.begin(context);
    this.#options = options;
    this.#delta = delta;
  }

  async round(round: Round): Promise<readonly Decision[]> {
    if (this.#neverAccepts()) {
      return (await writeStep('large', round, this.#context, this.#options)).map((row) =>
        writtenBy('large', row),
      );
    }
    const draft = await writeStep('small', round, this.#context, {
      ...this.#options,
      reads: this.#reward.draftReads,
    });
    if (this.#stepCount >= (this.#options.stepCountMax ?? STEP_LIMITS.stepCountMax)) {
      return draft.map((row) => writtenBy('small', row));
    }
    this.#stepCount += 1;
    const text = [...round.text, ...draft.map(({ tokenId }) => tokenId)];
    const score = checkedReward(this.#reward, await this.#scorer.score({ text, rows: draft }));
    if (this.#accepts(score, round.text.length)) {
      return draft.map((row) => ({ ...writtenBy('small', row), score }));
    }
    this.#rejectedCount += 1;
    const correction = await writeStep('large', round, this.#context, {
      ...this.#options,
      draw: CORRECTION_DRAW,
    });
    return correction.map((row) => ({ ...writtenBy('large', row), score }));
  }

  notes(): readonly string[] {
    return [`${this.#stepCount} steps, ${this.#rejectedCount} rejected`];
  }

  /** The weightings never fall as the reward rises, so the best reward decides. */
  #neverAccepts(): boolean {
    return this.#weigh(1) <= 0;
  }

  #weigh(score: number): number {
    return WEIGHTINGS[this.#options.weighting ?? 'binary'](this.#delta)(score);
  }

  #accepts(score: number, position: number): boolean {
    const weight = this.#weigh(score);
    if (weight <= 0 || weight >= 1) return weight >= 1;
    return this.#context.draws.accepts(weight, position);
  }
}

/** The one place where a reward comes in. @throws PilotfishError `reward-invalid` */
function checkedReward({ name }: StepReward, reward: number): number {
  if (reward >= 0 && reward <= 1) return reward;
  throw new PilotfishError(
    'reward-invalid',
    `${name} gave a step the reward ${reward}, which is not a number from 0 to 1.`,
    {
      remedy: 'The reward model may be damaged, or made for another purpose: try another one.',
      fields: { reward: name, value: String(reward) },
    },
  );
}

const DELTA: Omit<ThresholdFacts, 'default'> = {
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
    costModels: [stepRoutingCost(reward.name)],
    build: (value, { steps }) => rsd(reward.name, reward, thresholdOf(value), steps),
  };
}

export const RSD_METHODS: readonly Method[] = [
  untrained(smallLikelihood('rsd-likelihood', meanLogprob), {
    summary: "steps, by the small model's mean likelihood of its own step (untrained)",
    delta: 0.9,
    style: null,
  }),
  untrained(largeLikelihood('rsd-large-likelihood', minLogprob), {
    summary: "steps, by the large model's likelihood of the step's least likely token (untrained)",
    delta: 0.1,
    style: null,
  }),
];

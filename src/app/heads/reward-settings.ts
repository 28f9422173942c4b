/** A reward training's options and defaults, and the facts about it that the head's file holds. */
import {
  type DefinedFields,
  definedFields,
  type OptionalFields,
} from '../../core/defined-fields.ts';
import type { RewardFeatures } from '../../judging/reward-features.ts';
import { checkStepLimits, STEP_LIMITS } from '../../strategy/step-boundary.ts';
import { FIT_DEFAULTS, type FitSettings } from '../../training/fit/fit-router.ts';
import type { Finisher } from '../../training/steps/state-values.ts';
import type { StepLabel } from '../../training/steps/step-tree.ts';
import type { LoadedQuestions } from '../questions/load-questions.ts';
import { checkCounts } from '../questions/number-range.ts';
import {
  MAX_TOKENS_DEFAULT,
  type QuestionRunOptions,
  WAVE_SIZE_DEFAULT,
} from '../questions/question-run.ts';

/** How steps are labelled. */
export interface RewardPlan {
  /** The texts that end a step; default: a blank line. */
  readonly separators: readonly string[];
  /** The most states of a question at which the small model's step is drafted, too; default 64. */
  readonly stateCountMax: number;
  /** What makes a step good; default `advantage`. */
  readonly label: StepLabel;
  /** The model that finishes answers, whose success is a state's value; default `large`. */
  readonly finisher: Finisher;
  /** Rollouts of each state and model; default 1, which is greedy. More give soft labels. */
  readonly drawCount: number;
  /** The most rollouts; default 200,000. */
  readonly rolloutCountMax: number;
  /** Answers per held-out question among which the reward chooses; default 4; 0: none are drawn. */
  readonly answerCount: number;
  /** The seed of all randomness; default 1. */
  readonly seed: number;
}

/** `folder` keeps trees, rollouts and the training's state; the head is written there, too. */
export interface TrainRewardOptions extends QuestionRunOptions, OptionalFields<RewardPlan> {
  /** The features of the head; default: hidden state and uncertainty of every token, the small model's. */
  readonly features?: Partial<RewardFeatures> | undefined;
  /** Units of the hidden layer; default 48. */
  readonly width?: number | undefined;
  /** Settings of the network's training. */
  readonly fit?: Partial<Omit<FitSettings, 'balanceMax'>> | undefined;
  /** The head's file; default: `STRATEGY.safetensors` in the folder. */
  readonly file?: string | undefined;
}

/** A training's options with their defaults filled in. */
export type RewardSettings = DefinedFields<Omit<TrainRewardOptions, 'folder' | 'features'>> &
  RewardPlan & {
    readonly maxTokens: number;
    readonly waveSize: number;
    readonly features: RewardFeatures;
    readonly folder: string;
  };

const PLAN: RewardPlan = {
  separators: STEP_LIMITS.separators,
  stateCountMax: 64,
  label: 'advantage',
  finisher: 'large',
  drawCount: 1,
  rolloutCountMax: 200_000,
  answerCount: 4,
  seed: 1,
};

const FEATURES: RewardFeatures = { hidden: true, large: 'none', tokens: 'all' };
const WIDTH = 48;
const DROPOUT = 0.1;
const PATIENCE = 10;

/** @throws PilotfishError `option-invalid` */
export function rewardSettings(options: TrainRewardOptions): RewardSettings {
  const { stateCountMax, drawCount, rolloutCountMax, maxTokens, width, separators } = options;
  checkCounts({ stateCountMax, drawCount, rolloutCountMax, maxTokens, width });
  checkCounts({ answerCount: options.answerCount || undefined });
  checkStepLimits({ separators });
  return {
    ...PLAN,
    ...{ maxTokens: MAX_TOKENS_DEFAULT, waveSize: WAVE_SIZE_DEFAULT },
    ...definedFields(options),
    features: { ...FEATURES, ...definedFields(options.features ?? {}) },
    folder: options.folder,
  };
}

export function rewardFit({ fit, width = WIDTH, seed }: RewardSettings): FitSettings {
  const shape = { hidden: [{ size: width, activation: true }], dropout: DROPOUT };
  return { ...FIT_DEFAULTS, patience: PATIENCE, shape, ...definedFields(fit ?? {}), seed };
}

/** The strategy that a head with these features serves. */
export function strategyFor({ large, tokens }: RewardFeatures): string {
  if (tokens === 'last') return 'rsd-separator';
  return large === 'none' ? 'rsd' : 'rsd-large';
}

const VARIANTS: readonly (readonly [Partial<RewardFeatures>, flags: readonly string[]])[] = [
  [{ large: 'logprob' }, ['--large-reads', 'logprob']],
  [{ tokens: 'last' }, ['--tokens', 'last']],
];

/** The flags that train a head for a strategy. */
export function rewardFlags(strategy: string): readonly string[] {
  const found = VARIANTS.find(([some]) => strategyFor({ ...FEATURES, ...some }) === strategy);
  return found?.[1] ?? [];
}

/** The facts that let a reader of the head's file repeat the training. */
export function rewardFacts(
  { task, questions, prompt }: LoadedQuestions,
  options: TrainRewardOptions,
): Readonly<Record<string, string | number>> {
  const settings = rewardSettings(options);
  const { stateCountMax, label, finisher, drawCount, maxTokens, seed } = settings;
  const { from, questionSeed, rolloutCountMax, width } = options;
  const { shape: _1, seed: _2, balanceMax: _3, ...fit } = rewardFit(settings);
  return definedFields({
    ...{ questions: task, questionCount: questions.length, maxTokens, seed },
    ...{ prompt: prompt ?? undefined, from, questionSeed },
    ...{ stateCountMax, label, finisher, drawCount, rolloutCountMax, width },
    ...fit,
  });
}

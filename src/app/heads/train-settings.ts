/** A training's options and defaults, and the facts about it that a router's file holds. */
import {
  type DefinedFields,
  definedFields,
  type OptionalFields,
} from '../../core/defined-fields.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { RouterFeatures } from '../../judging/router-features.ts';
import { citerPaperShape, routerShape } from '../../network/network-shape.ts';
import { FIT_DEFAULTS, type FitSettings } from '../../training/fit/fit-router.ts';
import { usesRollouts } from '../../training/labels/targets.ts';
import { READ_FEATURES, type RoundReport } from '../../training/rounds/train-router.ts';
import { TRAINING_PLAN, type TrainingPlan } from '../../training/rounds/training-plan.ts';
import type { LoadedQuestions } from '../questions/load-questions.ts';
import { checkCounts, checkShares } from '../questions/number-range.ts';
import {
  MAX_TOKENS_DEFAULT,
  type QuestionRunOptions,
  WAVE_SIZE_DEFAULT,
} from '../questions/question-run.ts';

/** `folder` keeps labels and the training's state; the router is written there, too. */
export interface TrainOptions extends QuestionRunOptions, OptionalFields<TrainingPlan> {
  /**
   * The share of tokens that the previous round's router gives to the large model in rollouts; default:
   * the share that its labels call for.
   */
  readonly policyShare?: number | undefined;
  /** The features of the router; default: the hidden state alone. */
  readonly features?: Partial<RouterFeatures> | undefined;
  /** Units of the hidden layer; default 256. */
  readonly width?: number | undefined;
  /** Whether to train the paper's network, with hidden layers of twice and once the input's size. */
  readonly isPaperNet?: boolean | undefined;
  /** Settings of the network's training. */
  readonly fit?: Partial<FitSettings> | undefined;
  /** The router's file; default: `OBJECTIVE.safetensors` in the folder. */
  readonly file?: string | undefined;
  /** Called after every round. */
  readonly onRound?: ((report: RoundReport) => void) | undefined;
}

/** A training's options with their defaults filled in. */
export type TrainSettings = DefinedFields<Omit<TrainOptions, 'folder' | 'features'>> &
  TrainingPlan & {
    readonly maxTokens: number;
    readonly waveSize: number;
    readonly features: RouterFeatures;
    readonly folder: string;
  };

const FEATURES: RouterFeatures = { hidden: true, topLogprobs: 0, tokenEmbedding: false };

/** @throws PilotfishError `option-invalid` for features that no router can have, or a wrong number */
export function trainSettings(options: TrainOptions): TrainSettings {
  const features = { ...FEATURES, ...options.features };
  checkFeatures(features);
  const { roundCount, drawCount, rolloutCountMax, positionCountMax } = options;
  const { maxTokens, width } = options;
  checkCounts({ roundCount, drawCount, rolloutCountMax, positionCountMax });
  checkCounts({ maxTokens, width });
  checkShares({ policyShare: options.policyShare });
  return {
    ...TRAINING_PLAN,
    ...{ maxTokens: MAX_TOKENS_DEFAULT, waveSize: WAVE_SIZE_DEFAULT },
    ...definedFields(options),
    ...{ features, folder: options.folder },
  };
}

/** Checked before hours of rollouts. */
function checkFeatures({ hidden, topLogprobs, tokenEmbedding }: RouterFeatures): void {
  const most = READ_FEATURES.topLogprobs;
  const isCount = Number.isInteger(topLogprobs) && topLogprobs >= 0 && topLogprobs <= most;
  if (isCount && (hidden || topLogprobs > 0 || tokenEmbedding)) return;
  throw new PilotfishError(
    'option-invalid',
    isCount
      ? 'A router that looks neither at the hidden state nor at log-probabilities sees nothing.'
      : `A router cannot look at ${topLogprobs} log-probabilities.`,
    {
      remedy: `Leave --no-hidden out, or give --top-logprobs from 1 to ${most}.`,
      fields: { hidden, topLogprobs },
    },
  );
}

/** @param inputSize of the features */
export function fitSettings(
  { fit, width, isPaperNet, seed }: TrainSettings,
  inputSize: number,
): FitSettings {
  const shape = isPaperNet === true ? citerPaperShape(inputSize) : routerShape(inputSize, width);
  return { ...FIT_DEFAULTS, shape, ...fit, seed };
}

/**
 * The facts that let a reader of the router's file repeat the training.
 * @param options as they were given: limits that were left to their defaults are not recorded
 */
export function trainingFacts(
  { task, questions, prompt }: LoadedQuestions,
  options: TrainOptions,
): Readonly<Record<string, string | number>> {
  const settings = trainSettings(options);
  const { objective, maxTokens, seed } = settings;
  const { roundCount, drawCount, firstPolicy, positionCountMax } = settings;
  const { from, questionSeed, policyShare, rolloutCountMax } = options;
  const { shape: _1, seed: _2, ...fit } = { ...FIT_DEFAULTS, ...options.fit };
  const rollouts = { roundCount, drawCount, firstPolicy, positionCountMax };
  const given = { policyShare, rolloutCountMax };
  return definedFields({
    ...{ questions: task, questionCount: questions.length, maxTokens, seed },
    ...{ prompt: prompt ?? undefined, from, questionSeed },
    ...(usesRollouts(objective) ? { ...rollouts, ...given } : undefined),
    ...fit,
  });
}

/**
 * Training a router from names to its file: questions, models, the large model's answers, labels,
 * network. Another part of the composition root.
 */
import { join } from 'node:path';
import { definedFields } from '../core/defined-fields.ts';
import { PilotfishError } from '../core/errors.ts';
import type { ModelRole } from '../core/events.ts';
import { GREEDY } from '../core/sampling-params.ts';
import { type TokenId, tokenId, tokenIds } from '../core/token-id.ts';
import { grade } from '../evaluation/graders/grade.ts';
import type { Question } from '../evaluation/question.ts';
import { questionNumber } from '../evaluation/question-key.ts';
import { answerAll } from '../evaluation/run/answer-all.ts';
import { answerText } from '../evaluation/run/answer-record.ts';
import { AnswerStore } from '../evaluation/run/answer-store.ts';
import type { EvaluationPair } from '../evaluation/run/evaluation-pair.ts';
import { LARGE_ALONE } from '../evaluation/run/evaluation-plan.ts';
import { openManifest } from '../evaluation/run/open-manifest.ts';
import { promptsOf } from '../evaluation/run/prompts-of.ts';
import { checkGradable, isGradable } from '../evaluation/tasks/traffic.ts';
import { featureSize, type RouterFeatures } from '../judging/router-features.ts';
import { citerPaperShape, routerShape } from '../network/network-shape.ts';
import { writeWhole } from '../storage/whole-file.ts';
import { singleModel } from '../strategy/single-model.ts';
import { trainingCellCount } from '../training/cell-count.ts';
import type { FitSettings } from '../training/fit/fit-router.ts';
import { type Objective, usesRollouts } from '../training/labels/targets.ts';
import type { RolloutPlan } from '../training/rollouts/rollout-plan.ts';
import {
  READ_FEATURES,
  type RoundReport,
  type TrainedRouter,
  trainRouter,
  WRITTEN_FILE,
} from '../training/rounds/train-router.ts';
import { writeAnswers } from '../training/rounds/write-answers.ts';
import { LABEL_SEQUENCE_COUNT } from '../training/sequence-counts.ts';
import type { TrainingPair } from '../training/training-pair.ts';
import type { Trajectory } from '../training/trajectory.ts';
import { evaluationLock } from './evaluation-lock.ts';
import { type LoadedQuestions, loadQuestions, type QuestionOptions } from './load-questions.ts';
import { openEvaluation, type PairOptions } from './open-evaluation.ts';

export interface TrainOptions extends QuestionOptions, PairOptions {
  readonly objective: Objective;
  /** Default 2 for objectives that roll out. */
  readonly roundCount?: number;
  /** Rollouts of each branch; default 1, which is greedy. */
  readonly drawCount?: number;
  /** Rollouts of one round at most; default 200,000. */
  readonly rolloutCountMax?: number;
  /** Positions of an answer that are judged, at most; default 24. */
  readonly positionCountMax?: number;
  /** Which model goes on behind branches in the first round; default `small`, as in the paper. */
  readonly firstPolicy?: ModelRole;
  readonly policyShare?: number;
  readonly features?: RouterFeatures;
  /** Units of the hidden layer; default 256. */
  readonly width?: number;
  /** The paper's network instead, of twice the input's size and as much again. */
  readonly isPaperNet?: boolean;
  readonly fit?: Partial<FitSettings>;
  /** Tokens of an answer at most; default 512. */
  readonly maxTokens?: number;
  /** Questions that are answered side by side; default 16. */
  readonly waveSize?: number;
  readonly seed?: number;
  /** Where labels and the training's state are kept, and the router is written. */
  readonly folder: string;
  /** Where the router is written; default: `OBJECTIVE.safetensors` in the folder. */
  readonly file?: string;
  readonly onRound?: (report: RoundReport) => void;
}

export interface Trained extends TrainedRouter {
  readonly path: string;
  /** Questions that the large model answered rightly, of how many. */
  readonly solvedCount: number;
  readonly questionCount: number;
}

const MAX_TOKENS = 512;
const WAVE_SIZE = 16;
const SEED = 1;
const FIRST_POLICY: ModelRole = 'small';
const ROUND_COUNT = 2;
const ROLLOUT_COUNT_MAX = 200_000;
const POSITION_COUNT_MAX = 24;
const FEATURES: RouterFeatures = { hidden: true, topLogprobs: 0, tokenEmbedding: false };
/** Of answers that are drawn. */
const TEMPERATURE = 0.8;

/** Settings of the network, where nobody gives others. */
const FIT_DEFAULTS: Omit<FitSettings, 'seed' | 'shape'> = {
  rate: 1e-3,
  weightDecay: 0.01,
  batchSize: 256,
  epochCountMax: 100,
  patience: 8,
  validationShare: 0.15,
  balanceMax: 1,
};

/**
 * @throws PilotfishError for what is misspelt or missing, before a model is loaded; `aborted`, and
 *   what training gives rise to: labels and training steps so far are kept in the folder
 */
export async function train(options: TrainOptions): Promise<Trained> {
  const { objective, folder, seed = SEED, maxTokens = MAX_TOKENS } = options;
  const features = options.features ?? FEATURES;
  checkFeatures(features);
  const loaded = await loadQuestions(options, 'train');
  const { questions } = loaded;
  if (usesRollouts(objective)) checkGradable(questions, objective);
  await using _lock = await evaluationLock(folder);
  const { waveSize = WAVE_SIZE, contextLength } = options;
  await using pair = await openEvaluation({
    ...options,
    strategies: [],
    ...{ maxTokens, waveSize },
    spareSequenceCount: LABEL_SEQUENCE_COUNT,
    cellCount: trainingCellCount({ questions, maxTokens, waveSize, contextLength }),
  });
  // Found out now, not when all questions are answered.
  if (features.tokenEmbedding) pair.small.tokenEmbedding(tokenId(0));
  const trajectories = await largeAnswers(questions, pair, options);
  const solved = trajectories.filter(({ value }) => value === 1);
  const inputSize = featureSize(features, pair.small.facts.hiddenSize);
  const trained = await trainRouter({
    ...options,
    onRound: async (report, bytes) => {
      await writeWhole(join(folder, `${objective}-round-${report.round}.safetensors`), bytes);
      options.onRound?.(report);
    },
    pair: trainingPair(pair),
    boundTo: {
      small: { name: pair.models.small.name, digest: pair.models.small.digest },
      large: { name: pair.models.large.name, digest: pair.models.large.digest },
    },
    trajectories: await walkedAlong(solved, pair, options),
    roundCount: options.roundCount ?? ROUND_COUNT,
    rollouts: rolloutPlan(options),
    rolloutCountMax: options.rolloutCountMax ?? ROLLOUT_COUNT_MAX,
    firstPolicy: options.firstPolicy ?? FIRST_POLICY,
    policyShare: options.policyShare ?? null,
    features,
    fit: { ...FIT_DEFAULTS, shape: shapeOf(options, inputSize), ...options.fit, seed },
    maxTokens,
    trainedOn: new Set(questions.map(questionNumber)),
    facts: trainingFacts(loaded, options),
  });
  const path = options.file ?? join(folder, `${objective}.safetensors`);
  await writeWhole(path, trained.bytes);
  const counts = { solvedCount: solved.length, questionCount: questions.length };
  return { ...trained, ...counts, path };
}

/** Before hours of rollouts. @throws PilotfishError `option-invalid` */
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

function shapeOf({ width, isPaperNet }: TrainOptions, inputSize: number): FitSettings['shape'] {
  return isPaperNet === true ? citerPaperShape(inputSize) : routerShape(inputSize, width);
}

/** For whoever looks at the router later, and wants to make it again. */
function trainingFacts(
  { task, questions, prompt }: LoadedQuestions,
  options: TrainOptions,
): Readonly<Record<string, string | number>> {
  const { from, questionSeed, maxTokens = MAX_TOKENS, seed = SEED } = options;
  const { shape: _1, seed: _2, ...fit } = { ...FIT_DEFAULTS, ...options.fit };
  return {
    ...{ questions: task, questionCount: questions.length, maxTokens, seed },
    ...definedFields({ prompt: prompt ?? undefined, from, questionSeed }),
    ...(usesRollouts(options.objective) ? rolloutFacts(options) : {}),
    ...definedFields(fit),
  };
}

function rolloutFacts(options: TrainOptions): Readonly<Record<string, string | number>> {
  const { drawCount = 1, roundCount = ROUND_COUNT, firstPolicy = FIRST_POLICY } = options;
  const { policyShare, rolloutCountMax } = options;
  const { positionCountMax = POSITION_COUNT_MAX } = options;
  return {
    ...{ roundCount, drawCount, firstPolicy, positionCountMax },
    ...definedFields({ policyShare, rolloutCountMax }),
  };
}

function rolloutPlan({ drawCount = 1, positionCountMax, seed = SEED }: TrainOptions): RolloutPlan {
  return {
    draws: { count: drawCount, temperature: TEMPERATURE },
    positionCountMax: positionCountMax ?? POSITION_COUNT_MAX,
    seed,
  };
}

async function largeAnswers(
  questions: readonly Question[],
  pair: EvaluationPair,
  options: TrainOptions,
): Promise<readonly Trajectory[]> {
  const { folder, maxTokens = MAX_TOKENS, waveSize = WAVE_SIZE } = options;
  await openManifest(folder, pair, { maxTokens, waveSize });
  await pair.share(promptsOf(questions, pair));
  const store = await AnswerStore.open(join(folder, 'answers.jsonl'));
  const answering = { ...options, pair, store, maxTokens, waveSize };
  await answerAll(questions, [LARGE_ALONE], 'Answering with the large model', answering);
  return questions.flatMap((question): readonly Trajectory[] => {
    const record = store.get(LARGE_ALONE, question);
    if (record === null) return [];
    const prompt = pair.engine.promptTokens({ messages: question.messages });
    // Without an answer to compare with, whatever the large model says is what is wanted.
    const isRight = !isGradable(question) || grade(answerText(record), question).isRight;
    const value = Number(isRight);
    return [{ question, source: 'large', prompt, tokens: tokenIds(record.tokenIds), value }];
  });
}

/** What labels are made along: the large model's answers, or for the paper's rule others that it drew. */
async function walkedAlong(
  solved: readonly Trajectory[],
  pair: EvaluationPair,
  options: TrainOptions,
): Promise<readonly Trajectory[]> {
  if (options.objective !== 'citer-paper') return solved;
  const { seed = SEED, maxTokens = MAX_TOKENS } = options;
  const sampled = await writeAnswers(solved, {
    ...options,
    pair: trainingPair(pair),
    writer: {
      id: `large drawn at ${TEMPERATURE}, seed ${seed}`,
      strategy: singleModel('large'),
      sampling: { ...GREEDY, temperature: TEMPERATURE },
      seed,
      source: 'sampled',
    },
    maxTokens,
    path: join(options.folder, WRITTEN_FILE),
    label: 'Drawing reference answers',
  });
  return sampled.filter(({ value }) => value === 1);
}

function trainingPair({ small, large, vocabularySize }: EvaluationPair): TrainingPair {
  const ends = [small, large].map(({ vocabulary }) => vocabulary.endOfGenerationIds());
  const isEndOfGeneration = (id: TokenId): boolean => ends.some((ids) => ids.has(id));
  return { models: { small, large }, vocabularySize, isEndOfGeneration };
}

/** Calibrates a head: from the names of models and questions to the calibrated file. */

import { PilotfishError } from '../core/errors.ts';
import { FOUR_DOUBLINGS } from '../evaluation/curves/share-interval.ts';
import { checkTrainedOn, questionNumber } from '../evaluation/question-key.ts';
import type { PointResult } from '../evaluation/results.ts';
import type { EvaluationPlan } from '../evaluation/run/evaluation-plan.ts';
import { evaluationResult } from '../evaluation/run/evaluation-result.ts';
import { openManifest } from '../evaluation/run/open-manifest.ts';
import { promptsOf } from '../evaluation/run/prompts-of.ts';
import type { EvaluatedAnswers } from '../evaluation/run/run-evaluation.ts';
import { runEvaluation } from '../evaluation/run/run-evaluation.ts';
import { checkGradable, isGradable } from '../evaluation/tasks/traffic.ts';
import {
  type Calibration,
  type CalibrationPoint,
  shareCuts,
  thresholdForQuality,
  thresholdForShare,
} from '../judging/calibration.ts';
import { decodeReward, encodeReward } from '../judging/reward-file.ts';
import type { RewardHead } from '../judging/reward-head.ts';
import type { Router } from '../judging/router.ts';
import { decodeRouter, encodeRouter } from '../judging/router-file.ts';
import { ScoreDistribution } from '../judging/score-distribution.ts';
import { type Reliability, reliability } from '../network/reliability.ts';
import { writeWhole } from '../storage/whole-file.ts';
import type { HeadKind, StrategyValue } from '../strategy/method.ts';
import { parseStrategy } from '../strategy/strategy-value.ts';
import { trainingCellCount } from '../training/cell-count.ts';
import { judgeSteps } from '../training/rewards/judge-steps.ts';
import { LABEL_SEQUENCE_COUNT } from '../training/sequence-counts.ts';
import { calibrationOfSteps, defaultDelta } from '../training/steps/replay-steps.ts';
import { askedOf } from './heads/asked-questions.ts';
import { readHead } from './heads/find-heads.ts';
import { evaluationLock } from './questions/evaluation-lock.ts';
import { loadQuestions } from './questions/load-questions.ts';
import { openEvaluation, trainingPair } from './questions/open-evaluation.ts';
import {
  MAX_TOKENS_DEFAULT,
  type QuestionRunOptions,
  WAVE_SIZE_DEFAULT,
} from './questions/question-run.ts';

/** The answers are kept in `folder`. */
export interface CalibrateOptions extends QuestionRunOptions {
  /** The head's file. */
  readonly headFile: string;
  /** The file of the calibrated head; default: `headFile`. */
  readonly file?: string | undefined;
  /**
   * The shares of tokens at which the router is run; default `CALIBRATION_SHARES`. For a reward, of steps
   * along the large model's answers; default `REPLAY_SHARES`.
   */
  readonly shares?: readonly number[] | undefined;
  /** The share of tokens (of steps, for a reward) of the large model by default from then on. */
  readonly share?: number | undefined;
  /**
   * Instead of a share: the part of the gap that the head recovers by default. If answers cannot be
   * graded, it is the part of the tokens that equal the large model's. Default: 0.8 of the gap, 0.99 of
   * the tokens; for a reward the whole gap, or else the most that was recovered.
   */
  readonly quality?: number | undefined;
  /** For a reward: the most states of a question at which the small model drafts; default 64. */
  readonly stateCountMax?: number | undefined;
}

export interface Calibrated {
  readonly path: string;
  readonly kind: HeadKind;
  readonly head: Router | RewardHead;
  readonly calibration: Calibration;
  /** Whether answers could be graded. */
  readonly isGraded: boolean;
  /**
   * The relation of scores to what they judge: for a router, whether both models agree along the large
   * model's answers; for a reward, the labels of its steps.
   */
  readonly agreement: Reliability;
}

export const CALIBRATION_SHARES: readonly number[] = [
  0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 0.7, 0.95,
];
const QUALITY_OF_GAP = 0.8;
const QUALITY_OF_TOKENS = 0.99;
const BIN_COUNT = 10;
const STATE_COUNT_MAX = 64;

/**
 * Runs a router at several thresholds on questions or traffic that it has not seen, and writes into
 * its file which threshold gives which share and which quality. A reward's thresholds are replayed on
 * the trees of both models' steps; its shares are those of rejected steps.
 *
 * @throws PilotfishError before a model is loaded: `option-invalid`, `head-missing`, `head-invalid`,
 *   `task-unknown`, `slice-unknown`, `data-not-found`, `data-invalid`, `data-overlap` for questions
 *   that it was trained on; later `head-mismatch`, `evaluation-invalid`, `threshold-invalid` where no
 *   threshold has the quality that was asked for, `aborted`, and what pulling, loading and generating
 *   throw. Answers so far are kept
 *
 * @example
 * const questions = { task: 'pocket', split: 'train', from: 5000, count: 200 };
 * const file = { headFile: 'citer.safetensors', folder: 'calibration/citer' };
 * const { calibration } = await calibrate({ ...questions, ...file, pair: 'pocket' });
 */
export async function calibrate(options: CalibrateOptions): Promise<Calibrated> {
  const {
    headFile,
    folder,
    maxTokens = MAX_TOKENS_DEFAULT,
    waveSize = WAVE_SIZE_DEFAULT,
  } = options;
  checkWishes(options);
  const read = await readHead(headFile);
  if (read.kind === 'reward') return await calibrateReward(read.head, options);
  const given = read.head;
  const strategy = parseStrategy(given.strategy);
  const { task, questions } = await loadQuestions(options, 'train');
  checkTrainedOn(given, questions);
  await using pair = await openEvaluation({
    ...options,
    strategies: [strategy],
    headFiles: [headFile],
    maxTokens,
    waveSize,
  });
  await using _lock = await evaluationLock(folder);
  const plan = planFor(strategy, options);
  const answers = await runEvaluation({ ...options, pair, questions, plan });
  const { models, labels, contextLength } = pair;
  const facts = { models, labels, maxTokens, contextLength, profiles: [] };
  const { results } = evaluationResult(answers, { task, facts, isScreened: false });
  const isGraded = questions.every(isGradable);
  const points = calibrationPoints(given, results, answers, isGraded);
  const cuts = shareCuts(scoresAlong(given.strategy, answers));
  const calibration = { on: `${questions.length} questions of ${task}`, cuts, points };
  const defaultThreshold = defaultOf(given, calibration, isGraded, options);
  const calibratedOn = new Set(questions.map(questionNumber));
  const bytes = encodeRouter({ ...given, calibration, defaultThreshold, calibratedOn });
  const path = options.file ?? headFile;
  await writeWhole(path, bytes);
  const agreement = agreementOf(given, answers);
  return { path, kind: 'router', head: decodeRouter(bytes), calibration, isGraded, agreement };
}

/**
 * A reward's thresholds by replays: at every state that mixtures of both models' steps reach, its reward
 * is known, so each threshold is judged exactly. The shares are those of rejected steps.
 */
async function calibrateReward(given: RewardHead, options: CalibrateOptions): Promise<Calibrated> {
  const {
    folder,
    headFile,
    maxTokens = MAX_TOKENS_DEFAULT,
    waveSize = WAVE_SIZE_DEFAULT,
  } = options;
  const { shares, share, quality, contextLength } = options;
  const { task, questions } = await loadQuestions(options, 'train');
  checkGradable(questions, 'the calibration of a reward');
  checkTrainedOn(given, questions);
  await using pair = await openEvaluation({
    ...{ ...options, strategies: [parseStrategy(given.strategy)], headFiles: [headFile] },
    ...{ maxTokens, waveSize, spareSequenceCount: LABEL_SEQUENCE_COUNT },
    cellCount: trainingCellCount({ questions, maxTokens, waveSize, contextLength }),
  });
  await using _lock = await evaluationLock(folder);
  await openManifest(folder, pair, { maxTokens, waveSize });
  await pair.share(promptsOf(questions, pair));
  const judged = await judgeSteps(given, askedOf(questions, pair), {
    ...{ ...options, maxTokens, waveSize, stateCountMax: options.stateCountMax ?? STATE_COUNT_MAX },
    pair: trainingPair(pair),
  });
  const calibration = calibrationOfSteps(
    judged.trees,
    `${questions.length} questions of ${task}`,
    shares,
  );
  let defaultThreshold = defaultDelta(calibration);
  if (share !== undefined) defaultThreshold = thresholdForShare(calibration, share, 'step');
  if (quality !== undefined) {
    defaultThreshold = thresholdForQuality(calibration, 'gapRecovered', quality);
  }
  const calibratedOn = new Set(questions.map(questionNumber));
  const bytes = encodeReward({ ...given, calibration, defaultThreshold, calibratedOn });
  const path = options.file ?? headFile;
  await writeWhole(path, bytes);
  const { agreement } = judged;
  const head = decodeReward(bytes);
  return { path, kind: 'reward', head, calibration, isGraded: true, agreement };
}

/** @throws PilotfishError `option-invalid` */
function checkWishes({ share, quality }: CalibrateOptions): void {
  if (share === undefined || quality === undefined) return;
  throw new PilotfishError(
    'option-invalid',
    `A head has one default: not both a share of ${share} and a quality of ${quality}.`,
    { remedy: 'Give either --share or --quality.', fields: { share, quality } },
  );
}

function planFor({ method }: StrategyValue, options: CalibrateOptions): EvaluationPlan {
  return {
    strategies: [{ method, thresholds: [] }],
    interval: FOUR_DOUBLINGS,
    shares: options.shares ?? CALIBRATION_SHARES,
    pointCount: 0,
    seeds: [1],
    screening: null,
    maxTokens: options.maxTokens ?? MAX_TOKENS_DEFAULT,
    waveSize: options.waveSize ?? WAVE_SIZE_DEFAULT,
  };
}

/** The measured points. Shares that fall by chance while the threshold rises are levelled. */
function calibrationPoints(
  { strategy }: Router,
  results: readonly PointResult[],
  answers: EvaluatedAnswers,
  isGraded: boolean,
): readonly CalibrationPoint[] {
  const own = results
    .flatMap(({ threshold, ...result }) =>
      result.strategy === strategy && threshold !== null ? [{ ...result, threshold }] : [],
    )
    .sort((a, b) => a.threshold - b.threshold);
  const along = new ScoreDistribution(scoresAlong(strategy, answers), 'below');
  let highest = 0;
  return own.map(({ threshold, largeShare, gapRecovered }) => {
    highest = Math.max(highest, largeShare);
    return {
      threshold,
      predictedShare: along.deferredShare(threshold),
      share: highest,
      agreement: agreementAt(strategy, threshold, answers),
      gapRecovered: isGraded ? gapRecovered : null,
    };
  });
}

/** The scores of all tokens of the large model's answers. */
function scoresAlong(strategy: string, { evidence }: EvaluatedAnswers): readonly number[] {
  return evidence.flatMap(({ scores }) => scores[strategy] ?? []);
}

/** The share of tokens along the large model's answers that equal the large model's. */
function agreementAt(strategy: string, threshold: number, { evidence }: EvaluatedAnswers): number {
  const kept = evidence.flatMap(({ scores, differs }) =>
    (scores[strategy] ?? []).map((score, at) => score >= threshold && differs[at] === '1'),
  );
  return 1 - kept.filter(Boolean).length / kept.length;
}

function defaultOf(
  { defaultThreshold }: Router,
  calibration: Calibration,
  isGraded: boolean,
  { share, quality, onNotice }: CalibrateOptions,
): number {
  if (share !== undefined) return thresholdForShare(calibration, share);
  const kind = isGraded ? 'gapRecovered' : 'agreement';
  if (quality !== undefined) return thresholdForQuality(calibration, kind, quality);
  const wanted = isGraded ? QUALITY_OF_GAP : QUALITY_OF_TOKENS;
  const reached = calibration.points.find((point) => (point[kind] ?? 0) >= wanted);
  if (reached !== undefined) return reached.threshold;
  const what = isGraded ? 'of the gap between the models' : "of the large model's tokens";
  onNotice?.(`No threshold gives ${100 * wanted} % ${what}: the default stays as it was.`);
  return defaultThreshold;
}

function agreementOf({ strategy }: Router, answers: EvaluatedAnswers): Reliability {
  const scores = scoresAlong(strategy, answers);
  const agrees = answers.evidence.flatMap(({ differs }) =>
    [...differs].map((digit) => Number(digit === '0')),
  );
  const weights = new Float32Array(scores.length).fill(1);
  return reliability(Float32Array.from(scores), Float32Array.from(agrees), weights, BIN_COUNT);
}

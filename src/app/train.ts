/**
 * Trains a router: from the names of models and questions to its file, through the large model's
 * answers, labels and a network.
 */
import { join } from 'node:path';
import { GREEDY } from '../core/sampling-params.ts';
import { tokenId, tokenIds } from '../core/token-id.ts';
import { grade } from '../evaluation/graders/grade.ts';
import type { Question } from '../evaluation/question.ts';
import { questionNumber } from '../evaluation/question-key.ts';
import { answerAll } from '../evaluation/run/answer-all.ts';
import { answerText } from '../evaluation/run/answer-record.ts';
import { AnswerStore } from '../evaluation/run/answer-store.ts';
import { type EvaluationPair, nameAndDigest } from '../evaluation/run/evaluation-pair.ts';
import { LARGE_ALONE } from '../evaluation/run/evaluation-plan.ts';
import { openManifest } from '../evaluation/run/open-manifest.ts';
import { promptsOf } from '../evaluation/run/prompts-of.ts';
import { checkGradable, isGradable } from '../evaluation/tasks/traffic.ts';
import { featureSize } from '../judging/router-features.ts';
import { writeWhole } from '../storage/whole-file.ts';
import { singleModel } from '../strategy/single-model.ts';
import { trainingCellCount } from '../training/cell-count.ts';
import { usesRollouts } from '../training/labels/targets.ts';
import type { RolloutPlan } from '../training/rollouts/rollout-plan.ts';
import { type TrainedRouter, trainRouter, WRITTEN_FILE } from '../training/rounds/train-router.ts';
import { writeAnswers } from '../training/rounds/write-answers.ts';
import { LABEL_SEQUENCE_COUNT } from '../training/sequence-counts.ts';
import type { Trajectory } from '../training/trajectory.ts';
import {
  fitSettings,
  type TrainOptions,
  type TrainSettings,
  trainingFacts,
  trainSettings,
} from './heads/train-settings.ts';
import { evaluationLock } from './questions/evaluation-lock.ts';
import { loadQuestions } from './questions/load-questions.ts';
import { openEvaluation, trainingPair } from './questions/open-evaluation.ts';

export interface Trained extends TrainedRouter {
  readonly path: string;
  /** The number of questions that the large model answered correctly. */
  readonly solvedCount: number;
  readonly questionCount: number;
}

/** The temperature of drawn answers. */
const TEMPERATURE = 0.8;
const WITHOUT_ANSWERS = 'an objective without rollouts, as citer-s';

/**
 * Trains a router of tokens: the large model answers the questions, labels are made along its right
 * answers, and a network learns them. An interrupted training continues where it stopped.
 *
 * @throws PilotfishError before a model is loaded: `option-invalid`, `task-unknown`,
 *   `slice-unknown`, `data-not-found`, `data-invalid`, `evaluation-invalid` where another process
 *   works in the folder; later `training-data-insufficient`, `training-diverged`, `aborted`, and what
 *   pulling, loading and generating throw. Labels and training steps so far are kept in the folder
 *
 * @example
 * const folder = 'training/pocket';
 * const { path } = await train({ task: 'pocket', pair: 'pocket', count: 1200, folder });
 */
export async function train(options: TrainOptions): Promise<Trained> {
  const settings = trainSettings(options);
  const { objective, features, folder, maxTokens, waveSize, contextLength } = settings;
  const loaded = await loadQuestions(settings, 'train');
  const { questions } = loaded;
  if (usesRollouts(objective)) checkGradable(questions, objective, WITHOUT_ANSWERS);
  await using _lock = await evaluationLock(folder);
  await using pair = await openEvaluation({
    ...settings,
    strategies: [],
    spareSequenceCount: LABEL_SEQUENCE_COUNT,
    cellCount: trainingCellCount({ questions, maxTokens, waveSize, contextLength }),
  });
  // Checked now, not after all questions are answered.
  if (features.tokenEmbedding) pair.small.tokenEmbedding(tokenId(0));
  const trajectories = await largeAnswers(questions, pair, settings);
  const solved = trajectories.filter(({ value }) => value === 1);
  const inputSize = featureSize(features, pair.small.facts.hiddenSize);
  const trained = await trainRouter({
    ...settings,
    onRound: async (report, bytes) => {
      await writeWhole(join(folder, `${objective}-round-${report.round}.safetensors`), bytes);
      settings.onRound?.(report);
    },
    pair: trainingPair(pair),
    boundTo: { small: nameAndDigest(pair, 'small'), large: nameAndDigest(pair, 'large') },
    trajectories: await walkedAlong(solved, pair, settings),
    rollouts: rolloutPlan(settings),
    policyShare: settings.policyShare ?? null,
    fit: fitSettings(settings, inputSize),
    trainedOn: new Set(questions.map(questionNumber)),
    facts: trainingFacts(loaded, options),
  });
  const path = settings.file ?? join(folder, `${objective}.safetensors`);
  await writeWhole(path, trained.bytes);
  const counts = { solvedCount: solved.length, questionCount: questions.length };
  return { ...trained, ...counts, path };
}

function rolloutPlan({ drawCount, positionCountMax, seed }: TrainSettings): RolloutPlan {
  return { draws: { count: drawCount, temperature: TEMPERATURE }, positionCountMax, seed };
}

async function largeAnswers(
  questions: readonly Question[],
  pair: EvaluationPair,
  settings: TrainSettings,
): Promise<readonly Trajectory[]> {
  const { folder, maxTokens, waveSize } = settings;
  const { codes } = await openManifest(folder, pair, { maxTokens, waveSize });
  await pair.share(promptsOf(questions, pair));
  const store = await AnswerStore.open(join(folder, 'answers.jsonl'), codes);
  const answering = { ...settings, pair, store };
  await answerAll(questions, [LARGE_ALONE], 'Answering with the large model', answering);
  return questions.flatMap((question): readonly Trajectory[] => {
    const record = store.get(LARGE_ALONE, question);
    if (record === null) return [];
    const prompt = pair.engine.promptTokens({ messages: question.messages });
    // Without an answer to compare with, every answer of the large model counts as right.
    const isRight = !isGradable(question) || grade(answerText(record), question).isRight;
    const value = Number(isRight);
    return [{ question, source: 'large', prompt, tokens: tokenIds(record.tokenIds), value }];
  });
}

/** The trajectories of labels: the large model's answers, drawn ones for the paper's rule. */
async function walkedAlong(
  solved: readonly Trajectory[],
  pair: EvaluationPair,
  settings: TrainSettings,
): Promise<readonly Trajectory[]> {
  const { objective, seed, folder } = settings;
  if (objective !== 'citer-paper') return solved;
  const sampled = await writeAnswers(solved, {
    ...settings,
    pair: trainingPair(pair),
    writer: {
      id: `large drawn at ${TEMPERATURE}, seed ${seed}`,
      strategy: singleModel('large'),
      sampling: { ...GREEDY, temperature: TEMPERATURE },
      seed,
      source: 'sampled',
    },
    path: join(folder, WRITTEN_FILE),
    label: 'Drawing reference answers',
  });
  return sampled.filter(({ value }) => value === 1);
}

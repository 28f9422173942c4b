/** Trains a reward for steps: from the names of models and questions to the head's file. */
import { join } from 'node:path';
import { nameAndDigest } from '../evaluation/run/evaluation-pair.ts';
import { openManifest } from '../evaluation/run/open-manifest.ts';
import { promptsOf } from '../evaluation/run/prompts-of.ts';
import { checkGradable } from '../evaluation/tasks/traffic.ts';
import { writeWhole } from '../storage/whole-file.ts';
import { trainingCellCount } from '../training/cell-count.ts';
import { type TrainedReward, trainReward as train } from '../training/rewards/train-reward.ts';
import { LABEL_SEQUENCE_COUNT } from '../training/sequence-counts.ts';
import { askedOf } from './heads/asked-questions.ts';
import {
  rewardFacts,
  rewardFit,
  rewardSettings,
  strategyFor,
  type TrainRewardOptions,
} from './heads/reward-settings.ts';
import { evaluationLock } from './questions/evaluation-lock.ts';
import { loadQuestions } from './questions/load-questions.ts';
import { openEvaluation, trainingPair } from './questions/open-evaluation.ts';

export interface RewardTraining extends TrainedReward {
  readonly path: string;
}

/** The temperature of drawn rollouts. */
const TEMPERATURE = 0.7;

/**
 * Trains a reward: both models' steps are drafted at the states that mixtures of their steps reach, the
 * ends of the answers label the small model's steps, and a network learns the labels. An interrupted
 * training continues where it stopped.
 *
 * @throws PilotfishError before a model is loaded: `option-invalid`, `task-unknown`, `slice-unknown`,
 *   `data-not-found`, `data-invalid`, `evaluation-invalid` where another process works in the folder;
 *   later `training-data-insufficient`, `training-diverged`, `aborted`, and what pulling, loading and
 *   generating throw. Trees, rollouts and training steps so far are kept in the folder
 *
 * @example
 * const folder = 'training/pocket-strong';
 * const { path } = await trainReward({ task: 'pocket', pair: 'pocket-strong', count: 1200, folder });
 */
export async function trainReward(options: TrainRewardOptions): Promise<RewardTraining> {
  const settings = rewardSettings(options);
  const { folder, maxTokens, waveSize, contextLength, features, seed } = settings;
  const loaded = await loadQuestions(settings, 'train');
  const { questions } = loaded;
  checkGradable(questions, 'the training of a reward');
  await using _lock = await evaluationLock(folder);
  await using pair = await openEvaluation({
    ...settings,
    strategies: [],
    spareSequenceCount: LABEL_SEQUENCE_COUNT,
    cellCount: trainingCellCount({ questions, maxTokens, waveSize, contextLength }),
  });
  await openManifest(folder, pair, { maxTokens, waveSize });
  await pair.share(promptsOf(questions, pair));
  const strategy = strategyFor(features);
  const trained = await train({
    ...settings,
    ...{ strategy, pair: trainingPair(pair) },
    boundTo: { small: nameAndDigest(pair, 'small'), large: nameAndDigest(pair, 'large') },
    asked: askedOf(questions, pair),
    values: {
      finisher: settings.finisher,
      draws: { count: settings.drawCount, temperature: TEMPERATURE },
      seed,
    },
    fit: rewardFit(settings),
    facts: rewardFacts(loaded, options),
  });
  const path = settings.file ?? join(folder, `${strategy}.safetensors`);
  await writeWhole(path, trained.bytes);
  return { ...trained, path };
}

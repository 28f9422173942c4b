/** Fits U-HLM for a pair: from the names of models and questions to the fit's file and its picture. */
import { join } from 'node:path';
import { nameAndDigest } from '../evaluation/run/evaluation-pair.ts';
import { openManifest } from '../evaluation/run/open-manifest.ts';
import { promptsOf } from '../evaluation/run/prompts-of.ts';
import { fittedThreshold, type Risk } from '../judging/uhlm-fit.ts';
import { drawPicture } from '../report/draw-picture.ts';
import { uhlmFitSpec } from '../report/pictures/uhlm-fit-picture.ts';
import { writeWhole } from '../storage/whole-file.ts';
import {
  FITTED_STRATEGY,
  type FittedUhlm,
  fitUhlm as fitPair,
} from '../training/drafts/fit-uhlm.ts';

import { askedOf } from './heads/asked-questions.ts';
import { type FitUhlmOptions, fitFacts, fitSettings } from './heads/fit-settings.ts';
import { evaluationLock } from './questions/evaluation-lock.ts';
import { loadQuestions } from './questions/load-questions.ts';
import { openEvaluation, trainingPair } from './questions/open-evaluation.ts';

export interface UhlmFitting extends FittedUhlm {
  readonly path: string;
  /** Up to which uncertainty drafts are not transmitted. */
  readonly thresholds: Readonly<Record<Risk, number | null>>;
  /** The PNG of the drafts and the law; beside it is the same as SVG. */
  readonly picture: string;
}

/**
 * Fits U-HLM: answers are drafted by the small model and verified by the large one, token by token, and
 * a line is fitted to uncertainties and rejection probabilities. An interrupted fit continues where it
 * stopped. Answers are not graded, so `traffic` will do.
 *
 * @throws PilotfishError before a model is loaded: `option-invalid`, `task-unknown`, `slice-unknown`,
 *   `data-not-found`, `data-invalid`, `evaluation-invalid` where another process works in the folder;
 *   later `training-data-insufficient`, `aborted`, and what pulling, loading and generating throw.
 *   Drafts so far are kept in the folder
 *
 * @example
 * const { fit } = await fitUhlm({ task: 'pocket', pair: 'pocket', count: 200, folder: 'fits/pocket' });
 */
export async function fitUhlm(options: FitUhlmOptions): Promise<UhlmFitting> {
  const settings = fitSettings(options);
  const { folder, maxTokens, waveSize } = settings;
  const loaded = await loadQuestions(settings, 'train');
  const { questions } = loaded;
  await using _lock = await evaluationLock(folder);
  await using pair = await openEvaluation({ ...settings, strategies: [] });
  await openManifest(folder, pair, { maxTokens, waveSize });
  await pair.share(promptsOf(questions, pair));
  const fitted = await fitPair({
    ...settings,
    pair: trainingPair(pair),
    boundTo: { small: nameAndDigest(pair, 'small'), large: nameAndDigest(pair, 'large') },
    asked: askedOf(questions, pair),
    facts: fitFacts(loaded, settings),
  });
  const name = fileName(settings.temperature);
  const path = settings.file ?? join(folder, `${name}.safetensors`);
  await writeWhole(path, fitted.bytes);
  const picture = join(folder, `${name}-fit.png`);
  const { svg, png } = await drawPicture(uhlmFitSpec(fitted));
  await writeWhole(picture, png);
  await writeWhole(join(folder, `${name}-fit.svg`), svg);
  const { fit } = fitted;
  const thresholds = {
    averse: fittedThreshold(fit, 'averse'),
    prone: fittedThreshold(fit, 'prone'),
  };
  return { ...fitted, path, thresholds, picture };
}

/** Fits of several temperatures share a folder. */
function fileName(temperature: number): string {
  if (temperature === 1) return FITTED_STRATEGY;
  return `${FITTED_STRATEGY}-${temperature === 0 ? 'greedy' : temperature}`;
}

/** The options and defaults of a fit of U-HLM, and the facts about it that its file holds. */
import { definedFields, type OptionalFields } from '../../core/defined-fields.ts';
import { checkOption } from '../../strategy/check-option.ts';
import type { DraftPlan } from '../../training/drafts/observe-drafts.ts';
import type { LoadedQuestions } from '../questions/load-questions.ts';
import { checkCounts } from '../questions/number-range.ts';
import {
  MAX_TOKENS_DEFAULT,
  type QuestionRunOptions,
  WAVE_SIZE_DEFAULT,
} from '../questions/question-run.ts';

export interface FitPlan extends Omit<DraftPlan, 'maxTokens'> {
  /** β* of the risk-prone threshold; default 0.5. */
  readonly toleratedRejection: number;
  /** θ of CU-HLM's k*; default 0.1. */
  readonly truncationError: number;
}

/** `folder` keeps the drafts; the fit is written there, too. */
export interface FitUhlmOptions extends QuestionRunOptions, OptionalFields<FitPlan> {
  /** The fit's file; default: `uhlm.safetensors` in the folder. */
  readonly file?: string | undefined;
}

export type FitSettings = FitUhlmOptions &
  Required<FitPlan & Pick<DraftPlan, 'maxTokens'>> & {
    readonly waveSize: number;
  };

const PLAN: FitPlan = { temperature: 1, seed: 1, toleratedRejection: 0.5, truncationError: 0.1 };

/** @throws PilotfishError `option-invalid` */
export function fitSettings(options: FitUhlmOptions): FitSettings {
  const { maxTokens, temperature, toleratedRejection, truncationError } = options;
  checkCounts({ maxTokens });
  checkOption('temperature', temperature, {
    ...{ holds: (value) => value >= 0 && value <= 100, says: 'a number from 0 to 100' },
  });
  checkOption('toleratedRejection', toleratedRejection, {
    ...{ holds: (value) => value > 0 && value < 1, says: 'a number between 0 and 1' },
  });
  checkOption('truncationError', truncationError, {
    ...{ holds: (value) => value > 0 && Number.isFinite(value), says: 'a number above 0' },
  });
  return {
    ...PLAN,
    ...{ maxTokens: MAX_TOKENS_DEFAULT, waveSize: WAVE_SIZE_DEFAULT },
    ...definedFields(options),
    folder: options.folder,
  };
}

/** The facts that let a reader of the file repeat the fit. */
export function fitFacts(
  { task, questions, prompt }: LoadedQuestions,
  { maxTokens, seed, from, questionSeed }: FitSettings,
): Readonly<Record<string, string | number>> {
  return definedFields({
    ...{ questions: task, questionCount: questions.length, maxTokens, seed },
    ...{ prompt: prompt ?? undefined, from, questionSeed },
  });
}

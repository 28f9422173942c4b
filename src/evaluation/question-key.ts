/**
 * The identity of questions: two are the same if their words are, whatever their case, spaces or
 * punctuation.
 */
import { createHash } from 'node:crypto';
import { PilotfishError } from '../core/errors.ts';
import type { Question } from './question.ts';

const EXAMPLE_COUNT_MAX = 3;
const EXAMPLE_CHARACTERS_MAX = 100;

/** Stands for an apostrophe that is a prime. */
const PRIME = '\u2032';

/**
 * Decimal points and signs of formulas stay: `2.5` is not `25`, `.5` not `5`, `5 - 3` not `5 + 3`,
 * `5!` not `5`, `f'(2)` not `f(2)`.
 */
const FORGOTTEN: readonly (readonly [RegExp, string])[] = [
  [/(?<=\d),(?=\d{3}(?!\d))/g, ''],
  [/(?<=\d['’]?)['’](?!\p{L})/gu, PRIME],
  [/(?<=(?<![\p{L}\d])\p{L}['’]{0,3})['’](?=['’]{0,3}\()/gu, PRIME],
  [/['"‘’“”`]/g, ''],
  [/(?<=\p{L})[-–—](?=\p{L})|\s[–—]\s/gu, ' '],
  [/[,;:?](?!\d)|(?<!\d)[,;:?]|\.(?!\d)|(?<=[\p{L}.])\.|(?<!\d!{0,3})!/gu, ' '],
  [/\s+/g, ' '],
];

/** Equal for equal questions. Options count: one question may come with several sets of them. */
export function questionKey({ text, options = [] }: Pick<Question, 'text' | 'options'>): string {
  return [text, ...options].map(forgetful).join('\n');
}

function forgetful(text: string): string {
  let words = text.normalize('NFKC').toLowerCase();
  for (const [pattern, replacement] of FORGOTTEN) words = words.replaceAll(pattern, replacement);
  return words.trim();
}

const NUMBER_BYTES = 6;

/**
 * A question's key as a number below 2^48: a trained head stores this number for each of its
 * training questions. The chance that any two of ten thousand questions collide is 2 in 10^7.
 */
export function questionNumber(question: Pick<Question, 'text' | 'options'>): number {
  return createHash('sha256').update(questionKey(question)).digest().readUIntBE(0, NUMBER_BYTES);
}

/** A trained head, and the numbers of its training questions (see `questionNumber`). */
interface SeeingHead {
  readonly strategy: string;
  readonly trainedOn: ReadonlySet<number>;
  readonly calibratedOn: ReadonlySet<number>;
}

/** Refuses to evaluate a head on its training questions. @throws PilotfishError `data-overlap` */
export function checkTrainedOn(
  { strategy, trainedOn }: Pick<SeeingHead, 'strategy' | 'trainedOn'>,
  evaluation: readonly Question[],
): void {
  checkUnseen(`The head of ${strategy} was trained on`, trainedOn, evaluation);
}

/** The same check for the questions of its calibration. @throws PilotfishError `data-overlap` */
export function checkCalibratedOn(
  { strategy, calibratedOn }: Pick<SeeingHead, 'strategy' | 'calibratedOn'>,
  evaluation: readonly Question[],
): void {
  checkUnseen(`The head of ${strategy} was calibrated on`, calibratedOn, evaluation);
}

function checkUnseen(
  was: string,
  seen: ReadonlySet<number>,
  evaluation: readonly Question[],
): void {
  const common = evaluation.filter((question) => seen.has(questionNumber(question)));
  if (common.length === 0) return;
  const names = common.slice(0, EXAMPLE_COUNT_MAX).map(({ id }) => id);
  throw new PilotfishError(
    'data-overlap',
    `${was} ${common.length} of these ${evaluation.length} questions: ${names.join(', ')}` +
      `${common.length > names.length ? ', …' : ''}.`,
    {
      remedy: 'Give unseen questions, from another split or --from, or leave the head out.',
      fields: { commonCount: common.length, evaluationCount: evaluation.length },
    },
  );
}

/**
 * Refuses to evaluate on training questions.
 * @throws PilotfishError `data-overlap` with the number of common questions and up to three of them
 */
export function checkOverlap(training: readonly Question[], evaluation: readonly Question[]): void {
  const seen = new Map(training.map((question) => [questionKey(question), question.id]));
  const common = evaluation.flatMap((question) => {
    const other = seen.get(questionKey(question));
    return other === undefined ? [] : [{ question, other }];
  });
  if (common.length === 0) return;
  const examples = common.slice(0, EXAMPLE_COUNT_MAX).map(({ question: { id, text }, other }) => {
    const isLong = text.length > EXAMPLE_CHARACTERS_MAX;
    return `${id} is ${other}: "${text.slice(0, EXAMPLE_CHARACTERS_MAX)}${isLong ? '…' : ''}"`;
  });
  throw new PilotfishError(
    'data-overlap',
    `${common.length} of ${evaluation.length} questions were trained on; ${examples.join('; ')}.`,
    {
      remedy: 'Evaluate on another split, or train without these questions.',
      fields: { commonCount: common.length, evaluationCount: evaluation.length },
    },
  );
}

/** The number of KV cells that a training asks for. Pure. */
import type { Question } from '../evaluation/question.ts';
import { BRANCH_COUNT, FORK_POINT_COUNT, LABEL_SEQUENCE_COUNT } from './sequence-counts.ts';

export interface TrainingSizes {
  readonly questions: readonly Pick<Question, 'messages'>[];
  /** The most tokens of an answer. */
  readonly maxTokens: number;
  /** Questions that are answered side by side. */
  readonly waveSize: number;
  /** The most tokens of a sequence; undefined: no limit was set. */
  readonly contextLength?: number | undefined;
}

/** A ratio for digits and other scripts. English has about four characters a token. */
const CHARACTERS_PER_TOKEN = 2;
/** The allowance for a prompt when all prompts are short. */
const PROMPT_TOKEN_COUNT = 512;
/** The default context length. */
const CELL_COUNT_MIN = 4096;

/**
 * Cells for the contents of the cache at one time: a wave of answers, the answers of a router, or fork
 * points with their branches. A branch shares the cells of its fork point up to the position where it
 * leaves it.
 *
 * The result never exceeds the cells of all sequences with short prompts. Where prompts are long, fewer
 * sequences run side by side (see `runJobsThatFit`).
 */
export function trainingCellCount(sizes: TrainingSizes): number {
  const { questions, maxTokens, waveSize, contextLength } = sizes;
  const lengths = questions.map(({ messages }) =>
    messages.reduce((sum, { content }) => sum + content.length, 0),
  );
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const promptCount = Math.max(PROMPT_TOKEN_COUNT, Math.ceil(longest / CHARACTERS_PER_TOKEN));
  const contextMax = contextLength ?? Number.POSITIVE_INFINITY;
  const each = Math.min(contextMax, promptCount + maxTokens);
  const wanted = Math.max(
    (waveSize + 1) * each,
    BRANCH_COUNT * each,
    FORK_POINT_COUNT * each + BRANCH_COUNT * Math.min(each, maxTokens),
  );
  const sequenceCount = waveSize + LABEL_SEQUENCE_COUNT;
  const allowed = sequenceCount * (contextLength ?? PROMPT_TOKEN_COUNT + maxTokens);
  return Math.max(CELL_COUNT_MIN, contextLength ?? 0, Math.min(wanted, allowed));
}

/** How many KV cells a training asks for. Pure. */
import type { Question } from '../evaluation/question.ts';
import { BRANCH_COUNT, FORK_POINT_COUNT, LABEL_SEQUENCE_COUNT } from './sequence-counts.ts';

export interface TrainingSizes {
  readonly questions: readonly Pick<Question, 'messages'>[];
  /** Tokens of an answer at most. */
  readonly maxTokens: number;
  /** Questions that are answered side by side. */
  readonly waveSize: number;
  /** Tokens of a sequence at most, where somebody says. */
  readonly contextLength?: number | undefined;
}

/** Of digits and of other scripts; English has four or so. */
const CHARACTERS_PER_TOKEN = 2;
/** Room for a prompt where all are short. */
const PROMPT_TOKEN_COUNT = 512;
/** As long as a context is where nobody says. */
const CELL_COUNT_MIN = 4096;

/**
 * Room for what is in the cache at the same time: a wave of answers; answers of a router; trunks, and
 * branches that share a forkPoint's cells up to where they leave it. Where that comes to more than room for
 * so many sequences with short prompts, prompts are long, and fewer run side by side (see
 * `runJobsThatFit`).
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

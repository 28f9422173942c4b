/**
 * The texts that a judge reads, and the labels that it answers with. Pure. Every text ends where the
 * label of the last step is the next token, and it begins with the text that judged the step before, so
 * a judge's cache holds all but the new step. Docs/METHODS.md describes the prompts: they are a part of
 * the method.
 */
import type { ChatMessage } from '../core/chat-message.ts';
import { PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Tokenizer } from '../core/tokenizer.ts';

/** An answer of a judge, and the reward that it stands for. */
export interface JudgeLabel {
  /** The texts that mean the label; those that are single tokens of the judge count. */
  readonly spellings: readonly string[];
  /** In [0, 1]. */
  readonly reward: number;
}

export interface JudgeScale {
  /** Asks for one of the labels. */
  readonly request: string;
  /** From the best to the worst. */
  readonly labels: readonly JudgeLabel[];
}

export const YES_OR_NO: JudgeScale = {
  request: 'Answer yes or no.',
  labels: [
    { spellings: ['yes', 'Yes', ' yes', ' Yes'], reward: 1 },
    { spellings: ['no', 'No', ' no', ' No'], reward: 0 },
  ],
};

export const PLUS_OR_MINUS: JudgeScale = {
  request: 'Answer + or -.',
  labels: [
    { spellings: ['+', ' +'], reward: 1 },
    { spellings: ['-', ' -'], reward: 0 },
  ],
};

export const DIGIT_MAX = 9;

/** The scale of SpecReason (arXiv 2504.07891). */
export const DIGITS: JudgeScale = {
  request: `Answer with a score from 0 to ${DIGIT_MAX}.`,
  labels: Array.from({ length: DIGIT_MAX + 1 }, (_, below) => {
    const digit = DIGIT_MAX - below;
    return { spellings: [`${digit}`, ` ${digit}`], reward: digit / DIGIT_MAX };
  }),
};

/**
 * Lays out a judge's text.
 * @param steps of the answer; the last one is to be judged
 */
export type JudgeLayout = (
  messages: readonly ChatMessage[],
  steps: readonly string[],
  tokenizer: Tokenizer,
  scale: JudgeScale,
) => readonly TokenId[];

const INSTRUCTION =
  'You check a solution step by step. Evaluate the last step solely based on factual correctness ' +
  'and logical validity: judge whether it is correct and follows from the problem and the steps ' +
  'before it. Ignore style and phrasing.';

/**
 * For models that follow instructions: each step is a turn, and the judge answers with a label. Steps
 * before the last one were kept or corrected, so they have the best label.
 */
export const turns: JudgeLayout = (messages, steps, tokenizer, { request, labels }) => {
  const best = required(labels[0]?.spellings[0], 'a scale has labels');
  const head = `${INSTRUCTION} ${request}\n\nProblem: ${questionOf(messages)}\n\n`;
  const judged = steps.flatMap((step, index): ChatMessage[] => [
    { role: 'user', content: `${index === 0 ? head : ''}Step ${index + 1}: ${step.trim()}` },
    { role: 'assistant', content: best },
  ]);
  return tokenizer.chat(judged.slice(0, -1));
};

/** The step tag of Math-Shepherd (arXiv 2312.08935), behind which its reward is read. */
const STEP_TAG = ' ки';

/**
 * For process reward models in the manner of Math-Shepherd: the question, then steps that end with its
 * tag. A blank line ends the steps for a model that has no token for the tag.
 */
export const tagged: JudgeLayout = (messages, steps, tokenizer) => {
  const tag = tokenizer.continued(STEP_TAG);
  const read = steps.flatMap((step, index) =>
    tag.length > 1
      ? tokenizer.continued(`${step.trim()}\n\n`)
      : [...tokenizer.continued(`${index === 0 ? '' : '\n'}${step.trim()}`), ...tag],
  );
  return [...beginning(questionOf(messages), tokenizer), ...read];
};

function beginning(question: string, tokenizer: Tokenizer): readonly TokenId[] {
  try {
    return tokenizer.chat([{ role: 'user', content: question }]);
  } catch (error) {
    if (!PilotfishError.isInstance(error) || error.code !== 'template-failed') throw error;
    return tokenizer.beginning(`${question} `);
  }
}

/** The conversation without instructions of the system. Several messages are told by their roles. */
function questionOf(messages: readonly ChatMessage[]): string {
  const told = messages.filter(({ role }) => role !== 'system');
  const [only] = told;
  if (told.length === 1 && only !== undefined) return only.content;
  return told.map(({ role, content }) => `${role}: ${content}`).join('\n\n');
}

/** The tokens of a judge's labels. */
export interface LabelTokens {
  readonly scale: JudgeScale;
  readonly ids: readonly TokenId[];
  /** [ids] the reward of each. */
  readonly rewards: readonly number[];
}

/** The first scale whose labels are all single tokens; null if there is none. */
export function labelTokens(
  scales: readonly JudgeScale[],
  tokenizer: Tokenizer,
): LabelTokens | null {
  for (const scale of scales) {
    const known = scale.labels.map(({ spellings, reward }) => {
      const tokens = spellings.map((spelling) => tokenizer.continued(spelling));
      return { ids: new Set(tokens.flatMap((ids) => (ids.length === 1 ? ids : []))), reward };
    });
    if (known.some(({ ids }) => ids.size === 0)) continue;
    const all = known.flatMap(({ ids, reward }) => [...ids].map((id) => ({ id, reward })));
    return { scale, ids: all.map(({ id }) => id), rewards: all.map(({ reward }) => reward) };
  }
  return null;
}

/**
 * The mean reward of the labels by their probabilities, which need not sum to 1.
 * @param logprobs [labels] natural log-probabilities
 * @returns NaN if no label is possible
 */
export function expectedReward(logprobs: ArrayLike<number>, rewards: readonly number[]): number {
  const all = Array.from(logprobs);
  const most = Math.max(...all);
  const weights = all.map((logprob) => Math.exp(logprob - most));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.reduce((sum, weight, at) => sum + (weight / total) * (rewards[at] ?? 0), 0);
}

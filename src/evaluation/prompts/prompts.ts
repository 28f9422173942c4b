/** The prompts for questions. Graders do not depend on them: they read every form. */
import type { ChatMessage } from '../../core/chat-message.ts';
import { PilotfishError } from '../../core/errors.ts';
import { letterOf } from '../graders/choice.ts';
import type { AnswerKind, Question } from '../question.ts';
import { EXAMPLE_TURNS } from './example-turns.ts';

type Asked = Pick<Question, 'text' | 'kind' | 'options'>;

export interface Prompt {
  readonly name: string;
  fits(question: Asked): boolean;
  messages(question: Asked): readonly ChatMessage[];
}

export const PROMPTS: readonly Prompt[] = [
  after(
    'steps',
    ['number'],
    [
      'Solve the problem step by step.',
      'End with a line "The answer is N.", where N is the number alone.',
    ],
  ),
  after(
    'boxed',
    ['number', 'latex'],
    ['Work it out step by step and write the final answer inside \\boxed{}.'],
  ),
  after(
    'hash',
    ['number'],
    [
      'Think it through, one calculation a line.',
      'Write the final number alone on the last line, after "#### ".',
    ],
  ),
  {
    name: 'examples',
    fits: ({ kind }) => kind === 'number',
    messages: ({ text }) => [...EXAMPLE_TURNS, ...user(text)],
  },
  {
    name: 'letter',
    fits: ({ kind }) => kind === 'choice',
    messages: ({ text, options = [] }) => {
      const list = options.map((option, index) => `(${letterOf(index)}) ${option}`).join('\n');
      const task =
        'Think step by step. End with a line "The answer is (X).", where X is the letter of the ' +
        'right option.';
      return user(`${text}\n\n${list}\n\n${task}`);
    },
  },
  {
    name: 'yes-no',
    fits: ({ options }) => options?.join('/').toLowerCase() === 'yes/no',
    messages: ({ text }) =>
      user(
        `${text}\n\nThink step by step. End with a line "The answer is yes." or "The answer is no."`,
      ),
  },
  after(
    'short',
    ['text'],
    ['Think step by step. End with a line "Answer: " and the answer alone.'],
  ),
  {
    name: 'bare',
    fits: () => true,
    messages: ({ text }) => user(text),
  },
];

/** The prompts for tasks without a default of their own. */
const DEFAULTS: Readonly<Record<AnswerKind, string>> = {
  number: 'steps',
  latex: 'boxed',
  choice: 'letter',
  text: 'short',
  pocket: 'bare',
};

/**
 * The question in a prompt: the named one, or the default of its kind.
 * @throws PilotfishError `option-invalid` if there is no such prompt, or it asks for another kind
 *   of answer
 */
export function promptMessages(
  question: Asked,
  name: string = DEFAULTS[question.kind],
): readonly ChatMessage[] {
  const prompt = PROMPTS.find((candidate) => candidate.name === name);
  if (prompt?.fits(question) === true) return prompt.messages(question);
  const fitting = PROMPTS.filter(({ fits }) => fits(question)).map((candidate) => candidate.name);
  const problem =
    prompt === undefined ? 'There is no' : `Questions of the kind ${question.kind} cannot use the`;
  throw new PilotfishError('option-invalid', `${problem} prompt "${name}".`, {
    remedy: `Use one of ${fitting.join(', ')}.`,
    fields: { prompt: name, kind: question.kind },
  });
}

function after(name: string, kinds: readonly AnswerKind[], task: readonly string[]): Prompt {
  return {
    name,
    fits: ({ kind }) => kinds.includes(kind),
    messages: ({ text }) => user(`${text}\n\n${task.join(' ')}`),
  };
}

function user(content: string): readonly ChatMessage[] {
  return [{ role: 'user', content }];
}

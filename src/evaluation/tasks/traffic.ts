/**
 * A user's own traffic: prompts without right answers. It is a file of JSON lines, each with
 * `prompt`, a text, or `messages`, a conversation that ends with the user's turn.
 */
import { basename } from 'node:path';
import { z } from 'zod';
import type { ChatMessage } from '../../core/chat-message.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { Question } from '../question.ts';
import { JSONL_EXTENSION } from './jsonl.ts';
import { readRows } from './read-rows.ts';

const TEXT = z.string().trim().min(1);

const MESSAGES = z
  .array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: TEXT }))
  .min(1)
  .refine((messages) => messages.at(-1)?.role === 'user', "the last turn is not the user's");

const ROW = z.union([z.object({ messages: MESSAGES }), z.object({ prompt: TEXT })]);

/**
 * Questions that cannot be graded, without duplicates.
 * @throws PilotfishError `data-not-found`, `data-invalid`, naming the line
 */
export async function loadTraffic(path: string): Promise<readonly Question[]> {
  const remedy = 'Give the path of a file with one JSON object a line, each with a "prompt".';
  const rows = await readRows({ path, format: 'jsonl', remedy }, ROW);
  const name = basename(path, JSONL_EXTENSION);
  const questions = new Map<string, Question>();
  for (const { value, place } of rows) {
    const messages: readonly ChatMessage[] =
      'messages' in value ? value.messages : [{ role: 'user', content: value.prompt }];
    const text = messages.map(({ content }) => content).join('\n');
    if (questions.has(text)) continue;
    const id = `${name}/${place.replace('line ', '')}`;
    questions.set(text, { id, text, messages, answer: '', kind: 'text' });
  }
  return [...questions.values()];
}

/** Whether the question has a right answer to compare with. */
export function isGradable({ answer }: Pick<Question, 'answer'>): boolean {
  return answer !== '';
}

/**
 * @param what needs the answers
 * @param otherwise what to do without answers
 * @throws PilotfishError `training-data-insufficient` if a question has no answer
 */
export function checkGradable(
  questions: readonly Question[],
  what: string,
  otherwise: string | null = null,
): void {
  const without = questions.find((question) => !isGradable(question));
  if (without === undefined) return;
  throw new PilotfishError(
    'training-data-insufficient',
    `${without.id} has no answer that could be checked; ${what} needs one.`,
    {
      remedy: `Give questions with answers${otherwise === null ? '' : `, or ${otherwise}`}.`,
      fields: { question: without.id },
    },
  );
}

import type { TokenId } from '../../core/token-id.ts';
import type { Question } from '../question.ts';
import type { EvaluationPair } from './evaluation-pair.ts';
import { ofQuestion } from './question-error.ts';

/**
 * The prompt tokens of each question. Refuses unreadable questions before any model runs.
 * @throws PilotfishError as `Engine.promptTokens`, naming the question
 */
export function promptsOf(
  questions: readonly Question[],
  { engine }: Pick<EvaluationPair, 'engine'>,
): readonly (readonly TokenId[])[] {
  return questions.map((question) => {
    try {
      return engine.promptTokens({ messages: question.messages });
    } catch (error) {
      throw ofQuestion(error, question);
    }
  });
}

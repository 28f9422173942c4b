/** Questions with their prompts, as the models of a pair read them. */
import type { Question } from '../../evaluation/question.ts';
import type { EvaluationPair } from '../../evaluation/run/evaluation-pair.ts';
import type { AskedQuestion } from '../../training/steps/label-steps.ts';

export function askedOf(
  questions: readonly Question[],
  { engine }: Pick<EvaluationPair, 'engine'>,
): readonly AskedQuestion[] {
  return questions.map((question) => ({
    question,
    prompt: engine.promptTokens({ messages: question.messages }),
  }));
}

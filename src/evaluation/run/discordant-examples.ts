/** The questions on which strategies disagree, for a side-by-side comparison. */
import { required } from '../../core/invariant.ts';
import type { Question } from '../question.ts';
import type { Example } from '../results.ts';
import { recordedTokens } from './answer-record.ts';
import type { AnswerStore } from './answer-store.ts';
import type { EvaluationPoint } from './evaluation-point.ts';
import type { PointRuns } from './point-result.ts';

/** The most questions that are shown: people read the page. */
const EXAMPLE_COUNT_MAX = 12;

/** @param shown one point of each strategy, over the same questions */
export function discordantExamples(
  shown: readonly PointRuns[],
  store: AnswerStore,
): readonly Example[] {
  const questionCount = shown[0]?.runs.length ?? 0;
  const examples: Example[] = [];
  for (let index = 0; index < questionCount; index += 1) {
    const answers = shown.flatMap(({ point, runs }) => {
      const run = runs[index];
      return run === undefined ? [] : [{ point, run }];
    });
    const rightCount = answers.filter(({ run }) => run.grade.isRight).length;
    const question = answers[0]?.run.question;
    if (question === undefined || rightCount === 0 || rightCount === answers.length) continue;
    examples.push({
      questionId: question.id,
      question: question.text,
      answer: question.answer,
      answers: answers.map(({ point, run }) => ({
        strategy: point.method.name,
        threshold: point.threshold,
        isRight: run.grade.isRight,
        extracted: run.grade.extracted,
        tokens: tokensOf(point, question, store),
      })),
    });
    if (examples.length === EXAMPLE_COUNT_MAX) break;
  }
  return examples;
}

function tokensOf(
  point: EvaluationPoint,
  question: Question,
  store: AnswerStore,
): Example['answers'][number]['tokens'] {
  const record = required(store.get(point, question), 'the question was answered');
  return recordedTokens(record).map(({ text, origin, score }) => ({ text, origin, score }));
}

/** The value of an answer: 1 if the grader says that it is right, else 0. */
import type { TokenId } from '../core/token-id.ts';
import { grade } from '../evaluation/graders/grade.ts';
import type { Question } from '../evaluation/question.ts';
import type { Vocabulary } from '../model/roles.ts';

export function valueOfText(
  tokens: readonly TokenId[],
  question: Question,
  vocabulary: Pick<Vocabulary, 'tokenBytes'>,
): number {
  const bytes = tokens.map((token) => vocabulary.tokenBytes(token));
  return Number(grade(Buffer.concat(bytes).toString('utf8'), question).isRight);
}

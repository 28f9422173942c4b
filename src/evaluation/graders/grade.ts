/** Whether an output answers a question correctly. The rules, with examples: docs/GRADERS.md. */
import { unreachable } from '../../core/invariant.ts';
import type { Grade, Question } from '../question.ts';
import { gradeChoice, OPTION_COUNT_MAX, rightOption } from './choice.ts';
import { gradeLatex } from './latex.ts';
import { gradeNumber, isConstant, readNumber } from './number.ts';
import { gradePocket } from './pocket.ts';
import { bareText, gradeText } from './text.ts';

type Graded = Pick<Question, 'answer' | 'kind' | 'options'>;

/** Never throws: an output that cannot be read is wrong. */
export function grade(output: string, { answer, kind, options = [] }: Graded): Grade {
  switch (kind) {
    case 'number':
      return gradeNumber(output, answer);
    case 'latex':
      return gradeLatex(output, answer);
    case 'choice':
      return gradeChoice(output, answer, options);
    case 'text':
      return gradeText(output, answer);
    case 'pocket':
      return gradePocket(output, answer);
    default:
      return unreachable(kind);
  }
}

/** The reason why no output could ever be right; null if one can. */
export function flawOf({ answer, kind, options = [] }: Graded): string | null {
  switch (kind) {
    case 'number':
      return readNumber(answer) === null && !isConstant(answer) ? 'is not one number' : null;
    case 'pocket':
      return /^\d{1,9}$/.test(answer) ? null : 'is not a whole number';
    case 'choice':
      if (options.length < 2 || options.length > OPTION_COUNT_MAX) {
        return `needs from 2 to ${OPTION_COUNT_MAX} options`;
      }
      return rightOption(answer, options) === null ? 'is no option, by letter or text' : null;
    case 'latex':
      return answer.trim() === '' ? 'is empty' : null;
    case 'text':
      return bareText(answer) === '' ? 'is empty' : null;
    default:
      return unreachable(kind);
  }
}

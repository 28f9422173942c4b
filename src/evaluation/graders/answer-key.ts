/**
 * The final answer of an output in one form: equal for outputs that say the same. It is read as for a
 * grade, but the right answer is not looked at.
 */
import { unreachable } from '../../core/invariant.ts';
import type { Question } from '../question.ts';
import { gradeChoice } from './choice.ts';
import { gradeLatex } from './latex.ts';
import { latexForm } from './latex-form.ts';
import { findNumber } from './number.ts';
import { gradePocket } from './pocket.ts';
import { bareText, gradeText } from './text.ts';

/** @returns null where the output states no answer */
export function answerKey(
  output: string,
  { kind, options = [] }: Pick<Question, 'kind' | 'options'>,
): string | null {
  switch (kind) {
    case 'number':
      return numberKey(output);
    case 'latex':
      return mapped(gradeLatex(output, '').extracted, latexForm);
    case 'choice':
      return gradeChoice(output, '', options).extracted;
    case 'text':
      return mapped(gradeText(output, '').extracted, bareText);
    case 'pocket':
      return gradePocket(output, '').extracted;
    default:
      return unreachable(kind);
  }
}

function numberKey(output: string): string | null {
  const { value: found } = findNumber(output);
  if (found === null) return null;
  const { value, text } = found;
  return value === null ? latexForm(text) : `${value.numerator}/${value.denominator}`;
}

function mapped(text: string | null, form: (text: string) => string): string | null {
  return text === null ? null : form(text);
}

/**
 * The final answer of an output in one form: equal for outputs that say the same. It is read as for a
 * grade, but the right answer is not looked at.
 */
import { unreachable } from '../../core/invariant.ts';
import type { Question } from '../question.ts';
import { gradeChoice } from './choice.ts';
import { gradeLatex } from './latex.ts';
import { latexForm } from './latex-form.ts';
import { findNumber, readNumber } from './number.ts';
import { gradePocket } from './pocket.ts';
import type { Rational } from './rational.ts';
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
      return mapped(gradeLatex(output, '').extracted, formulaKey);
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
  return found.value === null ? latexForm(found.text) : valueKey(found.value);
}

/** Formulas of one value are compared by it, all others by their spelling. */
function formulaKey(formula: string): string {
  const number = readNumber(formula);
  return number === null ? latexForm(formula) : valueKey(number.value);
}

function valueKey({ numerator, denominator }: Rational): string {
  return `${numerator}/${denominator}`;
}

function mapped(text: string | null, form: (text: string) => string): string | null {
  return text === null ? null : form(text);
}

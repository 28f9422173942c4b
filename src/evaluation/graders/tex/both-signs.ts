/** Formulas with `\pm`. */
import { call, type Expression, type TexAnswer } from './expression.ts';
import { NotUnderstood } from './token-cursor.ts';

/** `1 \pm \sqrt5` stands for two values. */
export function bothSigns(answer: TexAnswer): readonly TexAnswer[] {
  if (answer.kind === 'named') {
    const inner = bothSigns(answer.answer);
    return inner.map((one) => ({ ...answer, answer: one }));
  }
  if (answer.kind !== 'value') return [answer];
  const count = signCount(answer.expression);
  if (count === 0) return [answer];
  if (count > 1) throw new NotUnderstood();
  return [false, true].map((isMinus) => ({
    ...answer,
    expression: withSign(answer.expression, isMinus),
    source: `${answer.source} (${isMinus ? '-' : '+'})`,
  }));
}

function signCount(expression: Expression): number {
  if (expression.kind !== 'call') return 0;
  const inner = expression.parts.reduce((sum, part) => sum + signCount(part), 0);
  return inner + (expression.name === '±' ? 1 : 0);
}

function withSign(expression: Expression, isMinus: boolean): Expression {
  if (expression.kind !== 'call') return expression;
  const parts = expression.parts.map((part) => withSign(part, isMinus));
  if (expression.name !== '±') return { ...expression, parts };
  return isMinus ? call('-', ...parts) : call('+', ...parts);
}

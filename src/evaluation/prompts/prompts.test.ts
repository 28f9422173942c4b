import { describe, expect, it } from 'vitest';
import { grade } from '../graders/grade.ts';
import type { Question } from '../question.ts';
import { PROMPTS, promptMessages } from './prompts.ts';

const NUMBER = { text: 'What is 1 + 1?', kind: 'number' } as const;
const CHOICE = { text: 'Which is it?', kind: 'choice', options: ['Rome', 'Paris'] } as const;
const YES_NO = { text: 'Is it so?', kind: 'choice', options: ['Yes', 'No'] } as const;
const WORKED: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};
const QUESTIONS = [
  NUMBER,
  CHOICE,
  YES_NO,
  { text: 'What is $\\pi$?', kind: 'latex' } as const,
  { text: 'Who was it?', kind: 'text' } as const,
  { text: 'Ana has 1 cup.', kind: 'pocket' } as const,
];

function contentOf(question: Pick<Question, 'text' | 'kind' | 'options'>, name?: string): string {
  const messages = promptMessages(question, name);
  return messages.at(-1)?.content ?? '';
}

describe('prompts', () => {
  it('begin with the question, word for word', () => {
    for (const question of QUESTIONS) {
      for (const { name } of PROMPTS.filter(({ fits }) => fits(question))) {
        expect(contentOf(question, name).startsWith(question.text), name).toBe(true);
      }
    }
  });

  it('each suit some question, and have unique names', () => {
    expect(new Set(PROMPTS.map(({ name }) => name)).size).toBe(PROMPTS.length);
    for (const { fits } of PROMPTS) expect(QUESTIONS.some(fits)).toBe(true);
  });

  it.each([
    ['steps', 'The answer is 18.'],
    ['boxed', '\\boxed{18}'],
    ['hash', '#### 18'],
  ])('%s asks for a form that its grader reads', (name, output) => {
    const [form = ''] = /The answer is N\.|\\boxed\{\}|"#### "/.exec(contentOf(NUMBER, name)) ?? [];
    expect(form).not.toBe('');
    expect(grade(`${output} 7 is not it.`, { kind: 'number', answer: '18' }).isRight).toBe(true);
  });

  it('show examples in the form that their grader expects', () => {
    const shown = promptMessages(NUMBER, 'examples');
    expect(shown.map(({ role }) => role).join()).toBe(`${'user,assistant,'.repeat(5)}user`);
    for (const { content } of shown.filter(({ role }) => role === 'assistant')) {
      const sums = [...content.matchAll(/(\d+) ([-+*/]) (\d+) = (\d+)/g)];
      expect(sums.length).toBeGreaterThan(0);
      for (const [, a, sign = '', b, result] of sums) {
        expect(WORKED[sign]?.(Number(a), Number(b)), content).toBe(Number(result));
      }
      const answer = sums.at(-1)?.[4] ?? '';
      expect(grade(content, { kind: 'number', answer }).isRight, content).toBe(true);
    }
  });

  it('list the options with their letters', () => {
    expect(contentOf(CHOICE)).toContain('(A) Rome\n(B) Paris\n');
    expect(contentOf(YES_NO, 'yes-no')).not.toContain('(A)');
  });

  it('add nothing to pocket problems', () => {
    expect(promptMessages({ text: 'Ana has 1 cup.', kind: 'pocket' })).toEqual([
      { role: 'user', content: 'Ana has 1 cup.' },
    ]);
  });

  it.each([
    [NUMBER, 'letter', 'Use one of steps, boxed, hash, examples, bare.'],
    [CHOICE, 'yes-no', 'Use one of letter, bare.'],
    [NUMBER, 'nonsense', 'Use one of steps, boxed, hash, examples, bare.'],
  ])('that do not fit are refused: %o, %s', (question, name, remedy) => {
    expect(() => promptMessages(question, name)).toThrow(
      expect.objectContaining({ code: 'option-invalid', remedy }),
    );
  });
});

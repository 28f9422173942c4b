import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as phrases from './phrases.ts';
import {
  type PocketOptions,
  type PocketProblem,
  type PocketSplit,
  pocketProblem,
} from './problem.ts';

const SPLITS: readonly PocketSplit[] = ['train', 'test', 'templates', 'numbers'];

function problems(options: Partial<PocketOptions>, count = 200): readonly PocketProblem[] {
  return Array.from({ length: count }, (_, index) =>
    pocketProblem({ split: 'train', seed: 5, ...options }, index),
  );
}

const anyProblem = fc
  .record({
    split: fc.constantFrom(...SPLITS),
    seed: fc.integer({ min: 0, max: 1e6 }),
    index: fc.integer({ min: 0, max: 1e6 }),
    counts: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
    numberMax: fc.integer({ min: 41, max: 200 }),
  })
  .map(({ counts, index, ...rest }) => {
    const options = {
      ...rest,
      operationCountMin: Math.min(...counts),
      operationCountMax: Math.max(...counts),
    };
    return { options, index, problem: pocketProblem(options, index) };
  });

interface Equation {
  readonly left: number;
  readonly sign: string;
  readonly right: number;
  readonly result: number;
}

function equations(step: string): readonly Equation[] {
  const found = [...step.matchAll(/(\d+) ([-+*/]) (\d+) = (\d+)/g)];
  return found.map(([, left, sign, right, result]) => ({
    left: Number(left),
    sign: sign ?? '',
    right: Number(right),
    result: Number(result),
  }));
}

function computed({ left, sign, right }: Equation): number {
  switch (sign) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    default:
      return left / right;
  }
}

function numbersOf(text: string): readonly number[] {
  return [...text.matchAll(/\d+/g)].map(([digits]) => Number(digits));
}

/** A pattern that matches the phrase with any values for its braces. */
function patternOf(phrase: string): RegExp {
  const escaped = phrase.replace(/[.?]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\{[nk]\}/g, '\\d+').replace(/\{\w\}/g, '[A-Za-z]+')}$`);
}

function sentencesOf(question: string): readonly string[] {
  return question.split(/(?<=[.?]) /);
}

describe('a pocket problem', () => {
  it('has correct steps: each continues from the one before, and the last is the answer', () => {
    fc.assert(
      fc.property(anyProblem, ({ problem }) => {
        let count = numbersOf(problem.question)[0];
        for (const step of problem.steps) {
          const all = equations(step);
          expect(all.length).toBeGreaterThan(0);
          for (const equation of all) expect(computed(equation)).toBe(equation.result);
          expect(all.at(-1)?.left).toBe(count);
          count = all.at(-1)?.result;
        }
        expect(problem.answer).toBe(count);
      }),
    );
  });

  it('states every number that its steps need, except the results of steps', () => {
    fc.assert(
      fc.property(anyProblem, ({ problem: { question, steps } }) => {
        const told = numbersOf(question);
        for (const step of steps) {
          const [first, ...rest] = equations(step);
          const halves = first?.right === 2 && /half/i.test(question);
          if (!halves) expect(told).toContain(first?.right);
          // "The friends give n * k": both numbers are stated; the next step adds the result.
          if (rest.length > 0) expect(told).toContain(first?.left);
        }
      }),
    );
  });

  it('has the requested number of operations, and no number above the limit', () => {
    fc.assert(
      fc.property(anyProblem, ({ options, problem }) => {
        expect(problem.operations.length).toBeGreaterThanOrEqual(options.operationCountMin);
        expect(problem.operations.length).toBeLessThanOrEqual(options.operationCountMax);
        expect(problem.steps).toHaveLength(problem.operations.length);
        const all = [problem.question, ...problem.steps].flatMap(numbersOf);
        expect(Math.max(...all)).toBeLessThanOrEqual(options.numberMax);
        expect(problem.answer).toBeGreaterThan(0);
      }),
    );
  });

  it('is the same for the same split, seed and index, and differs otherwise', () => {
    expect(problems({})).toEqual(problems({}));
    const first = new Set(problems({}).map(({ question }) => question));
    const others = problems({ seed: 6 }).filter(({ question }) => first.has(question));
    expect(others).toEqual([]);
    expect(first.size).toBe(200);
  });

  it('uses every operation and phrasing', () => {
    const many = problems({ operationCountMin: 1, operationCountMax: 5 }, 2000);
    expect(new Set(many.flatMap(({ operations }) => operations)).size).toBe(7);
    const said = new Set(many.flatMap(({ question }) => sentencesOf(question)));
    const train = [phrases.OPENING, phrases.ADD, phrases.FRIENDS, phrases.IRRELEVANT];
    for (const phrase of train.flatMap((kind) => kind.train)) {
      expect([...said].some((sentence) => patternOf(phrase).test(sentence))).toBe(true);
    }
  });
});

describe('the splits', () => {
  it('have no problem in common with the training one', () => {
    const train = new Set(problems({}, 3000).map(({ question }) => question));
    for (const split of SPLITS.slice(1)) {
      const common = problems({ split }, 500).filter(({ question }) => train.has(question));
      expect(common).toEqual([]);
    }
  });

  it('depend on the text alone, so that no other seed brings a test problem into training', () => {
    // The easiest problems are so few that seeds share some.
    const easy = { operationCountMin: 1, operationCountMax: 1 };
    const train = problems({ ...easy, seed: 1 }, 4000).map(({ question }) => question);
    const again = problems({ ...easy, seed: 2 }, 4000).map(({ question }) => question);
    const test = problems({ ...easy, seed: 3, split: 'test' }, 4000);
    const seen = new Set([...train, ...again]);
    expect(seen.size).toBeLessThan(8000);
    expect(test.filter(({ question }) => seen.has(question))).toEqual([]);
  });

  it('use held-out templates only in their own split, and only those there', () => {
    const heldOut = [
      ...[phrases.OPENING, phrases.ADD, phrases.SUBTRACT, phrases.HALVE, phrases.MULTIPLY],
      ...[phrases.SHARE, phrases.PACK, phrases.FRIENDS, phrases.IRRELEVANT, phrases.QUESTION],
    ].flatMap((kind) => kind.heldOut.map(patternOf));
    const isHeldOut = (sentence: string): boolean => heldOut.some((p) => p.test(sentence));
    for (const { question } of problems({ split: 'templates' })) {
      expect(sentencesOf(question).every(isHeldOut)).toBe(true);
    }
    for (const { question } of problems({})) {
      expect(sentencesOf(question).some(isHeldOut)).toBe(false);
    }
  });

  it('begin with held-out numbers only in their own split, and only those there', () => {
    const first = (split: PocketSplit): Set<number | undefined> =>
      new Set(problems({ split }, 500).map(({ question }) => numbersOf(question)[0]));
    expect([...first('numbers')].sort()).toEqual([36, 37, 38, 39, 40]);
    for (const number of first('numbers')) expect(first('train')).not.toContain(number);
  });
});

describe('an impossible problem', () => {
  it.each([
    { operationCountMin: 0 },
    { operationCountMax: 6 },
    { operationCountMin: 4, operationCountMax: 2 },
    { numberMax: 40 },
    { numberMax: 1000 },
    { numberMax: 50.5 },
  ])('refuses %o', (options) => {
    expect(() => problems(options, 1)).toThrow(expect.objectContaining({ code: 'option-invalid' }));
  });
});

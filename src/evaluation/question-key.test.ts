import { describe, expect, it } from 'vitest';
import type { Question } from './question.ts';
import {
  checkCalibratedOn,
  checkOverlap,
  checkTrainedOn,
  questionKey,
  questionNumber,
} from './question-key.ts';

function key(text: string, options?: readonly string[]): string {
  return questionKey({ text, ...(options && { options }) });
}

describe('questions are the same', () => {
  it.each([
    ['How many has he?', 'how many  has\nHE'],
    ['She said: "Go!"', 'She said, ‘go’.'],
    ['It costs $80,000.', 'It costs $80000'],
    ['a well-known fact', 'a well known fact'],
    ['Janet’s ducks', "Janet's ducks"],
    ['one – two', 'one two'],
    ['Wait... then go!!', 'Wait… then go'],
    ['the 1990’s: room No.5', 'the 1990s, room No. 5'],
    ["f'(2)", 'f’(2)'],
    ["the dogs' (two) bones", 'the dogs (two) bones'],
  ])('%j and %j', (a, b) => {
    expect(key(a)).toBe(key(b));
  });
});

describe('questions differ', () => {
  it.each([
    ['What is 2.5?', 'What is 25?'],
    ['What is 5 - 3?', 'What is 5 + 3?'],
    ['Add (1,2)', 'Add (12)'],
    ['f(x) = x', 'f(x) = -x'],
    ['Ana has 3', 'Ana has 4'],
    ['resign', 're sign'],
    ['What is 5!?', 'What is 5?'],
    ['What is 5!!?', 'What is 5!?'],
    ["What is f'(2)?", 'What is f(2)?'],
    ["What is f''(2)?", "What is f'(2)?"],
    ["It is 5' high", 'It is 5 high'],
    ['.5 + 1', '5 + 1'],
    ['What is .5?', 'What is 5?'],
  ])('%j and %j', (a, b) => {
    expect(key(a)).not.toBe(key(b));
  });

  it('by their options', () => {
    expect(key('Which?', ['Rome', 'Paris'])).not.toBe(key('Which?', ['Rome', 'Oslo']));
    expect(key('Which?', ['Rome', 'Paris'])).toBe(key('which', ['rome', 'Paris.']));
  });
});

describe('overlap of training and evaluation', () => {
  const questions = (name: string, texts: readonly string[]): readonly Question[] =>
    texts.map((text, index) => ({
      id: `${name}/${index}`,
      text,
      messages: [],
      answer: '1',
      kind: 'number',
    }));

  it('is refused with the first three examples', () => {
    const training = questions('train', ['One?', 'Two?', 'Three?', 'Four?', 'Five?']);
    const evaluation = questions('test', ['six', 'FIVE', 'four', 'three', 'two']);
    const check = (): void => checkOverlap(training, evaluation);
    expect(check).toThrow(
      expect.objectContaining({
        code: 'data-overlap',
        message:
          '4 of 5 questions were trained on; test/1 is train/4: "FIVE"; test/2 is train/3: "four"; ' +
          'test/3 is train/2: "three".',
        fields: { commonCount: 4, evaluationCount: 5 },
      }),
    );
  });

  it.each([
    ['trained', checkTrainedOn],
    ['calibrated', checkCalibratedOn],
  ] as const)('with what a router was %s on is refused by name', (how, check) => {
    const evaluation = questions('test', ['One?', 'Two?', 'Three?', 'Four?', 'Five?']);
    const seen = new Set(questions('seen', ['five', 'ONE', 'two', 'Three']).map(questionNumber));
    const none = new Set<number>();
    const head = (own: ReadonlySet<number>, other: ReadonlySet<number>) => ({
      strategy: 'citer',
      ...(how === 'trained'
        ? { trainedOn: own, calibratedOn: other }
        : { trainedOn: other, calibratedOn: own }),
    });
    expect(() => check(head(seen, none), evaluation)).toThrow(
      expect.objectContaining({
        code: 'data-overlap',
        message: `The head of citer was ${how} on 4 of these 5 questions: test/0, test/1, test/2, ….`,
        fields: { commonCount: 4, evaluationCount: 5 },
      }),
    );
    check(head(none, seen), evaluation);
    check(head(seen, none), evaluation.slice(3, 4));
  });

  it('is none where all differ', () => {
    checkOverlap(questions('train', ['One?']), questions('test', ['One more?']));
    checkOverlap([], questions('test', ['One?']));
  });
});

import { describe, expect, it } from 'vitest';
import { stepControl, stepMethod } from '../../../test/evaluation/step-methods.ts';
import { required } from '../../core/invariant.ts';
import type { Method } from '../../strategy/method.ts';
import type { Question } from '../question.ts';
import { fullDesign, type SampleDesign } from '../screening/sample-design.ts';
import type { AnswerRecord } from './answer-record.ts';
import type { AnswerStore } from './answer-store.ts';
import type { EvaluationPoint } from './evaluation-point.ts';
import { recordedSteps } from './recorded-steps.ts';
import { stepAcceptance } from './step-acceptance.ts';

/** A step: its writer, its number of tokens, and the reward of its draft. */
type Step = readonly [origin: 's' | 'l', tokenCount: number, score: number | null];

/** The record of an answer of steps. A rejected draft leaves its work and its score. */
function recordOf(steps: readonly Step[]): AnswerRecord {
  const tokens = steps.flatMap(([origin, count, score]) => Array(count).fill({ origin, score }));
  let before = 0;
  const work = steps.map(([origin, count]) => {
    const one = {
      ...{ tokenCount: before, model: origin, purpose: 'draft' as const, rowCounts: [1] },
      ...{ outputRowCount: 1, reusedRowCount: 0, bytesUp: 0, bytesDown: 0 },
    };
    before += count;
    return one;
  });
  return {
    ...{ question: '', asked: '', strategy: 'steps', threshold: 0.5, seed: 0 },
    promptTokenCount: 1,
    tokenIds: tokens.map(() => 0),
    texts: tokens.map(() => 'x'),
    origins: tokens.map(({ origin }) => origin).join(''),
    scores: tokens.map(({ score }) => score),
    finishReason: 'end-of-generation',
    // The last event of a run may be work, too.
    work: [...work, { ...required(work[0], 'a step'), tokenCount: tokens.length }],
  };
}

function questions(answers: readonly (readonly Step[])[], difficulties: readonly string[] = []) {
  const asked = answers.map((_, index): Question => {
    const difficulty = difficulties[index];
    return {
      ...{ id: String(index), text: '', messages: [], answer: '', kind: 'text' },
      ...(difficulty === undefined ? {} : { difficulty }),
    };
  });
  const records = answers.map(recordOf);
  const store: Pick<AnswerStore, 'get'> = {
    get: (_point, { id }) => records[Number(id)] ?? null,
  };
  return { chosen: asked, store: store as AnswerStore };
}

const pointOf = (method: Method): EvaluationPoint => ({ method, threshold: 0.5, seed: 0 });

function acceptance(
  answers: readonly (readonly Step[])[],
  rest: {
    readonly difficulties?: readonly string[];
    readonly isRight?: readonly boolean[];
    readonly design?: SampleDesign;
  } = {},
) {
  const { design = fullDesign(answers.length), isRight = [], difficulties } = rest;
  const smallAlone = answers.map((_, index) => ({
    grade: { isRight: isRight[index] ?? true, extracted: null, why: '' },
  }));
  return stepAcceptance(
    [pointOf(stepMethod), pointOf(stepControl)],
    { ...questions(answers, difficulties), design },
    smallAlone,
  );
}

const counts = (groups: ReturnType<typeof acceptance>[number]['byPosition']) =>
  groups.map(({ name, judgedCount, acceptedShare }) => [name, judgedCount, acceptedShare]);

describe('recordedSteps', () => {
  it('takes the tokens between two places of work for a step', () => {
    const record = recordOf([
      ['s', 3, 0.9],
      ['l', 2, 0.1],
      ['s', 1, null],
    ]);
    expect(recordedSteps(record)).toEqual([
      { score: 0.9, isAccepted: true, position: 1 },
      { score: 0.1, isAccepted: false, position: 2 },
      { score: null, isAccepted: true, position: 'last' },
    ]);
  });

  it('tells two steps of one writer and one score apart', () => {
    const steps = recordedSteps(recordOf([...Array(3).fill(['s', 2, 0.7])]));
    expect(steps.map(({ position }) => position)).toEqual([1, 2, 'last']);
  });
});

describe('stepAcceptance', () => {
  it('counts accepted steps by position, with the last step of each answer apart', () => {
    const [steps, ...others] = acceptance([
      [
        ['s', 2, 0.9],
        ['l', 2, 0.2],
        ['s', 1, 0.8],
      ],
      [
        ['l', 1, 0.1],
        ['l', 1, 0.3],
      ],
      [['s', 4, 1]],
    ]);
    // A control judges nothing.
    expect(others).toEqual([]);
    expect(steps).toMatchObject({ strategy: 'steps', threshold: 0.5 });
    expect(counts(steps?.byPosition ?? [])).toEqual([
      ['1', 2, 0.5],
      ['2', 1, 0],
      ['last', 3, 2 / 3],
    ]);
    const [first, second] = steps?.byPosition ?? [];
    // Wilson: one of two, and none of one.
    expect(first?.low).toBeCloseTo(0.0945, 4);
    expect(first?.high).toBeCloseTo(0.9055, 4);
    expect(second).toMatchObject({ low: 0, high: expect.closeTo(0.7935, 4) });
  });

  it('leaves out steps that were not judged, and puts late steps together', () => {
    const judged = Array<Step>(11).fill(['s', 1, 0.9]);
    const [steps] = acceptance([[...judged, ['l', 1, 0.1], ['s', 5, null]]]);
    expect(counts(steps?.byPosition ?? [])).toEqual([
      ...['1', '2', '3', '4', '5', '6', '7', '8'].map((name) => [name, 1, 1]),
      ['9+', 4, 0.75],
    ]);
  });

  it('groups by the difficulty that questions have', () => {
    const accepted: readonly Step[] = [['s', 1, 0.9]];
    const rejected: readonly Step[] = [['l', 1, 0.1]];
    const [steps] = acceptance([accepted, rejected, accepted, rejected], {
      difficulties: ['10 operations', '2 operations', '2 operations', '2 operations'],
    });
    expect(counts(steps?.byDifficulty ?? [])).toEqual([
      ['2 operations', 3, 1 / 3],
      ['10 operations', 1, 1],
    ]);
  });

  it('groups by the small model alone where questions have none', () => {
    const [steps] = acceptance([[['s', 1, 0.9]], [['l', 1, 0.1]]], { isRight: [true, false] });
    expect(counts(steps?.byDifficulty ?? [])).toEqual([
      ['small alone right', 1, 1],
      ['small alone wrong', 1, 0],
    ]);
  });

  it('counts a question as often as the questions that it stands for', () => {
    const design = { ...fullDesign(2), weights: Float64Array.from([0.8, 0.2]) };
    const [steps] = acceptance([[['s', 1, 0.9]], [['l', 1, 0.1]]], { design });
    const [last] = steps?.byPosition ?? [];
    expect(last).toMatchObject({ name: 'last', judgedCount: 2, acceptedShare: 0.8 });
    // As precise as 1 / (0.64 + 0.04) = 1.47 steps of equal weight, so wider than for two.
    expect(last?.low).toBeLessThan(0.19);
  });
});

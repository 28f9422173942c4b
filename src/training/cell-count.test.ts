import { describe, expect, it } from 'vitest';
import { type TrainingSizes, trainingCellCount } from './cell-count.ts';
import { BRANCH_COUNT, FORK_POINT_COUNT } from './sequence-counts.ts';

const asked = (characterCount: number): TrainingSizes['questions'][number] => ({
  messages: [{ role: 'user', content: 'x'.repeat(characterCount) }],
});
const SHORT: TrainingSizes = { questions: [asked(10), asked(300)], maxTokens: 512, waveSize: 16 };

describe('cells for a training', () => {
  it('make room for a wave of answers, or for the forks and branches of labels', () => {
    expect(trainingCellCount(SHORT)).toBe(17 * 1024);
    expect(trainingCellCount({ ...SHORT, waveSize: 40 })).toBe(41 * 1024);
    expect(trainingCellCount({ ...SHORT, waveSize: 1 })).toBe(BRANCH_COUNT * 1024);
    const long = { ...SHORT, waveSize: 1, maxTokens: 1024 };
    expect(trainingCellCount(long)).toBe(FORK_POINT_COUNT * 1536 + BRANCH_COUNT * 1024);
    expect(trainingCellCount({ ...SHORT, questions: [], waveSize: 1, maxTokens: 4 })).toBe(
      BRANCH_COUNT * 516,
    );
  });

  it('grow with the prompts, up to the cells of short prompts in all sequences', () => {
    const questions = [asked(100), asked(3000)];
    expect(trainingCellCount({ ...SHORT, questions })).toBe(17 * 2012);
    expect(trainingCellCount({ ...SHORT, questions, waveSize: 1 })).toBe(25 * 1024);
  });

  it('are enough for one context, and never more than one context a sequence', () => {
    const contextLength = 600;
    expect(trainingCellCount({ ...SHORT, contextLength })).toBe(
      FORK_POINT_COUNT * contextLength + BRANCH_COUNT * 512,
    );
    expect(trainingCellCount({ ...SHORT, contextLength: 50_000 })).toBe(50_000);
    expect(trainingCellCount({ ...SHORT, contextLength: 100 })).toBe(4096);
  });
});

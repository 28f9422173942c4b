import { describe, expect, it } from 'vitest';
import { required } from '../../core/invariant.ts';
import { modelsById } from '../../core/model-id.ts';
import { entropyMethod } from '../../strategy/entropy.ts';
import type { Method } from '../../strategy/method.ts';
import { randomStepMethod } from '../../strategy/random-step.ts';
import { RSD_METHODS } from '../../strategy/rsd.ts';
import type { Question } from '../question.ts';
import { fullDesign } from '../screening/sample-design.ts';
import type { AnswerRecord } from './answer-record.ts';
import type { EvaluatedModel } from './evaluation-pair.ts';
import type { EvaluationPoint } from './evaluation-point.ts';
import { measuredShare } from './measured-share.ts';
import type { RecordedWork } from './work-record.ts';

const model = (name: string, body: number): EvaluatedModel => ({
  ...{ name, digest: name, parameterCounts: { body, outputHead: 0 } },
  ...{ weightBytes: 1, kvBytesPerToken: 1, rowCountMax: 8 },
});
const facts = {
  ...modelsById({ small: model('tiny', 1), large: model('huge', 4) }),
  ...{ maxTokens: 9, contextLength: 64, profiles: [] },
};

function work(model: string, purpose: RecordedWork['purpose'], outputRowCount: number) {
  return {
    ...{ tokenCount: 0, model, purpose, rowCounts: [outputRowCount], outputRowCount },
    ...{ reusedRowCount: 0, bytesUp: 0, bytesDown: 0 },
  };
}

/** Ten tokens; of a step method, the small model drafts all and the large one reads them. */
const RECORDS: Readonly<Record<string, readonly [origins: string, work: readonly RecordedWork[]]>> =
  {
    small: ['ssssssssss', [work('tiny', 'draft', 10)]],
    large: ['llllllllll', [work('huge', 'correct', 10)]],
    entropy: ['lsssssssss', [work('tiny', 'draft', 10), work('huge', 'correct', 1)]],
    'random-step': ['llllssssss', [work('tiny', 'draft', 6), work('huge', 'correct', 4)]],
    'rsd-large-likelihood': [
      'llllssssss',
      [work('tiny', 'draft', 10), work('huge', 'reward', 10), work('huge', 'correct', 4)],
    ],
  };

function recordOf({ method, threshold, seed }: EvaluationPoint): AnswerRecord | null {
  const found = RECORDS[method.name];
  if (found === undefined) return null;
  const [origins, done] = found;
  return {
    ...{ question: 'q', asked: '', strategy: method.name, threshold, seed, promptTokenCount: 1 },
    ...{ tokenIds: Array(10).fill(0), texts: Array(10).fill('x'), origins, scores: null },
    ...{ finishReason: 'end-of-generation', work: done },
  };
}

const question: Question = { id: 'q', text: '', messages: [], answer: '', kind: 'text' };

function shareOf(method: Method): number {
  const answered = { store: { get: recordOf }, chosen: [question], design: fullDesign(1), facts };
  return measuredShare({ method, threshold: 0.5, seed: 0 }, answered);
}

describe('the measured share of a point', () => {
  it('is the large share of tokens where methods are compared by it', () => {
    expect(shareOf(entropyMethod)).toBe(0.1);
  });

  it('is the way from the small model to the large one in written FLOPs for methods of steps', () => {
    const reading = required(
      RSD_METHODS.find(({ name }) => name === 'rsd-large-likelihood'),
      'the program has it',
    );
    // Written: small 10, large 40. The coin 6 + 16; the reward 10 + 16, without the rows it scored.
    expect(shareOf(randomStepMethod)).toBeCloseTo(12 / 30, 12);
    expect(shareOf(reading)).toBeCloseTo(16 / 30, 12);
  });
});

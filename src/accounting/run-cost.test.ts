import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  EngineEvent,
  ModelCost,
  ModelCostFacts,
  Origin,
  StartEvent,
  SummaryEvent,
  TokenEvent,
  WorkEvent,
  WorkPurpose,
} from '../core/events.ts';
import { labelledModel, modelsById } from '../core/model-id.ts';
import { GREEDY } from '../core/sampling-params.ts';
import { tokenId } from '../core/token-id.ts';
import { foldRunCost, RunCostFold } from './run-cost.ts';

/** A log from before written FLOPs were counted. */
const EARLIER_LOG = new URL('../../test/fixtures/version-2/run-log.jsonl', import.meta.url);

const SMALL: ModelCostFacts = {
  name: 'tiny',
  parameterCounts: { body: 10, outputHead: 3 },
  weightBytes: 7,
  kvBytesPerToken: 1,
  prefillChunkRowCount: 4,
  prices: null,
};
const LARGE: ModelCostFacts = {
  ...SMALL,
  name: 'huge',
  parameterCounts: { body: 100, outputHead: 20 },
  weightBytes: 70,
};
const REWARD: ModelCostFacts = {
  ...SMALL,
  name: 'prm',
  parameterCounts: { body: 50, outputHead: 1 },
  weightBytes: 30,
};

const START: StartEvent = {
  type: 'start',
  version: 2,
  ...modelsById({ small: SMALL, large: LARGE }),
  strategy: 'entropy',
  thresholds: { entropy: 1 },
  sampling: GREEDY,
  seed: 0,
  promptTokenCount: 6,
  maxTokens: 100,
  contextLength: 1000,
};

function token(index: number, origin: Origin, verified = false): TokenEvent {
  return {
    type: 'token',
    index,
    tokenId: tokenId(index),
    text: 'x',
    origin,
    verified,
    proposedTokenId: null,
    score: null,
    logprob: null,
    round: index,
    elapsedMs: index,
  };
}

function work(changes: Partial<WorkEvent>): WorkEvent {
  return {
    type: 'work',
    model: 'huge',
    purpose: 'correct',
    rowCounts: [1],
    outputRowCount: 1,
    reusedRowCount: 0,
    waitedMs: 0,
    computeMs: 0,
    bytesUp: 0,
    bytesDown: 0,
    ...changes,
  };
}

/** The work of the large model alone: the prompt in chunks, without its last token; then row by row. */
function largeOnly(start: StartEvent, tokenCount: number, reused = 0): EngineEvent[] {
  const rowCounts: number[] = [];
  const chunk = labelledModel(start, 'large').prefillChunkRowCount;
  for (let left = start.promptTokenCount - 1 - reused; left > 0; left -= chunk) {
    rowCounts.push(Math.min(left, chunk));
  }
  const prefill = work({
    purpose: 'prefill',
    rowCounts,
    outputRowCount: 0,
    reusedRowCount: reused,
  });
  const steps = Array.from({ length: tokenCount }, (_, index) => [work({}), token(index, 'large')]);
  return [start, ...(rowCounts.length + reused > 0 ? [prefill] : []), ...steps.flat()];
}

const GUIDED: StartEvent = {
  ...START,
  ...modelsById({ small: SMALL, large: LARGE, reward: REWARD }),
};

/** A pair and its reward model, with a prompt that is read in chunks of any size. */
const anyStart = fc
  .record({
    promptTokenCount: fc.integer({ min: 1, max: 50 }),
    prefillChunkRowCount: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ promptTokenCount, prefillChunkRowCount }) => ({
    ...START,
    ...modelsById({
      small: SMALL,
      large: { ...LARGE, prefillChunkRowCount },
      reward: REWARD,
    }),
    promptTokenCount,
  }));

const PURPOSES: readonly WorkPurpose[] = [
  ...(['prefill', 'draft', 'verify', 'route', 'reward', 'correct', 'catch-up'] as const),
];

const anyEvents: fc.Arbitrary<EngineEvent[]> = fc.array(
  fc.oneof(
    fc
      .tuple(fc.nat(), fc.constantFrom<Origin>('small', 'large', 'prompt-lookup'), fc.boolean())
      .map(([index, origin, verified]) => token(index, origin, verified)),
    fc
      .record({
        model: fc.constantFrom('tiny', 'huge', 'prm'),
        purpose: fc.constantFrom(...PURPOSES),
        rowCounts: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
        outputRowCount: fc.nat({ max: 9 }),
        reusedRowCount: fc.nat({ max: 60 }),
        waitedMs: fc.nat({ max: 100 }),
        computeMs: fc.double({ min: 0, max: 100, noNaN: true }),
        bytesUp: fc.nat({ max: 1000 }),
        bytesDown: fc.nat({ max: 1000 }),
      })
      .map(work),
  ),
  { maxLength: 30 },
);

describe('foldRunCost', () => {
  it('adds up a small example to the sums computed by hand', () => {
    const cost = foldRunCost(START, [
      START,
      work({ model: 'tiny', purpose: 'prefill', rowCounts: [4, 1], outputRowCount: 0 }),
      work({ model: 'tiny', purpose: 'draft', waitedMs: 1, computeMs: 2 }),
      token(0, 'small'),
      work({ model: 'tiny', purpose: 'draft', computeMs: 2, bytesUp: 5 }),
      work({ purpose: 'prefill', rowCounts: [4, 1], outputRowCount: 0, computeMs: 20 }),
      // The large model reads the token that it missed together with the row of its call.
      work({ rowCounts: [2], waitedMs: 3, computeMs: 6, bytesDown: 9 }),
      token(1, 'large'),
      work({ purpose: 'verify', rowCounts: [3], outputRowCount: 3, computeMs: 7 }),
      token(2, 'prompt-lookup', true),
      token(3, 'large'),
    ]);
    expect(cost).toEqual({
      models: expect.anything(),
      tokenCount: 4,
      largeShare: 0.5,
      verifiedShare: 0.25,
      stepCount: null,
      rejectedShare: null,
      smallForwards: 4,
      largeForwards: 4,
      weightTrafficBytes: 4 * 7 + 4 * 70,
      // Two small drafts, a correction, and the token behind two verified drafts.
      writtenFlops: 2 * (2 * 13 + 2 * 120),
      // Two small and four large rows with outputs.
      generatedFlops: 2 * (2 * 13 + 4 * 120),
      // Small: 7 rows, 2 with outputs. Large: 10 rows, 4 with outputs.
      processedFlops: 2 * (7 * 10 + 2 * 3) + 2 * (10 * 100 + 4 * 20),
      // Alone: two prefill forwards of 5 rows together, then four forwards of one row.
      weightTrafficRatio: (4 * 7 + 4 * 70) / (6 * 70),
      writtenFlopsRatio: (2 * 13 + 2 * 120) / (4 * 120),
      generatedFlopsRatio: (2 * 13 + 4 * 120) / (4 * 120),
      processedFlopsRatio: (7 * 10 + 2 * 3 + 10 * 100 + 4 * 20) / (9 * 100 + 4 * 20),
      price: null,
      priceRatio: null,
      linkBytesUp: 5,
      reusedRowCount: 0,
      linkBytesDown: 9,
      computeMs: 37,
      waitedMs: 4,
    });
  });

  it('counts a reward model in every amount, and ratios to the large model alone', () => {
    const prices = { inputPerMillion: 1, outputPerMillion: 0 };
    const reward = { ...REWARD, prices };
    const start = { ...START, ...modelsById({ small: SMALL, large: LARGE, reward }) };
    const cost = foldRunCost(start, [
      work({ purpose: 'prefill', rowCounts: [4, 1], outputRowCount: 0 }),
      work({}),
      // It reads a text of its own, so the rows that its cache saved are no rows of the prompt.
      work({
        ...{ model: 'prm', purpose: 'reward', rowCounts: [8], outputRowCount: 2 },
        ...{ reusedRowCount: 40, bytesUp: 100, bytesDown: 8, computeMs: 5, waitedMs: 1 },
      }),
      token(0, 'large'),
    ]);
    expect(cost).toMatchObject({
      smallForwards: 0,
      largeForwards: 3,
      weightTrafficBytes: 3 * 70 + 30,
      writtenFlops: 2 * 120,
      generatedFlops: 2 * (120 + 2 * 51),
      processedFlops: 2 * (6 * 100 + 20 + 8 * 50 + 2),
      weightTrafficRatio: (3 * 70 + 30) / (3 * 70),
      price: 8 / 1e6,
      priceRatio: null,
      linkBytesUp: 100,
      linkBytesDown: 8,
      reusedRowCount: 0,
      computeMs: 5,
      waitedMs: 1,
    });
    expect(cost.models).toMatchObject({
      tiny: { forwardCount: 0, weightTrafficBytes: 0, price: null },
      huge: { forwardCount: 3, rowCount: 6, outputRowCount: 1, price: null },
      prm: {
        forwardCount: 1,
        rowCount: 8,
        writtenTokenCount: 0,
        reusedRowCount: 40,
        bytesUp: 100,
        price: 8 / 1e6,
      },
    });
  });

  it('counts no more saved rows than the prompt has, whatever a cache held of the answer', () => {
    const cost = foldRunCost(START, [
      work({ reusedRowCount: START.promptTokenCount + 7 }),
      token(0, 'large'),
    ]);
    expect(cost).toMatchObject({
      reusedRowCount: START.promptTokenCount - 1,
      // Alone, the large model would have read the last token of the prompt only.
      weightTrafficRatio: 1,
    });
  });

  it('counts drafts as written though they are discarded, and scored rows as generated alone', () => {
    const cost = foldRunCost(START, [
      // A step of three drafted tokens, which the large model reads, rejects and writes anew in two.
      ...[0, 1, 2].map(() => work({ model: 'tiny', purpose: 'draft' })),
      work({ purpose: 'reward', rowCounts: [3], outputRowCount: 3 }),
      work({}),
      work({}),
      token(0, 'large'),
      token(1, 'large'),
    ]);
    expect(cost).toMatchObject({
      writtenFlops: 2 * (3 * 13 + 2 * 120),
      generatedFlops: 2 * (3 * 13 + 5 * 120),
      writtenFlopsRatio: (3 * 13 + 2 * 120) / (2 * 120),
      generatedFlopsRatio: (3 * 13 + 5 * 120) / (2 * 120),
    });
    expect(cost.models).toMatchObject({
      tiny: { writtenTokenCount: 3 },
      huge: { writtenTokenCount: 2, outputRowCount: 5 },
    });
  });

  it('counts one written token for a verification, however many forwards it took', () => {
    const events = [
      work({ purpose: 'verify', rowCounts: [4, 4, 1], outputRowCount: 7 }),
      work({ purpose: 'verify', rowCounts: [4], outputRowCount: 0 }),
    ];
    expect(foldRunCost(START, events).models).toMatchObject({ huge: { writtenTokenCount: 1 } });
  });

  it('writes as much as it generates, less the rows of verifications and rewards', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const works = events.filter((event) => event.type === 'work');
        const scored = works.reduce((sum, { purpose, outputRowCount }) => {
          if (purpose === 'reward') return sum + outputRowCount;
          return sum + (purpose === 'verify' ? Math.max(0, outputRowCount - 1) : 0);
        }, 0);
        const models = Object.values(foldRunCost(GUIDED, events).models);
        const total = (amount: 'writtenTokenCount' | 'outputRowCount'): number =>
          models.reduce((sum, model) => sum + model[amount], 0);
        expect(total('writtenTokenCount')).toBe(total('outputRowCount') - scored);
      }),
    );
  });

  it('counts the steps that the large model wrote, of a strategy that decides about steps', () => {
    const events = ['small', 'small', 'large', 'small', 'large', 'large'].map((origin, index) => {
      return { ...token(index, origin as Origin), round: [0, 0, 1, 2, 3, 3][index] ?? 0 };
    });
    const steps: StartEvent = { ...START, unit: 'step' };
    expect(foldRunCost(steps, events)).toMatchObject({ stepCount: 4, rejectedShare: 0.5 });
    expect(foldRunCost(steps, [])).toMatchObject({ stepCount: 0, rejectedShare: 0 });
    expect(foldRunCost({ ...START, unit: 'token' }, events)).toMatchObject({
      stepCount: null,
      rejectedShare: null,
    });
  });

  it('refuses work of a model that the run does not name', () => {
    expect(() => foldRunCost(START, [work({ model: 'prm' })])).toThrow('prm is a model of the run');
  });

  it('is the sum of its models, for any events', () => {
    fc.assert(
      fc.property(anyStart, anyEvents, (start, events) => {
        const { models, ...cost } = foldRunCost(start, events);
        const sum = (amount: Exclude<keyof ModelCost, 'price' | 'billed'>): number =>
          Object.values(models).reduce((total, model) => total + model[amount], 0);
        expect(cost).toMatchObject({
          weightTrafficBytes: sum('weightTrafficBytes'),
          writtenFlops: sum('writtenFlops'),
          generatedFlops: sum('generatedFlops'),
          processedFlops: sum('processedFlops'),
          linkBytesUp: sum('bytesUp'),
          linkBytesDown: sum('bytesDown'),
          computeMs: sum('computeMs'),
          waitedMs: sum('waitedMs'),
        });
        expect(cost.smallForwards).toBe(models['tiny']?.forwardCount);
        expect(cost.largeForwards).toBe(models['huge']?.forwardCount);
      }),
    );
  });

  it('gives ratios of exactly 1 for the large model alone', () => {
    fc.assert(
      fc.property(anyStart, fc.nat({ max: 40 }), fc.nat({ max: 49 }), (start, tokenCount, most) => {
        fc.pre(tokenCount > 0);
        const reused = Math.min(most, start.promptTokenCount - 1);
        const cost = foldRunCost(start, largeOnly(start, tokenCount, reused));
        expect(cost.reusedRowCount).toBe(reused);
        expect(cost.weightTrafficRatio).toBe(1);
        expect(cost.writtenFlopsRatio).toBe(1);
        expect(cost.generatedFlopsRatio).toBe(1);
        expect(cost.processedFlopsRatio).toBe(1);
        expect(cost.largeShare).toBe(1);
      }),
    );
  });

  it('credits the large model alone with the rows that a prefix cache saved either model', () => {
    const events = (small: number, large: number): EngineEvent[] => [
      work({ model: 'tiny', purpose: 'prefill', rowCounts: [5 - small], reusedRowCount: small }),
      work({ purpose: 'prefill', rowCounts: [5 - large], reusedRowCount: large }),
      token(0, 'large'),
    ];
    for (const [small, large, alone] of [
      [0, 0, 6],
      [4, 0, 2],
      [0, 4, 2],
      [5, 4, 1],
    ] as const) {
      const cost = foldRunCost(START, events(small, large));
      expect(cost.reusedRowCount).toBe(Math.max(small, large));
      const own = (5 - small) * 10 + (5 - large) * 100 + 3 + 20;
      expect(cost.processedFlopsRatio).toBeCloseTo(own / (alone * 100 + 20), 12);
    }
  });

  it('counts no row twice if more rows were reused than the prompt has', () => {
    const cost = foldRunCost(START, [work({ reusedRowCount: 99 }), token(0, 'large')]);
    expect(cost.processedFlopsRatio).toBe(1);
  });

  it('prices rows and outputs, and counts nothing for a model without prices', () => {
    const large = { ...LARGE, prices: { inputPerMillion: 2, outputPerMillion: 10 } };
    const events = [
      work({ model: 'tiny', rowCounts: [7], outputRowCount: 1 }),
      work({ rowCounts: [10, 1], outputRowCount: 2 }),
      token(0, 'large'),
    ];
    const { price, priceRatio } = foldRunCost(
      { ...START, ...modelsById({ small: SMALL, large }) },
      events,
    );
    expect(price).toBeCloseTo((11 * 2 + 2 * 10) / 1e6, 15);
    // Alone: the prompt's other 5 rows and one row with an output.
    expect(priceRatio).toBeCloseTo((11 * 2 + 2 * 10) / (6 * 2 + 10), 12);
    const free = { ...SMALL, prices: { inputPerMillion: 0, outputPerMillion: 0 } };
    const start = { ...START, ...modelsById({ small: free, large: LARGE }) };
    expect(foldRunCost(start, events).price).toBe(0);
  });

  it('has no ratios without facts of a large model', () => {
    const start: StartEvent = { ...START, ...modelsById({ small: SMALL }) };
    const cost = foldRunCost(start, [work({ model: 'tiny' }), token(0, 'small')]);
    expect(cost).toMatchObject({
      weightTrafficRatio: null,
      writtenFlopsRatio: null,
      generatedFlopsRatio: null,
      processedFlopsRatio: null,
      weightTrafficBytes: 7,
      writtenFlops: 26,
      generatedFlops: 26,
      processedFlops: 26,
    });
  });

  it('compares with a large model that is known but not loaded', () => {
    const cost = foldRunCost({ ...START, promptTokenCount: 1 }, [
      work({ model: 'tiny' }),
      token(0, 'small'),
    ]);
    expect(cost.weightTrafficRatio).toBeCloseTo(7 / 70, 12);
    expect(cost.generatedFlopsRatio).toBeCloseTo(13 / 120, 12);
  });

  it('has shares of 0 and no NaN among its ratios before the first token', () => {
    const empty = foldRunCost({ ...START, promptTokenCount: 1 }, []);
    expect(empty).toMatchObject({
      tokenCount: 0,
      largeShare: 0,
      verifiedShare: 0,
      weightTrafficRatio: null,
      writtenFlopsRatio: null,
      generatedFlopsRatio: null,
      processedFlopsRatio: null,
    });
    const prefilled = foldRunCost(START, [work({ model: 'tiny', outputRowCount: 0 })]);
    expect(prefilled.weightTrafficRatio).toBeCloseTo(7 / 140, 12);
    expect(prefilled.generatedFlopsRatio).toBeNull();
  });

  it('is the same for a log that was written as JSON lines and read back', () => {
    fc.assert(
      fc.property(anyStart, anyEvents, (start, events) => {
        const lines = [start, ...events].map((event) => JSON.stringify(event)).join('\n');
        const read = lines.split('\n').map((line): EngineEvent => JSON.parse(line));
        const cost = foldRunCost(start, [start, ...events]);
        expect(foldRunCost(start, read)).toEqual(cost);
        // The summary is in the log too, but changes nothing.
        const summary: EngineEvent = {
          type: 'summary',
          text: '',
          ...cost,
          finishReason: 'token-limit',
          elapsedMs: 1,
          firstTokenMs: null,
          queuedMs: 0,
          notes: [],
        };
        expect(foldRunCost(start, [...read, JSON.parse(JSON.stringify(summary))])).toEqual(cost);
      }),
    );
  });

  it('counts written FLOPs of a log from before they were counted', () => {
    const lines = readFileSync(EARLIER_LOG, 'utf8').trimEnd().split('\n');
    const events = lines.map((line): EngineEvent => JSON.parse(line));
    const [start, summary] = [events[0], events.at(-1)] as [StartEvent, SummaryEvent];
    expect(summary).not.toHaveProperty('writtenFlops');
    const {
      models: _,
      writtenFlops,
      writtenFlopsRatio,
      stepCount,
      rejectedShare,
      ...cost
    } = foldRunCost(start, events);
    expect(summary).toMatchObject(cost);
    // A token gate writes every row that it asks for.
    expect([writtenFlops, writtenFlopsRatio]).toEqual([
      summary.generatedFlops,
      summary.generatedFlopsRatio,
    ]);
    expect([stepCount, rejectedShare]).toEqual([null, null]);
  });

  it('can be read at any time without changing later results', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const fold = new RunCostFold(GUIDED);
        for (const [index, event] of events.entries()) {
          fold.add(event);
          expect(fold.cost()).toEqual(foldRunCost(GUIDED, events.slice(0, index + 1)));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('depends neither on the order of events nor on the grouping of forwards', () => {
    const together = [work({ rowCounts: [4, 4, 2], outputRowCount: 1, computeMs: 30 })];
    const apart = [
      work({ rowCounts: [2], outputRowCount: 1, computeMs: 8 }),
      work({ rowCounts: [4], outputRowCount: 0, computeMs: 11 }),
      work({ rowCounts: [4], outputRowCount: 0, computeMs: 11 }),
    ];
    expect(foldRunCost(START, apart)).toEqual(foldRunCost(START, together));
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoggedModel } from '../accounting/logged-start.ts';
import type { LoggedToken, LoggedWork, RecordedRun } from '../accounting/run-log.ts';
import { modelsById } from '../core/model-id.ts';
import type { ForwardCosts, ForwardShape } from './forward-costs.ts';
import { type CostsById, predictRun } from './predict-run.ts';

/** Records every forward, so that tests can check its shape. */
function costs(ms: number, seen: ForwardShape[] = []): ForwardCosts {
  return {
    forwardMs: (shape) => {
      seen.push(shape);
      return ms * shape.rowCount + shape.outputRowCount / 10 + shape.cachedTokenCount / 1000;
    },
    overheadMs: 0.5,
    readingMs: { logprob: 1, uncertainty: 2, draw: 4 },
  };
}

const facts = (name: string, weightBytes: number): LoggedModel => ({
  name,
  parameterCounts: { body: 10, outputHead: 3 },
  weightBytes,
  kvBytesPerToken: 1,
  prefillChunkRowCount: 4,
});

const costsOf = (small: ForwardCosts, large: ForwardCosts): CostsById =>
  new Map([
    ['tiny', small],
    ['huge', large],
  ]);

const run = (
  events: RecordedRun['events'],
  changes: Partial<RecordedRun['start']> = {},
): RecordedRun => ({
  name: null,
  start: {
    ...modelsById({ small: facts('tiny', 7), large: facts('huge', 70) }),
    strategy: 'entropy',
    sampling: { temperature: 0 },
    promptTokenCount: 6,
    ...changes,
  },
  events,
  summary: null,
});

const work = (changes: Partial<LoggedWork>): LoggedWork => ({
  type: 'work',
  model: 'huge',
  purpose: 'correct',
  rowCounts: [1],
  outputRowCount: 1,
  computeMs: 3,
  reusedRowCount: 0,
  ...changes,
});

const token = (changes: Partial<LoggedToken> = {}): LoggedToken => ({
  type: 'token',
  origin: 'large',
  verified: false,
  logprob: null,
  ...changes,
});

const draft = work({ model: 'tiny', purpose: 'draft' });

describe('predictRun', () => {
  it('reconstructs the rows, outputs and cached tokens of every forward', () => {
    const [small, large]: [ForwardShape[], ForwardShape[]] = [[], []];
    const events = [
      work({ model: 'tiny', purpose: 'prefill', rowCounts: [4, 1], outputRowCount: 0 }),
      draft,
      token({ origin: 'small' }),
      draft,
      work({ purpose: 'prefill', rowCounts: [3], outputRowCount: 0, reusedRowCount: 2 }),
      work({ rowCounts: [2] }),
      token(),
      // Two drafts, then all three rows verified. A forward wider than its limit is split.
      draft,
      draft,
      work({ purpose: 'verify', rowCounts: [2, 2], outputRowCount: 3 }),
    ];
    predictRun(run(events), costsOf(costs(1, small), costs(10, large)));
    const shape = (rowCount: number, outputRowCount: number, cachedTokenCount: number) => ({
      rowCount,
      outputRowCount,
      cachedTokenCount,
    });
    expect(small).toEqual([
      shape(4, 0, 0),
      shape(1, 0, 4),
      shape(1, 1, 5),
      shape(1, 1, 6),
      shape(1, 1, 7),
      shape(1, 1, 8),
    ]);
    expect(large.slice(0, 2)).toEqual([shape(3, 0, 2), shape(2, 1, 5)]);
    // Eight tokens of text and two drafts: the large model reads the last of ten, four of them
    // unread.
    expect(large.slice(2, 4)).toEqual([shape(2, 1, 6), shape(2, 2, 8)]);
  });

  it('adds up forwards, their overhead and the reading of their rows', () => {
    const events = [
      draft,
      token({ origin: 'small', logprob: -1 }),
      draft,
      work({ rowCounts: [2] }),
      token(),
    ];
    const { parts, ms, recordedComputeMs } = predictRun(
      run(events, { sampling: { temperature: 1 }, promptTokenCount: 1 }),
      costsOf(costs(1), costs(10)),
      { readsLogits: true },
    );
    // Entropy and log-probability are read together. Both models draw.
    const drafts = 2 * (1 + 0.1 + 0.5 + 2 + 4) + 0.001;
    const corrections = 20 + 0.1 + 0.5 + 4;
    expect(parts).toEqual([
      {
        model: 'tiny',
        purpose: 'draft',
        forwardCount: 2,
        rowCount: 2,
        ms: expect.closeTo(drafts),
      },
      {
        model: 'huge',
        purpose: 'correct',
        forwardCount: 1,
        rowCount: 2,
        ms: expect.closeTo(corrections),
      },
    ]);
    expect(ms).toBeCloseTo(drafts + corrections, 9);
    expect(recordedComputeMs).toBe(9);
  });

  it('adds the forwards of other models, and compares with the large model alone', () => {
    const models = { small: facts('tiny', 7), large: facts('huge', 70), reward: facts('prm', 30) };
    const reward = work({ model: 'prm', purpose: 'reward', rowCounts: [3], reusedRowCount: 90 });
    const guided = run([draft, token({ origin: 'small' }), reward, work({}), token()], {
      ...modelsById(models),
      promptTokenCount: 1,
      sampling: { temperature: 1 },
    });
    const all = new Map([...costsOf(costs(1), costs(10)), ['prm', costs(5)]]);
    const { parts, ms, largeAloneMs } = predictRun(guided, all);
    // No token is drawn from the rows of a reward model.
    expect(parts.map(({ model }) => model)).toEqual(['tiny', 'prm', 'huge']);
    expect(parts[1]).toMatchObject({ purpose: 'reward', ms: expect.closeTo(15 + 0.1 + 0.5, 9) });
    const without = predictRun(guided, costsOf(costs(1), costs(10)));
    expect(ms - without.ms).toBeCloseTo(15.6, 9);
    // The rows that its cache saved are no rows of the prompt.
    expect(largeAloneMs).toBe(without.largeAloneMs);
    expect(largeAloneMs).toBeCloseTo(2 * (10 + 0.1 + 0.5 + 4) + 0.001, 9);
  });

  it('gives a run of the large model alone the time of the large model alone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 0, max: 20 }),
        fc.constantFrom(0, 1),
        fc.constantFrom(0, 25),
        (promptTokenCount, tokenCount, temperature, roundTripMs) => {
          const rowCounts: number[] = [];
          for (let left = promptTokenCount - 1; left > 0; left -= 4)
            rowCounts.push(Math.min(4, left));
          const prefill = work({ purpose: 'prefill', rowCounts, outputRowCount: 0 });
          const tokens = Array.from({ length: tokenCount }, () => [work({}), token()]).flat();
          const recorded = run([prefill, ...tokens], {
            promptTokenCount,
            sampling: { temperature },
          });
          const predicted = predictRun(recorded, new Map([['huge', costs(10)]]), {
            roundTripMs: tokenCount === 0 ? 0 : roundTripMs,
          });
          expect(predicted.ms).toBeCloseTo(predicted.largeAloneMs ?? Number.NaN, 6);
        },
      ),
    );
  });

  it('credits the large model alone with the rows that the run found in the cache', () => {
    const read = (reusedRowCount: number, rowCounts: readonly number[]) =>
      work({ purpose: 'prefill', rowCounts, outputRowCount: 0, reusedRowCount });
    const alone = (...events: RecordedRun['events']): number =>
      predictRun(run(events), costsOf(costs(1), costs(10))).largeAloneMs ?? 0;
    // Five rows of prompt in two forwards; three rows in one forward, after the two cached ones.
    expect(alone(read(0, [4, 1]))).toBeCloseTo(50 + 0.004 + 2 * 0.5, 9);
    expect(alone(read(2, [3]))).toBeCloseTo(30 + 0.002 + 0.5, 9);
    expect(alone({ ...read(2, [3]), model: 'tiny' })).toBeCloseTo(30 + 0.002 + 0.5, 9);
    expect(alone(read(5, []))).toBe(0);
  });

  it('waits for the network once per call, but not while the large model goes on', () => {
    const routing = [draft, work({}), token(), draft, work({ rowCounts: [2] }), token()];
    const speculation = [work({ purpose: 'verify', rowCounts: [3], outputRowCount: 3 }), token()];
    const networkMs = (events: RecordedRun['events']): number =>
      predictRun(run(events), costsOf(costs(1), costs(10)), { roundTripMs: 20 }).networkMs;
    expect(networkMs(routing)).toBe(40);
    expect(networkMs([...speculation, ...speculation])).toBe(40);
    expect(networkMs([work({}), token(), work({}), token(), work({}), token()])).toBe(20);
    expect(networkMs([draft, token({ origin: 'small' })])).toBe(0);
    expect(networkMs([work({ purpose: 'prefill', outputRowCount: 0 })])).toBe(0);
  });

  it('makes no comparison if the large model is unknown', () => {
    const { largeAloneMs, ms } = predictRun(
      run([draft, token({ origin: 'small' })]),
      new Map([['tiny', costs(1)]]),
    );
    expect(largeAloneMs).toBeNull();
    expect(ms).toBeGreaterThan(0);
  });

  it('assumes that a model read log-probabilities if its tokens have them', () => {
    const events = (changes: Partial<LoggedToken>) => [draft, work({}), token(changes)];
    const ms = (changes: Partial<LoggedToken>): readonly number[] =>
      predictRun(run(events(changes)), costsOf(costs(1), costs(10))).parts.map(
        (part) => Math.round(part.ms * 10) / 10,
      );
    expect(ms({})).toEqual([1.6, 10.6]);
    expect(ms({ logprob: -1 })).toEqual([1.6, 11.6]);
    expect(ms({ origin: 'small', logprob: -1 })).toEqual([2.6, 10.6]);
    expect(ms({ origin: 'small', verified: true, logprob: -1 })).toEqual([1.6, 11.6]);
  });
});

import { describe, expect, it } from 'vitest';
import type { tokenId } from '../core/token-id.ts';
import type { Forward, ForwardRequest, LanguageModel, Sequence } from '../model/roles.ts';
import { MEASURED_ROW_COUNTS, measureCostCurve } from './measure-step-costs.ts';

interface Shape {
  readonly contextLength?: number;
  readonly rowCountMax?: number;
  /** Milliseconds of the n-th forward with so many rows (n from 0). */
  readonly msOf: (rowCount: number, n: number) => number;
}

/** A model that only takes time; it checks that nothing is fed that would not fit. */
class TimedModel implements LanguageModel {
  readonly facts;
  readonly vocabulary = {
    size: 50,
    tokenString: () => null,
    tokenBytes: () => new Uint8Array(0),
    isEndOfGeneration: () => false,
    endOfGenerationIds: () => new Set<ReturnType<typeof tokenId>>(),
    tokenize: () => [],
    renderChat: () => '',
  };
  sequenceCount = 0;
  countCachedTokens = async (): Promise<number> => 0;
  lengthMax = 0;
  readonly measuredAt = new Set<number>();
  readonly #msOf: Shape['msOf'];

  constructor({ contextLength = 4096, rowCountMax = 256, msOf }: Shape) {
    this.#msOf = msOf;
    this.facts = {
      name: 'timed',
      parameterCounts: { body: 1, outputHead: 1 },
      weightBytes: 1,
      hiddenSize: 1,
      contextLength,
      cellCount: contextLength,
      rowCountMax,
      sequenceCountMax: 1,
    };
  }

  openSequence(): Sequence {
    this.sequenceCount += 1;
    const counts = new Map<number, number>();
    let length = 0;
    const forward = async ({ tokens, outputFrom }: ForwardRequest): Promise<Forward> => {
      const rowCount = tokens.length;
      expect(rowCount).toBeGreaterThan(0);
      expect(rowCount).toBeLessThanOrEqual(this.facts.rowCountMax);
      expect(length + rowCount).toBeLessThanOrEqual(this.facts.contextLength);
      expect(outputFrom).toBe(0);
      for (const token of tokens) expect(token).toBeLessThan(this.vocabulary.size);
      const isPrefix = length === 0;
      if (!isPrefix) this.measuredAt.add(length);
      length += rowCount;
      this.lengthMax = Math.max(this.lengthMax, length);
      const n = counts.get(rowCount) ?? 0;
      if (!isPrefix) counts.set(rowCount, n + 1);
      return { rows: [], waitedMs: 0, computeMs: this.#msOf(rowCount, n) };
    };
    return {
      get length() {
        return length;
      },
      forward,
      truncate: async (to) => {
        expect(to).toBeLessThanOrEqual(length);
        length = to;
      },
      fork: () => Promise.reject(new Error('measuring forks nothing')),
      [Symbol.asyncDispose]: async () => {
        this.sequenceCount -= 1;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

describe('measureCostCurve', () => {
  it('measures every row count behind the same prefix, and gives its slot back', async () => {
    const model = new TimedModel({ msOf: (rowCount) => 10 + rowCount });
    const { points } = await measureCostCurve(model);
    expect(points).toEqual(
      MEASURED_ROW_COUNTS.map((rowCount) => ({ rowCount, ms: 10 + rowCount })),
    );
    expect(model.measuredAt.size).toBe(1);
    expect(model.sequenceCount).toBe(0);
  });

  it('does not count the first pass, which warms caches up', async () => {
    const model = new TimedModel({ msOf: (_rowCount, n) => (n === 0 ? 1 : 5) });
    for (const { ms } of (await measureCostCurve(model)).points) expect(ms).toBe(5);
  });

  it('takes the fastest: four busy moments of five do not matter', async () => {
    const msOf = (rowCount: number, n: number): number => (n === 3 ? rowCount : 999);
    const { points } = await measureCostCurve(new TimedModel({ msOf }));
    expect(points.map(({ ms }) => ms)).toEqual(MEASURED_ROW_COUNTS);
  });

  it('levels dips: more rows never cost less', async () => {
    const msOf = (rowCount: number): number => (rowCount === 4 || rowCount === 9 ? 1 : rowCount);
    const { points } = await measureCostCurve(new TimedModel({ msOf }));
    expect(points.map(({ ms }) => ms)).toEqual([1, 2, 3, 3, 5, 6, 8, 8]);
  });

  it.each([
    { contextLength: 2, rowCountMax: 2, measured: [1] },
    { contextLength: 10, rowCountMax: 10, measured: MEASURED_ROW_COUNTS },
    { contextLength: 64, rowCountMax: 64, measured: MEASURED_ROW_COUNTS },
    { contextLength: 4096, rowCountMax: 4, measured: [1, 2, 3, 4] },
  ])(
    'measures what fits in a context of $contextLength and a batch of $rowCountMax',
    async (small) => {
      const model = new TimedModel({ ...small, msOf: (rowCount) => rowCount });
      const { points } = await measureCostCurve(model);
      expect(points.map(({ rowCount }) => rowCount)).toEqual(small.measured);
    },
  );

  it('reports each pass', async () => {
    const model = new TimedModel({ msOf: () => 1 });
    const reports: string[] = [];
    const onProgress = ({
      label,
      done,
      total,
    }: {
      label: string;
      done: number;
      total: number | null;
    }) => reports.push(`${label} ${done}/${total}`);
    await measureCostCurve(model, { onProgress });
    expect(reports).toEqual(
      [1, 2, 3, 4, 5, 6].map((done) => `Measuring step costs of timed ${done}/6`),
    );
  });

  it('stops when it is told to, and gives its slot back', async () => {
    const controller = new AbortController();
    let forwardCount = 0;
    const msOf = (): number => {
      forwardCount += 1;
      if (forwardCount === 5) controller.abort();
      return 1;
    };
    const model = new TimedModel({ msOf });
    const measuring = measureCostCurve(model, { signal: controller.signal });
    await expect(measuring).rejects.toMatchObject({ code: 'aborted' });
    expect(forwardCount).toBe(5);
    expect(model.sequenceCount).toBe(0);
  });
});

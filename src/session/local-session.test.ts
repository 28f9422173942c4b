import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WorkEvent } from '../core/events.ts';
import { seedOfDraw } from '../core/noise.ts';
import { NOTHING_READ } from '../core/row-program.ts';
import { GREEDY, type SamplingParams } from '../core/sampling-params.ts';
import { type TokenId, tokenId, tokenIds } from '../core/token-id.ts';
import { soleLease } from '../kv-cache/lease.ts';
import type { Forward, ForwardRequest, Sequence } from '../model/roles.ts';
import { LocalSession } from './local-session.ts';
import type { RowsRequest } from './session.ts';
import { WorkRecorder } from './work-recorder.ts';

const END = 99;

/** The value of a model's row, which depends on every token up to and including it. */
function rowValue(prefix: readonly TokenId[]): number {
  return prefix.reduce((hash, token) => (hash * 31 + token + 1) % 1_000_003, 7);
}

interface Failure {
  /** The number of forwards that succeed before the failure. */
  readonly after: number;
  /**
   * The tokens of the failing forward that remain; where negative, the number of tokens to keep of all.
   */
  readonly keeps: number;
}

/** A sequence that holds tokens, checks its caller, and fails on demand. */
class FakeSequence implements Sequence {
  readonly held: TokenId[] = [];
  readonly calls: string[] = [];
  readonly textsGiven: (readonly TokenId[] | undefined)[] = [];
  readonly seedsGiven: number[] = [];
  failure: Failure | null = null;
  closedCount = 0;
  fedCount = 0;
  readonly #rowCountMax: number;

  constructor(rowCountMax: number) {
    this.#rowCountMax = rowCountMax;
  }

  get length(): number {
    return this.held.length;
  }

  async forward({ tokens, outputFrom, program }: ForwardRequest): Promise<Forward> {
    expect(this.closedCount).toBe(0);
    expect(tokens.length).toBeGreaterThan(0);
    expect(tokens.length).toBeLessThanOrEqual(this.#rowCountMax);
    expect(outputFrom).toBeGreaterThanOrEqual(0);
    expect(outputFrom).toBeLessThanOrEqual(tokens.length);
    this.calls.push(`[${tokens.join(' ')}] outputs ${tokens.length - outputFrom}`);
    this.textsGiven.push(program.text);
    this.seedsGiven.push(program.seed);
    // A caller that changes its array later must not change the cache.
    const fed = [...tokens];
    await Promise.resolve();
    if (this.failure !== null && this.failure.after === 0) this.#fail(fed, this.failure.keeps);
    if (this.failure !== null) this.failure = { ...this.failure, after: this.failure.after - 1 };
    this.held.push(...fed);
    this.fedCount += fed.length;
    const rows = fed.slice(outputFrom).map((_, row) => ({
      tokenId: tokenId(
        rowValue(this.held.slice(0, this.length - fed.length + outputFrom + row + 1)),
      ),
      ...NOTHING_READ,
    }));
    return { rows, waitedMs: 1, computeMs: fed.length };
  }

  #fail(tokens: readonly TokenId[], keeps: number): never {
    this.failure = null;
    if (keeps < 0) this.held.length = Math.min(this.length, -keeps - 1);
    else this.held.push(...tokens.slice(0, keeps));
    throw new Error('the forward failed');
  }

  async truncate(length: number): Promise<void> {
    expect(length).toBeGreaterThanOrEqual(0);
    expect(length).toBeLessThan(this.length);
    this.calls.push(`truncate ${length}`);
    this.held.length = length;
  }

  fork(): Promise<Sequence> {
    return Promise.reject(new Error('a lazy sequence forks nothing'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closedCount += 1;
  }
}

function bench(promptLength: number, rowCountMax = 8, sampling = GREEDY) {
  const fake = new FakeSequence(rowCountMax);
  const recorder = new WorkRecorder();
  const lazy = new LocalSession({
    modelId: 'huge',
    lease: soleLease({ huge: { openSequence: () => fake } }),
    ...{ promptLength, rowCountMax, recorder, contextLength: 512, remoteSessions: new Set() },
    sampling: { vocabularySize: 100, sampling, seed: 0 },
    isEndOfGeneration: (id) => id === END,
    tokenBytes: (id) => new TextEncoder().encode(`${id} `),
    signal: new AbortController().signal,
  });
  const rows = async (text: readonly number[], outputCount = 1): Promise<number[]> => {
    const results = await lazy.rows({ text: tokenIds(text), outputCount, purpose: 'verify' });
    return results.map(({ tokenId }) => tokenId);
  };
  return { fake, recorder, lazy, rows };
}

/** The model's rows after each of the last `outputCount` tokens. */
function expectedRows(text: readonly number[], outputCount: number): number[] {
  return Array.from({ length: outputCount }, (_, row) =>
    rowValue(tokenIds(text.slice(0, text.length - outputCount + row + 1))),
  );
}

const workOf = (events: readonly WorkEvent[]): string[] =>
  events.map(
    (event) => `${event.purpose} ${event.rowCounts.join('+')} out ${event.outputRowCount}`,
  );

describe('a local session', () => {
  it('prefills all but the last prompt token in chunks, then feeds that one alone', async () => {
    const { fake, recorder, rows } = bench(8, 3);
    const text = [1, 2, 3, 4, 5, 6, 7, 8];
    expect(await rows(text)).toEqual(expectedRows(text, 1));
    expect(fake.calls).toEqual([
      '[1 2 3] outputs 0',
      '[4 5 6] outputs 0',
      '[7] outputs 0',
      '[8] outputs 1',
    ]);
    expect(workOf(recorder.drain())).toEqual(['prefill 3+3+1 out 0', 'verify 1 out 1']);
  });

  it('prefills the same where it is first called after the prompt', async () => {
    const { fake, rows } = bench(4);
    expect(await rows([1, 2, 3, 4, 5, 6])).toEqual(expectedRows([1, 2, 3, 4, 5, 6], 1));
    expect(fake.calls).toEqual(['[1 2 3] outputs 0', '[4 5 6] outputs 1']);
  });

  it('reads the prompt with the first step where a reward reads it', async () => {
    const { fake, lazy, recorder } = bench(4, 5);
    const reward = async (text: readonly number[], outputCount: number): Promise<void> => {
      await lazy.rows({ text: tokenIds(text), outputCount, purpose: 'reward' });
    };
    await reward([1, 2, 3, 4, 5], 2);
    await reward([1, 2, 3, 4, 5, 6], 1);
    expect(fake.calls).toEqual(['[1 2 3 4 5] outputs 2', '[6] outputs 1']);
    expect(workOf(recorder.drain())).toEqual(['reward 5 out 2', 'reward 1 out 1']);
  });

  it('reads a prompt that is longer than a forward in chunks, the last one with the step', async () => {
    const { fake, lazy, recorder } = bench(7, 4);
    const text = tokenIds([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await lazy.rows({ text, outputCount: 2, purpose: 'reward' });
    expect(fake.calls).toEqual(['[1 2 3 4] outputs 0', '[5] outputs 0', '[6 7 8 9] outputs 2']);
    expect(workOf(recorder.drain())).toEqual(['prefill 4+1 out 0', 'reward 4 out 2']);
  });

  it('draws with the noise of the draw that is asked for, token by token too', async () => {
    const { fake, lazy } = bench(1);
    const text = tokenIds([1, 2]);
    await lazy.rows({ text, outputCount: 1, purpose: 'draft' });
    const until = { tokenCountMax: 2 };
    for await (const _ of lazy.write({ text, until, purpose: 'draft', draw: 3 }));
    expect(fake.seedsGiven.slice(-3)).toEqual([0, seedOfDraw(0, 3), seedOfDraw(0, 3)]);
  });

  it('has nothing to prefill for a prompt of one token', async () => {
    const { fake, rows } = bench(1);
    await rows([1]);
    expect(fake.calls).toEqual(['[1] outputs 1']);
  });

  it('feeds only the pending token', async () => {
    const { fake, rows } = bench(2);
    await rows([1, 2]);
    fake.calls.length = 0;
    expect(await rows([1, 2, 3])).toEqual(expectedRows([1, 2, 3], 1));
    expect(fake.calls).toEqual(['[3] outputs 1']);
  });

  it('catches up on missed tokens in the forward that gives the rows', async () => {
    const { fake, recorder, rows } = bench(2);
    await rows([1, 2]);
    fake.calls.length = 0;
    recorder.drain();
    expect(await rows([1, 2, 3, 4, 5, 6])).toEqual(expectedRows([1, 2, 3, 4, 5, 6], 1));
    expect(fake.calls).toEqual(['[3 4 5 6] outputs 1']);
    expect(workOf(recorder.drain())).toEqual(['verify 4 out 1']);
  });

  it('splits a catch-up that is longer than a forward, with its outputs in the last part', async () => {
    const { fake, recorder, rows } = bench(2, 3);
    await rows([1, 2]);
    fake.calls.length = 0;
    recorder.drain();
    const text = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    expect(await rows(text, 2)).toEqual(expectedRows(text, 2));
    expect(fake.calls).toEqual(['[3 4 5] outputs 0', '[6] outputs 0', '[7 8 9] outputs 2']);
    expect(workOf(recorder.drain())).toEqual(['catch-up 3+1 out 0', 'verify 3 out 2']);
  });

  it('gives a row after every draft, and cuts off the rejected drafts', async () => {
    const { fake, rows } = bench(2);
    const text = [1, 2, 11, 12, 13];
    expect(await rows(text, 4)).toEqual(expectedRows(text, 4));
    fake.calls.length = 0;
    expect(await rows([1, 2, 11, 20])).toEqual(expectedRows([1, 2, 11, 20], 1));
    expect(fake.calls).toEqual(['truncate 3', '[20] outputs 1']);
  });

  it('computes rows anew where the text is already in the cache', async () => {
    const { fake, rows } = bench(2);
    await rows([1, 2, 3, 4]);
    fake.calls.length = 0;
    expect(await rows([1, 2, 3, 4], 2)).toEqual(expectedRows([1, 2, 3, 4], 2));
    expect(fake.calls).toEqual(['truncate 2', '[3 4] outputs 2']);
  });

  it('continues from the tokens that the sequence kept of a failed forward', async () => {
    const { fake, lazy, rows } = bench(2);
    await rows([1, 2]);
    fake.failure = { after: 0, keeps: 2 };
    await expect(rows([1, 2, 3, 4, 5])).rejects.toThrow('the forward failed');
    expect(lazy.length).toBe(4);
    fake.calls.length = 0;
    expect(await rows([1, 2, 3, 4, 5])).toEqual(expectedRows([1, 2, 3, 4, 5], 1));
    expect(fake.calls).toEqual(['[5] outputs 1']);
  });

  it('starts over where a failure lost the whole cache', async () => {
    const { fake, lazy, rows } = bench(2);
    await rows([1, 2, 3]);
    fake.failure = { after: 0, keeps: -1 };
    await expect(rows([1, 2, 3, 4])).rejects.toThrow('the forward failed');
    expect(lazy.length).toBe(0);
    expect(await rows([1, 2, 3, 4])).toEqual(expectedRows([1, 2, 3, 4], 1));
    expect(fake.held).toEqual([1, 2, 3, 4]);
  });

  it('records the forwards of a prefill that failed half way', async () => {
    const { fake, recorder, rows } = bench(9, 2);
    fake.failure = { after: 2, keeps: 1 };
    await expect(rows([1, 2, 3, 4, 5, 6, 7, 8, 9])).rejects.toThrow('the forward failed');
    expect(recorder.drain()).toEqual([
      {
        type: 'work',
        model: 'huge',
        purpose: 'prefill',
        rowCounts: [2, 2],
        outputRowCount: 0,
        reusedRowCount: 0,
        waitedMs: 2,
        computeMs: 4,
        bytesUp: 0,
        bytesDown: 0,
      },
    ]);
  });

  it('gives a program the text where penalties or scores need it', async () => {
    const text = tokenIds([1, 2]);
    const scoredText = tokenIds([1, 2, 3]);
    const given = async (sampling: SamplingParams, asked: Partial<RowsRequest>) => {
      const { fake, lazy } = bench(1, 8, sampling);
      await lazy.rows({ text, outputCount: 1, purpose: 'route', ...asked });
      return fake.textsGiven.at(-1);
    };
    const penalised = { ...GREEDY, presencePenalty: 1 };
    const reads = { textLogprob: true };
    expect(await given(GREEDY, {})).toBeUndefined();
    expect(await given(penalised, {})).toEqual(text);
    expect(await given(GREEDY, { reads })).toEqual(text);
    expect(await given(GREEDY, { reads, scoredText })).toEqual(scoredText);
  });

  it('refuses more rows than the text has', async () => {
    const { rows } = bench(1);
    await expect(rows([1, 2], 0)).rejects.toThrow(/text of 2 has 0 rows/);
    await expect(rows([1, 2], 3)).rejects.toThrow(/text of 2 has 3 rows/);
  });

  it('closes its sequence', async () => {
    const { fake, lazy, rows } = bench(1);
    await rows([1]);
    await lazy[Symbol.asyncDispose]();
    expect(fake.closedCount).toBe(1);
    expect(lazy.length).toBe(0);
  });

  it('does not depend on arrays that the caller changes afterwards', async () => {
    const { fake, rows } = bench(1);
    const text = [1, 2, 3];
    await rows(text);
    text[1] = 9;
    expect(await rows(text)).toEqual(expectedRows([1, 9, 3], 1));
    expect(fake.held).toEqual([1, 9, 3]);
  });
});

interface Turn {
  /** Tokens that the other model has written since. */
  readonly missed: readonly number[];
  readonly drafts: readonly number[];
  readonly acceptedCount: number;
  /** The token that the target writes after the accepted drafts. */
  readonly next: number;
  readonly failure: Failure | null;
}

const anyToken = fc.nat({ max: 2 });
const anyTurn: fc.Arbitrary<Turn> = fc.record({
  missed: fc.array(anyToken, { maxLength: 12 }),
  drafts: fc.array(anyToken, { maxLength: 3 }),
  acceptedCount: fc.nat({ max: 3 }),
  next: anyToken,
  failure: fc.option(
    fc.record({ after: fc.nat({ max: 3 }), keeps: fc.integer({ min: -10, max: 4 }) }),
    { freq: 3 },
  ),
});

function commonLength(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((token, index) => token !== b[index]);
  return differs < 0 ? a.length : differs;
}

describe('a local session, after any series of texts', () => {
  it('holds exactly the text, computes the right rows, and feeds no token twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyToken, { minLength: 1, maxLength: 15 }),
        fc.integer({ min: 4, max: 7 }),
        fc.array(anyTurn, { maxLength: 15 }),
        async (prompt, rowCountMax, turns) => {
          const { fake, lazy, recorder, rows } = bench(prompt.length, rowCountMax);
          const committed = [...prompt];
          let [recorded, outputs] = [0, 0];
          for (const turn of turns) {
            committed.push(...turn.missed);
            const text = [...committed, ...turn.drafts];
            const outputCount = turn.drafts.length + 1;
            const before = [...fake.held];
            const fedBefore = fake.fedCount;
            fake.failure = turn.failure;
            const results = await rows(text, outputCount).catch(() => null);
            fake.failure = null;
            expect(lazy.length).toBe(fake.length);
            for (const { rowCounts, outputRowCount } of recorder.drain()) {
              recorded += rowCounts.reduce((sum, count) => sum + count, 0);
              outputs -= outputRowCount;
            }
            // The work of all successful forwards is recorded.
            expect(recorded).toBe(fake.fedCount);
            if (results === null) {
              expect(fake.held).toEqual(text.slice(0, fake.length));
              continue;
            }
            outputs += outputCount;
            expect(results).toEqual(expectedRows(text, outputCount));
            expect(fake.held).toEqual(text);
            const kept = Math.min(commonLength(before, text), text.length - outputCount);
            expect(fake.fedCount - fedBefore).toBe(text.length - kept);
            committed.push(...turn.drafts.slice(0, turn.acceptedCount), turn.next);
          }
          expect(outputs).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('WorkRecorder', () => {
  it('returns the work recorded since the last call, in order', () => {
    const recorder = new WorkRecorder();
    const event = {
      model: 'small' as const,
      purpose: 'draft' as const,
      rowCounts: [1],
      outputRowCount: 1,
      reusedRowCount: 0,
      waitedMs: 0,
      computeMs: 0,
      bytesUp: 0,
      bytesDown: 0,
    };
    recorder.record(event);
    recorder.record({ ...event, model: 'large' });
    const first = recorder.drain();
    expect(first.map(({ type, model }) => `${type} ${model}`)).toEqual([
      'work small',
      'work large',
    ]);
    expect(recorder.drain()).toEqual([]);
    recorder.record(event);
    expect(recorder.drain()).toHaveLength(1);
    expect(first).toHaveLength(2);
  });
});

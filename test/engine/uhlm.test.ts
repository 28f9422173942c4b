/**
 * U-HLM through the whole loop: its exact law, which is biased where the uncertainty looks at the draft,
 * its ends, and what is counted as transmitted.
 */
import { describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import type { RowProgram } from '../../src/core/row-program.ts';
import { samplingParams } from '../../src/core/sampling-params.ts';
import { type TokenId, tokenIds } from '../../src/core/token-id.ts';
import { ModelSet } from '../../src/engine/model-set.ts';
import { runRequest } from '../../src/engine/run-request.ts';
import { someFit } from '../../src/judging/fakes/some-fit.ts';
import { perturbedProbabilities } from '../../src/judging/perturbation.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import { exactLogPartitions } from '../../src/sampling/perturbation.ts';
import { runRowProgram } from '../../src/sampling/run-row-program.ts';
import { smallestTokenCount } from '../../src/sampling/truncation-bound.ts';
import { METHODS } from '../../src/strategy/methods.ts';
import type { Strategy } from '../../src/strategy/strategy.ts';
import type { UplinkOptions } from '../../src/strategy/strategy-options.ts';
import { strategyValue } from '../../src/strategy/strategy-value.ts';
import { enumerateDraws, type PathDraws } from '../../src/testing/enumerate-draws.ts';
import { RUNS_ARE_FULL } from '../runs.ts';

const TOKENS = ['a', 'b', 'c', 'd', ''];
const END = 4;
/** As rows have them: computed from logits in single precision. */
const SMALL = asRow([0.5, 0.28, 0.1, 0.07, 0.05]);
const LARGE = asRow([0.2, 0.4, 0.15, 0.05, 0.2]);

function asRow(probabilities: readonly number[]): readonly number[] {
  const logits = Float32Array.from(probabilities, Math.log);
  const program: RowProgram = {
    ...{ vocabularySize: TOKENS.length, sampling: samplingParams({ temperature: 1 }), seed: 0 },
    ...{ purpose: 'sample', distribution: true },
  };
  return [...required(runRowProgram(logits, program, 0).distribution, 'it was asked for')];
}

const FITS = [someFit({ truncationError: 0.8 })];

function strategyOf(text: string, uplink: UplinkOptions = {}): Strategy {
  const [name, threshold] = text.split('@');
  const method = required(
    METHODS.find((one) => one.name === name),
    'a method',
  );
  const value = strategyValue(method, threshold === undefined ? null : Number(threshold));
  return method.build(value, { uplink, fits: FITS, temperature: 1 });
}

/** [token] the exact probabilities of the first token of an answer. */
async function firstToken(strategy: Strategy): Promise<number[]> {
  let path: PathDraws | null = null;
  const choose = (distribution: Float64Array): TokenId =>
    required(path, 'a path is under way').categorical(distribution);
  const model = (next: readonly number[]): ScriptedModel =>
    new ScriptedModel({ tokens: TOKENS, endOfGeneration: [END], next: () => next, choose });
  const models = new ModelSet({ small: model(SMALL), large: model(LARGE) });
  const outcomes = await enumerateDraws(async (draws) => {
    path = draws;
    const run = runRequest({
      request: {
        ...{ sampling: samplingParams({ temperature: 1 }), maxTokens: 1, stop: [], seed: 0 },
        logprobs: false,
      },
      ...{ prompt: tokenIds([0, 1]), strategy, models, lease: models.soleLease(), draws },
      ...{ clock: { nowMs: () => 0 }, signal: new AbortController().signal },
    });
    let first = -1;
    for await (const event of run) if (event.type === 'token') first = event.tokenId;
    return String(first);
  });
  return TOKENS.map((_, id) => outcomes.get(String(id)) ?? 0);
}

/** The mean probability of another token over the temperatures. */
function uncertaintyOf(id: number): number {
  const logits = Float32Array.from(SMALL, Math.log);
  const max = Math.max(...logits);
  const all = perturbedProbabilities(
    exactLogPartitions(logits, logits.length, max),
    max - (logits[id] as number),
  );
  return all.reduce((sum, probability) => sum + 1 - probability, 0) / all.length;
}

/**
 * P(v) = x_v (1 - T_v) + x_v T_v min(1, y_v / x_v) + Σ_w x_w T_w max(0, 1 - y_w / x_w) · residual(v),
 * where T_v is the probability that the draft v is transmitted.
 */
function lawOf(transmits: (id: number) => boolean): number[] {
  const excess = SMALL.map((x, id) => Math.max(0, (LARGE[id] as number) - x));
  const excessSum = excess.reduce((sum, value) => sum + value, 0);
  const isSent = SMALL.map((_, id) => transmits(id) || id === END);
  const rejected = SMALL.reduce(
    (sum, x, id) => sum + (isSent[id] === true ? Math.max(0, x - (LARGE[id] as number)) : 0),
    0,
  );
  return SMALL.map((x, id) => {
    const own = isSent[id] === true ? Math.min(x, LARGE[id] as number) : x;
    return own + (rejected * (excess[id] as number)) / excessSum;
  });
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  for (const [id, value] of expected.entries()) expect(actual[id]).toBeCloseTo(value, 12);
}

describe('the law of U-HLM', () => {
  it('is that of the large model where every draft is transmitted', async () => {
    for (const text of ['hlm', 'uhlm@-1', 'uhlm-pd@-1', 'uhlm-entropy@-1', 'uhlm-unbiased@-1']) {
      expectClose(await firstToken(strategyOf(text)), LARGE);
    }
    expectClose(await firstToken(strategyOf('uhlm@-1', { sends: 'ids' })), LARGE);
  });

  it('is that of the large model under lossless compression, however little is sent', async () => {
    for (const tokenCount of RUNS_ARE_FULL ? [1, 2, 3, 4, 5] : [1, 3]) {
      for (const bitCount of [1, 8]) {
        expectClose(await firstToken(strategyOf('cu-hlm@-1', { tokenCount, bitCount })), LARGE);
      }
    }
    expectClose(await firstToken(strategyOf('hlm', { sends: 'top', tokenCount: 2 })), LARGE);
  });

  it('is that of the large model where a fit chooses the number of tokens, draft by draft', async () => {
    const uplink = { sends: 'top', tokenCount: 'online' } as const;
    expectClose(await firstToken(strategyOf('hlm', uplink)), LARGE);
    expectClose(await firstToken(strategyOf('cu-hlm@-1', { ...uplink, bitCount: 2 })), LARGE);
    // Drafts decide: some send less than others.
    const counts = TOKENS.map((_, id) => {
      const expectedRejection = Math.min(1, Math.max(0, 0.5 * uncertaintyOf(id) - 0.05));
      return smallestTokenCount(Float64Array.from(SMALL), id, {
        expectedRejection,
        threshold: 0.8,
      });
    });
    expect(new Set(counts).size).toBeGreaterThan(1);
    expectClose(await firstToken(strategyOf('hlm', { ...uplink, tokenCount: 'offline' })), LARGE);
  });

  it("is biased under the paper's compression", async () => {
    const uplink = { sends: 'top', tokenCount: 1, bitCount: 8, rest: 'uniform' } as const;
    const law = await firstToken(strategyOf('hlm', uplink));
    const distance = law.reduce((sum, p, id) => sum + Math.abs(p - (LARGE[id] as number)), 0) / 2;
    expect(law.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
    expect(distance).toBeGreaterThan(0.01);
  });

  it('drafts from the compressed distribution where nothing is transmitted', async () => {
    // Two tokens at 8 bits: 255 and 143 of 398.
    const law = await firstToken(strategyOf('cu-hlm@1', { tokenCount: 2 }));
    expectClose(law, [255 / 398, 143 / 398, 0, 0, 0]);
  });

  it('is that of the small model where none is, but for a drafted end', async () => {
    const law = lawOf(() => false);
    expectClose(await firstToken(strategyOf('uhlm@1')), law);
    expectClose(await firstToken(strategyOf('uhlm-pd@1')), law);
    // The end has 5 % under the small model, and more under the large one: it is never rejected.
    expectClose(law, SMALL);
  });

  it('is biased between, as the uncertainty looks at the draft', async () => {
    for (const threshold of [0.3, 0.5, 0.7, 0.85]) {
      const law = lawOf((id) => uncertaintyOf(id) > threshold);
      expectClose(await firstToken(strategyOf(`uhlm@${threshold}`)), law);
    }
    const sent = [0, 1, 2, 3].map((id) => uncertaintyOf(id) > 0.7);
    expect(new Set(sent).size).toBe(2);
  });

  it('is one of both models where the uncertainty does not look at the draft', async () => {
    const best = uncertaintyOf(0);
    expectClose(await firstToken(strategyOf(`uhlm-unbiased@${best - 0.01}`)), LARGE);
    expectClose(
      await firstToken(strategyOf(`uhlm-unbiased@${best + 0.01}`)),
      lawOf(() => false),
    );
  });
});

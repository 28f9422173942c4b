/**
 * U-HLM through the whole loop, in one process and over frames: its exact law, which is biased where the
 * uncertainty looks at the draft, its ends, and what is counted as transmitted.
 */
import { describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import type { RowProgram } from '../../src/core/row-program.ts';
import { samplingParams } from '../../src/core/sampling-params.ts';
import { tokenIds } from '../../src/core/token-id.ts';
import { type HubEntrance, HubModel } from '../../src/device/hub-model.ts';
import { ModelSet } from '../../src/engine/model-set.ts';
import { runRequest } from '../../src/engine/run-request.ts';
import { Hub } from '../../src/hub/hub.ts';
import { serveConnection } from '../../src/hub/serve-connection.ts';
import { someFit } from '../../src/judging/fakes/some-fit.ts';
import { perturbedProbabilities } from '../../src/judging/perturbation.ts';
import { memoryTransports } from '../../src/link/memory-transport.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import { fromSinglePrecision } from '../../src/sampling/compressed-distribution.ts';
import { logPartitions } from '../../src/sampling/perturbation.ts';
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
  return method.build(value, { uplink, fits: FITS, sampling: samplingParams({ temperature: 1 }) });
}

/** Where the large model is: in this process, or on a hub that gets frames alone. */
const PLACES = ['in one process', 'over frames'] as const;
type Place = (typeof PLACES)[number];

/** [token] the exact probabilities of the first token of an answer. */
async function firstToken(strategy: Strategy, place: Place): Promise<number[]> {
  let path: PathDraws | null = null;
  const draws = (): PathDraws => required(path, 'a path is under way');
  const model = (next: readonly number[]): ScriptedModel =>
    new ScriptedModel({
      ...{ tokens: TOKENS, endOfGeneration: [END], next: () => next },
      choose: (distribution) => draws().categorical(distribution),
    });
  const small = model(SMALL);
  await using hub = new Hub({ model: model(LARGE), digest: '0'.repeat(64), draws });
  const connect = async (): Promise<HubEntrance> => {
    const [transport, served] = memoryTransports();
    void serveConnection(hub, served, 'anyone');
    return { transport, facts: hub.facts };
  };
  const { transport, facts } = await connect();
  const far = new HubModel({ connect, vocabulary: small.vocabulary }, facts, transport);
  const large = place === 'over frames' ? far : model(LARGE);
  await using models = new ModelSet({ small, large });
  const outcomes = await enumerateDraws(async (drawn) => {
    path = drawn;
    const run = runRequest({
      request: {
        ...{ sampling: samplingParams({ temperature: 1 }), maxTokens: 1, stop: [], seed: 0 },
        logprobs: false,
      },
      ...{ prompt: tokenIds([0, 1]), strategy, models, lease: models.soleLease(), draws: drawn },
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
    logPartitions(logits, logits.length),
    max - (logits[id] as number),
  );
  return all.reduce((sum, probability) => sum + 1 - probability, 0) / all.length;
}

/**
 * The law where T_v says whether the draft v is transmitted. Those that are turn into draws of the
 * rounded distribution x': K(v, w) is min(1, x'_v / x_v) on the diagonal, and the rest of its row is
 * proportional to max(0, x' - x).
 *
 * P(v) = x_v (1 - T_v) + Σ_w s_w [w = v] min(1, y_w / x'_w) + Σ_w s_w max(0, 1 - y_w / x'_w) residual(v)
 * with s = (x T) K.
 */
function lawOf(transmits: (id: number) => boolean): number[] {
  const rounded = [...fromSinglePrecision(Float32Array.from(SMALL))];
  const moved = normalised(rounded.map((x, id) => Math.max(0, x - (SMALL[id] as number))));
  const isSent = SMALL.map((_, id) => transmits(id) || id === END);
  const kept = (id: number): number => Math.min(1, (rounded[id] as number) / (SMALL[id] as number));
  const movedMass = SMALL.reduce((sum, x, id) => sum + (isSent[id] ? x * (1 - kept(id)) : 0), 0);
  const sent = SMALL.map(
    (x, id) => (isSent[id] ? x * kept(id) : 0) + movedMass * (moved[id] as number),
  );
  const accepted = (id: number): number =>
    Math.min(1, (LARGE[id] as number) / (rounded[id] as number));
  const residual = normalised(LARGE.map((y, id) => Math.max(0, y - (rounded[id] as number))));
  const rejected = sent.reduce((sum, s, id) => sum + s * (1 - accepted(id)), 0);
  return SMALL.map((x, id) => {
    const own = isSent[id] ? 0 : x;
    return own + (sent[id] as number) * accepted(id) + rejected * (residual[id] as number);
  });
}

function normalised(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => (sum === 0 ? 0 : weight / sum));
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  for (const [id, value] of expected.entries()) expect(actual[id]).toBeCloseTo(value, 12);
}

describe.each(PLACES)('the law of U-HLM %s', (place) => {
  // The verdicts are the same; frames only take longer.
  const isBrief = place === 'over frames' && !RUNS_ARE_FULL;
  const tokenCounts = isBrief ? [2] : RUNS_ARE_FULL ? [1, 2, 3, 4, 5] : [1, 3];
  it('is that of the large model where every draft is transmitted', async () => {
    const all = ['hlm', 'uhlm@-1', 'uhlm-pd@-1', 'uhlm-entropy@-1', 'uhlm-unbiased@-1'];
    for (const text of isBrief ? all.slice(0, 2) : all) {
      expectClose(await firstToken(strategyOf(text), place), LARGE);
    }
    expectClose(await firstToken(strategyOf('uhlm@-1', { sends: 'ids' }), place), LARGE);
  });

  it('is that of the large model under lossless compression, however little is sent', async () => {
    for (const tokenCount of tokenCounts) {
      for (const bitCount of isBrief ? [8] : [1, 8]) {
        expectClose(
          await firstToken(strategyOf('cu-hlm@-1', { tokenCount, bitCount }), place),
          LARGE,
        );
      }
    }
    expectClose(await firstToken(strategyOf('hlm', { sends: 'top', tokenCount: 2 }), place), LARGE);
  });

  it('is that of the large model where a fit chooses the number of tokens, draft by draft', async () => {
    const uplink = { sends: 'top', tokenCount: 'online' } as const;
    expectClose(await firstToken(strategyOf('hlm', uplink), place), LARGE);
    expectClose(
      await firstToken(strategyOf('cu-hlm@-1', { ...uplink, bitCount: 2 }), place),
      LARGE,
    );
    // Drafts decide: some send less than others.
    const counts = TOKENS.map((_, id) => {
      const expectedRejection = Math.min(1, Math.max(0, 0.5 * uncertaintyOf(id) - 0.05));
      return smallestTokenCount(Float64Array.from(SMALL), id, {
        expectedRejection,
        threshold: 0.8,
      });
    });
    expect(new Set(counts).size).toBeGreaterThan(1);
    expectClose(
      await firstToken(strategyOf('hlm', { ...uplink, tokenCount: 'offline' }), place),
      LARGE,
    );
  });

  it("is biased under the paper's compression", async () => {
    const uplink = { sends: 'top', tokenCount: 1, bitCount: 8, rest: 'uniform' } as const;
    const law = await firstToken(strategyOf('hlm', uplink), place);
    const distance = law.reduce((sum, p, id) => sum + Math.abs(p - (LARGE[id] as number)), 0) / 2;
    expect(law.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
    expect(distance).toBeGreaterThan(0.01);
  });

  it('drafts from the compressed distribution where nothing is transmitted', async () => {
    // Two tokens at 8 bits: 255 and 143 of 398.
    const law = await firstToken(strategyOf('cu-hlm@1', { tokenCount: 2 }), place);
    expectClose(law, [255 / 398, 143 / 398, 0, 0, 0]);
  });

  it('is that of the small model where none is, but for a drafted end', async () => {
    const law = lawOf(() => false);
    expectClose(await firstToken(strategyOf('uhlm@1'), place), law);
    expectClose(await firstToken(strategyOf('uhlm-pd@1'), place), law);
    // The end has 5 % under the small model, and more under the large one: it is never rejected. As it
    // is transmitted, its probability is rounded to single precision.
    for (const [id, p] of SMALL.entries()) expect(law[id]).toBeCloseTo(p, 8);
  });

  it('is biased between, as the uncertainty looks at the draft', async () => {
    for (const threshold of isBrief ? [0.7] : [0.3, 0.5, 0.7, 0.85]) {
      const law = lawOf((id) => uncertaintyOf(id) > threshold);
      expectClose(await firstToken(strategyOf(`uhlm@${threshold}`), place), law);
    }
    const sent = [0, 1, 2, 3].map((id) => uncertaintyOf(id) > 0.7);
    expect(new Set(sent).size).toBe(2);
  });

  it('is one of both models where the uncertainty does not look at the draft', async () => {
    const best = uncertaintyOf(0);
    // The margin of the row is 0.22; its entropy 1.27 nats.
    const sending = [`uhlm-unbiased@${best - 0.01}`, 'uhlm-margin@0.23', 'uhlm-entropy@1.2'];
    const keeping = [`uhlm-unbiased@${best + 0.01}`, 'uhlm-margin@0.21', 'uhlm-entropy@1.3'];
    for (const text of isBrief ? sending.slice(0, 1) : sending) {
      expectClose(await firstToken(strategyOf(text), place), LARGE);
    }
    for (const text of isBrief ? keeping.slice(0, 1) : keeping) {
      const law = lawOf(() => false);
      expectClose(await firstToken(strategyOf(text), place), law);
    }
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { halfBits } from '../../core/half.ts';
import { required } from '../../core/invariant.ts';
import { NOTHING_READ, type RowResult } from '../../core/row-program.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { type TokenId, tokenId, tokenIds } from '../../core/token-id.ts';
import { gateContext } from '../../judging/fakes/gate-context.ts';
import { type Router, routerScore, withEmbeddings } from '../../judging/router.ts';
import {
  featureSize,
  type RouterFeatures,
  type StateFeatures,
} from '../../judging/router-features.ts';
import { decodeRouter, encodeRouter } from '../../judging/router-file.ts';
import { routerGate } from '../../judging/router-gate.ts';
import { ScriptedModel } from '../../model/scripted/scripted-model.ts';
import { FoldedNetwork } from '../../network/folded-network.ts';
import { atOnce } from '../../network/steps.ts';
import { trainingRows } from '../fit/training-rows.ts';
import type { Target } from '../labels/targets.ts';
import { routerPolicy } from '../rollouts/policy.ts';
import { tokenScores } from '../rounds/calibrate-along.ts';
import { TrainingPair } from '../training-pair.ts';
import type { Trajectory } from '../trajectory.ts';
import type { Example } from './example-store.ts';
import { ForkPoint } from './fork-point.ts';
import { traceFeatures } from './trace-features.ts';
import { traceTrajectory } from './trace-trajectory.ts';

const TOKENS: readonly string[] = ['a', 'b', 'c', 'd', 'e', ''];
const HIDDEN_SIZE = 3;
const READ: StateFeatures = { hidden: true, topLogprobs: 4 };

function hashOf(prefix: readonly TokenId[]): number {
  return prefix.reduce((hash, token) => (hash * 37 + token + 3) % 1_000_003, 7);
}

function nextOf(shift: number): (prefix: readonly TokenId[]) => readonly number[] {
  return (prefix) => {
    const weights = TOKENS.map((_, id) => 1 + (((hashOf(prefix) >> 2) * (id + 2 + shift)) % 17));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  };
}

const embeddingOf = (id: number): number[] => [0.3 + id, -1.7 * id, id * id - 4.1];

function openPair(): TrainingPair {
  const model = (name: string, shift: number): ScriptedModel =>
    new ScriptedModel({
      ...{ name, tokens: TOKENS, endOfGeneration: [5], next: nextOf(shift) },
      hiddenState: (prefix) => [hashOf(prefix) / 1e6, prefix.length / 7, -0.2],
      tokenEmbedding: embeddingOf,
    });
  const models = { small: model('small', 0), large: model('large', 1) };
  return new TrainingPair(models);
}

const anyFeatures: fc.Arbitrary<RouterFeatures> = fc
  .record({
    hidden: fc.boolean(),
    topLogprobs: fc.constantFrom(0, 1, 4),
    tokenEmbedding: fc.boolean(),
  })
  .filter((features) => featureSize(features, HIDDEN_SIZE) > 0);

const anyText = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 8 });

/** A router as read from its file, with a weight of its own for every feature. */
function routerOf(features: RouterFeatures): Router {
  const inputSize = featureSize(features, HIDDEN_SIZE);
  const weights = Float32Array.from({ length: inputSize }, (_, at) => 0.11 * (at + 1) - 0.4);
  const bound = { name: 'any', digest: 'any' };
  return decodeRouter(
    encodeRouter({
      ...{ strategy: 'citer', pair: { small: bound, large: bound }, hiddenSize: HIDDEN_SIZE },
      ...{ features, temperature: 2, defaultThreshold: 0.5, calibration: null, reliability: [] },
      ...{ training: {}, trainedOn: new Set<number>(), calibratedOn: new Set<number>() },
      network: new FoldedNetwork([
        { inputSize, outputSize: 1, weights, biases: Float32Array.of(0.2) },
      ]),
    }),
  );
}

async function readExample(
  pair: TrainingPair,
  prompt: readonly TokenId[],
  tokens: readonly TokenId[],
): Promise<Example> {
  const trajectory: Trajectory = {
    question: { id: 'q', text: '', messages: [], answer: '', kind: 'number' },
    ...{ source: 'large', prompt, tokens, value: 1 },
  };
  await using forkPoint = new ForkPoint(pair, trajectory);
  const trace = await traceTrajectory(trajectory, { pair, forkPoint, features: READ });
  return { key: 'any', trajectory, trace };
}

/** The scores of live rows: one forward of one row for every token. */
async function liveScores(
  pair: TrainingPair,
  router: Router,
  { prompt, tokens }: Trajectory,
): Promise<readonly number[]> {
  const gate = routerGate(router);
  const { vocabularySize } = pair;
  await using sequence = pair.models.small.openSequence();
  const scores: number[] = [];
  for (const [at, token] of [...prompt, ...tokens.slice(0, -1)].entries()) {
    const { rows } = await sequence.forward({
      ...{ tokens: [token], outputFrom: 0 },
      program: {
        ...{ vocabularySize, sampling: GREEDY, seed: 0, purpose: 'draft' },
        ...gate.reads,
      },
    });
    if (at < prompt.length - 1) continue;
    scores.push(gate.score(required(rows[0], 'one row'), at + 1, gateContext()));
  }
  return scores;
}

describe('features along a trace', () => {
  it("are the traced state and, after it, the embedding of the small model's choice", async () => {
    const pair = openPair();
    const { trace } = await readExample(pair, tokenIds([0, 1]), tokenIds([2, 3, 1, 0]));
    const wanted = { hidden: false, topLogprobs: 2, tokenEmbedding: true };
    const table = (id: TokenId) => Float32Array.from(embeddingOf(id));
    const features = traceFeatures({
      ...{ wanted, read: READ, hiddenSize: HIDDEN_SIZE, embeddingOf: table },
    });
    expect(features.size).toBe(2 + HIDDEN_SIZE);
    for (const [position, token] of trace.small.entries()) {
      const from = position * trace.featureSize + HIDDEN_SIZE;
      expect([...features.at(trace, position)]).toEqual([
        ...trace.features.subarray(from, from + 2),
        ...embeddingOf(token).map(halfBits),
      ]);
    }
    expect(new Set(trace.small).size).toBeGreaterThan(1);
  });

  it('give the scores that a gate gives to live rows, for any features of a router', async () => {
    const seen = { differing: 0 };
    await fc.assert(
      fc.asyncProperty(anyFeatures, anyText, anyText, async (features, before, answer) => {
        const pair = openPair();
        const { small } = pair.models;
        const router = withEmbeddings(routerOf(features), (id) => small.tokenEmbedding(id));
        const example = await readExample(pair, tokenIds(before), tokenIds(answer));
        const live = await liveScores(pair, router, example.trajectory);
        const scores = atOnce(tokenScores(router, [example], READ));
        expect(scores).toEqual(live);
        const threshold = live.reduce((sum, score) => sum + score, 0) / live.length;
        const kept = routerPolicy(router, threshold, READ).keptPositions(example.trace);
        for (const [position, score] of scores.entries()) {
          const differs = example.trace.small[position] !== example.trace.large[position];
          expect(kept.has(position)).toBe(differs && score >= threshold);
          seen.differing += Number(differs);
        }
      }),
      { numRuns: 150 },
    );
    expect(seen.differing).toBeGreaterThan(50);
  });

  it('are the rows of a training', async () => {
    const anyTargets = fc.array(fc.record({ token: fc.nat(4), isRow: fc.boolean() }), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(anyFeatures, anyTargets, async (wanted, places) => {
        const pair = openPair();
        const table = (id: TokenId): Float32Array => pair.models.small.tokenEmbedding(id);
        const tokens = tokenIds(places.map(({ token }) => token));
        const example = await readExample(pair, tokenIds([0]), tokens);
        const targets = places.map(
          ({ isRow }): Target => ({ value: isRow ? 1 : null, labelCase: 'agree' }),
        );
        const labelled = [{ example, targets }];
        const { dataset } = atOnce(trainingRows(labelled, wanted, READ, HIDDEN_SIZE, table));
        const { inputSize, features, rowCount } = dataset;
        const router = withEmbeddings(routerOf(wanted), table);
        const score = routerScore(router);
        const ofRows = Array.from({ length: rowCount }, (_, row) =>
          score(features.subarray(row * inputSize, (row + 1) * inputSize)),
        );
        const ofTokens = atOnce(tokenScores(router, [example], READ));
        expect(ofRows).toEqual(ofTokens.filter((_, at) => places[at]?.isRow === true));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a router with embeddings', () => {
  const features = { hidden: true, topLogprobs: 1, tokenEmbedding: true };

  it('asks the table once when it gets it; a router without embeddings never does', () => {
    const asked: number[] = [];
    const table = (id: TokenId): Float32Array => {
      asked.push(id);
      return new Float32Array(HIDDEN_SIZE);
    };
    const blind = routerOf({ ...features, tokenEmbedding: false });
    expect(withEmbeddings(blind, table)).toBe(blind);
    expect(asked).toEqual([]);
    const router = routerOf(features);
    expect(router.embeddingOf).toBeUndefined();
    expect(withEmbeddings(router, table)).toEqual({ ...router, embeddingOf: table });
    expect(asked).toEqual([0]);
  });

  it('needs no more of a row than others, and cannot judge a row without its table', () => {
    const gate = routerGate(routerOf(features));
    expect(gate.reads).toEqual({ hidden: true, topLogprobs: 1 });
    const row: RowResult = {
      ...NOTHING_READ,
      tokenId: tokenId(1),
      ...{ hidden: new Float32Array(HIDDEN_SIZE), topLogprobs: new Float32Array(1) },
    };
    expect(() => gate.score(row, 0, gateContext())).toThrow(/embeddings/);
  });

  it('is marked in its file; a file from before embeddings existed has no mark', () => {
    const router = routerOf({ ...features, tokenEmbedding: false });
    const bytes = Buffer.from(encodeRouter(router));
    const json = ',\\"tokenEmbedding\\":false';
    expect(bytes.includes(json)).toBe(true);
    // The same length as before: the header's length precedes it.
    const old = Buffer.from(
      bytes.toString('latin1').replace(json, ' '.repeat(json.length)),
      'latin1',
    );
    expect(old.includes('tokenEmbedding')).toBe(false);
    expect(decodeRouter(old).features).toEqual(router.features);
    expect(decodeRouter(encodeRouter(routerOf(features))).features).toEqual(features);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { required } from '../../core/invariant.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import { Engine } from '../../engine/engine.ts';
import { tinyRouters } from '../../judging/fakes/tiny-router.ts';
import { PrefixCache } from '../../kv-cache/prefix-cache.ts';
import { createStrategy } from '../../strategy/strategy-value.ts';
import {
  END,
  goOn,
  HIDDEN_SIZE,
  largeAlone,
  MAX_TOKENS,
  type NumberWorld,
  numberWorld,
  promptOf,
  routed,
  smallAlone,
  trajectoryOf,
} from '../fakes/number-world.ts';
import { ForkPoint } from '../traces/fork-point.ts';
import { traceTrajectory } from '../traces/trace-trajectory.ts';
import { TrainingPair } from '../training-pair.ts';
import { type RollOutOptions, rollOut } from './roll-out.ts';

const routers = tinyRouters(['citer'], { hiddenSize: HIDDEN_SIZE });
const strategyOf = (text: string) => createStrategy(text, { routers });
/** A question after which the large model does not end by itself. */
const LONG = Array.from({ length: 256 }, (_, index) => index).findIndex(
  (index) => !trajectoryOf(index).tokens.includes(END),
);
const STRATEGIES = ['small', 'large', 'entropy@1.3', 'margin@0.5', 'random@0.4', 'citer@0.5'];

const anyCase = fc.record({
  index: fc.nat(200),
  position: fc.nat(MAX_TOKENS - 1),
  token: fc.nat(END),
  strategy: fc.constantFrom(...STRATEGIES),
  temperature: fc.constantFrom(0, 1),
  seed: fc.nat(50),
  rowCountMax: fc.integer({ min: 1, max: 8 }),
});
type Case = typeof anyCase extends fc.Arbitrary<infer T> ? T : never;

function optionsOf(
  { index, position, token, strategy, temperature, seed }: Case,
  { pair }: NumberWorld,
): Omit<RollOutOptions, 'lease'> {
  const { prompt, tokens } = trajectoryOf(index);
  return {
    models: pair,
    strategy: strategyOf(strategy),
    text: [...prompt, ...tokens.slice(0, position), token as TokenId],
    lengthMax: prompt.length + MAX_TOKENS,
    sampling: { ...GREEDY, temperature },
    seed,
  };
}

/** A fork point of the whole trajectory, read by both models. */
async function tracedForkPoint(world: NumberWorld, index: number): Promise<ForkPoint> {
  const trajectory = trajectoryOf(index);
  const forkPoint = new ForkPoint(world.pair, trajectory);
  const features = { hidden: true, topLogprobs: 0 };
  await traceTrajectory(trajectory, { pair: world.pair, forkPoint, features });
  return forkPoint;
}

describe('a rollout', () => {
  it('that forks from a trajectory writes the text of one from scratch, and reads less', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async (given) => {
        const world = numberWorld(given);
        const forkPoint = await tracedForkPoint(world, given.index);
        const openCount = world.openCount();
        const before = world.fedCount();
        const forked = await rollOut({ ...optionsOf(given, world), lease: forkPoint.lease() });
        const forkedCount = world.fedCount() - before;
        expect(world.openCount()).toBe(openCount);
        const bare = numberWorld(given);
        const options = optionsOf(given, bare);
        const scratch = await rollOut({
          ...options,
          lease: bare.pair.soleLease(),
        });
        expect(forked).toEqual(scratch);
        // A model that reads at all reads the branch's token and the text written after it.
        if (forked.length > 0) expect(forkedCount).toBeLessThan(bare.fedCount());
        await forkPoint[Symbol.asyncDispose]();
        expect([world.openCount(), bare.openCount()]).toEqual([0, 0]);
      }),
      { numRuns: 150 },
    );
  });

  it('begins with what is pinned, as its trajectory does, and writes the same', async () => {
    const prompt = [1, 2, 3, 4].flatMap(promptOf);
    const { tokens } = trajectoryOf(7);
    const write = async ({ pair, openCount, fedCount }: NumberWorld) => {
      const forkPoint = new ForkPoint(pair, { prompt, tokens });
      const rows = [await forkPoint.read('small'), await forkPoint.read('large')];
      const options = {
        ...{ models: pair, strategy: strategyOf('large'), sampling: GREEDY, seed: 0 },
        text: [...prompt, ...tokens.slice(0, 2)],
        lengthMax: prompt.length + MAX_TOKENS,
      };
      const branch = await rollOut({ ...options, lease: forkPoint.lease() });
      const scratch = await rollOut({ ...options, lease: pair.soleLease() });
      await forkPoint[Symbol.asyncDispose]();
      return { found: { rows, branch, scratch }, openCount: openCount(), fedCount: fedCount() };
    };
    const bare = await write(numberWorld());
    const world = numberWorld();
    const { small, large } = world.models;
    const pools = {
      small: new PrefixCache({ model: small }),
      large: new PrefixCache({ model: large }),
    };
    for (const pool of Object.values(pools)) await pool.pin(prompt.slice(0, 12));
    const pinned = await write({ ...world, pair: new TrainingPair(world.models, pools) });
    expect(pinned.found).toEqual(bare.found);
    expect([bare.openCount, pinned.openCount]).toEqual([0, 2]);
    // Three texts are read from their beginnings, one of them by the small model.
    expect(pinned.fedCount).toBe(bare.fedCount - 12);
    for (const pool of Object.values(pools)) await pool[Symbol.asyncDispose]();
    expect(world.openCount()).toBe(0);
  });

  it("writes the models' text, to its end or the greatest length", async () => {
    const router = required(routers.get('citer'), 'there is one');
    const choosers = { small: smallAlone, large: largeAlone, 'citer@0.5': routed(router, 0.5) };
    const lengths = new Set<number>();
    for (const [strategy, choose] of Object.entries(choosers)) {
      for (let index = 0; index < 40; index += 1) {
        const world = numberWorld();
        const text = promptOf(index);
        const lengthMax = text.length + MAX_TOKENS;
        const written = await rollOut({
          ...{ models: world.pair, lease: world.pair.soleLease(), text, lengthMax },
          ...{ strategy: strategyOf(strategy), sampling: GREEDY, seed: 0 },
        });
        expect(written).toEqual(goOn(choose, text, lengthMax));
        lengths.add(written.length);
      }
    }
    expect(lengths.has(MAX_TOKENS)).toBe(true);
    expect(lengths.size).toBeGreaterThan(5);
  });

  it("writes the engine's text, greedy and sampled", async () => {
    const world = numberWorld();
    const engine = new Engine({ models: world.models, routers });
    for (const strategy of STRATEGIES) {
      for (const [seed, temperature] of [0, 1, 1, 1].entries()) {
        const text = promptOf(seed + 20);
        const prompt = text.map((token) => world.models.small.vocabulary.tokenString(token));
        const expected: TokenId[] = [];
        const request = { prompt: prompt.join(''), seed, sampling: { temperature } };
        for await (const event of engine.generate({
          ...request,
          strategy,
          maxTokens: MAX_TOKENS,
        })) {
          if (event.type === 'token') expected.push(event.tokenId);
        }
        const written = await rollOut({
          ...{ models: world.pair, lease: world.pair.soleLease(), text, seed },
          ...{ strategy: strategyOf(strategy), sampling: { ...GREEDY, temperature } },
          lengthMax: text.length + MAX_TOKENS,
        });
        expect(written).toEqual(expected);
      }
    }
    await engine.close();
  });

  it('ends where the context is full, as in the engine', async () => {
    const contextLength = 9;
    const world = numberWorld({ contextLength });
    const text = promptOf(LONG);
    expect(goOn(largeAlone, text, text.length + MAX_TOKENS).length).toBe(MAX_TOKENS);
    const written = await rollOut({
      ...{ models: world.pair, lease: world.pair.soleLease(), text },
      ...{ strategy: strategyOf('large'), sampling: GREEDY, seed: 0 },
      lengthMax: text.length + MAX_TOKENS,
    });
    expect(written).toEqual(goOn(largeAlone, text, contextLength));
  });

  it.each([
    ['has ended', [...promptOf(3), END], MAX_TOKENS],
    ['has its greatest length', promptOf(3), 0],
  ])('writes nothing after a text that %s', async (_why, text, more) => {
    const world = numberWorld();
    const written = await rollOut({
      ...{ models: world.pair, lease: world.pair.soleLease(), text },
      ...{ strategy: strategyOf('small'), sampling: GREEDY, seed: 0 },
      lengthMax: text.length + more,
    });
    expect(written).toEqual([]);
    expect(world.fedCount()).toBe(0);
  });

  it('leaves no sequence open when any forward fails or is aborted', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, fc.integer({ min: 1, max: 12 }), fc.boolean(), async (...all) => {
        const [given, failsAt, isAbort] = all;
        const caller = new AbortController();
        let forwardCount = 0;
        let isArmed = false;
        const world = numberWorld({
          rowCountMax: given.rowCountMax,
          onForward: async () => {
            if (isArmed) forwardCount += 1;
            if (forwardCount !== failsAt) return;
            if (isAbort) caller.abort();
            else throw new Error('broken');
          },
        });
        const forkPoint = await tracedForkPoint(world, given.index);
        const openCount = world.openCount();
        isArmed = true;
        const run = rollOut({
          ...optionsOf(given, world),
          lease: forkPoint.lease(),
          signal: caller.signal,
        });
        const outcome = await run.then(
          () => 'written',
          (error: { readonly code?: string }) => error.code ?? 'broken',
        );
        const expected = forwardCount < failsAt ? 'written' : isAbort ? 'aborted' : 'broken';
        expect(outcome).toBe(expected);
        expect(world.openCount()).toBe(openCount);
        await forkPoint[Symbol.asyncDispose]();
        expect(world.openCount()).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHalf } from '../../core/half.ts';
import { required } from '../../core/invariant.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { StateFeatures } from '../../judging/router-features.ts';
import type { OpenedSequence, Readmission } from '../../model/sequence-source.ts';
import {
  favourite,
  goOn,
  HIDDEN_SIZE,
  hiddenState,
  largeAlone,
  MAX_TOKENS,
  nextOf,
  numberWorld,
  promptOf,
  smallAlone,
  trajectoryOf,
} from '../fakes/number-world.ts';
import { ForkPoint } from './fork-point.ts';
import { differingPositions } from './trace.ts';
import { traceTrajectory } from './trace-trajectory.ts';

const TOP_LOGPROBS = 4;

function logprob(role: 'small' | 'large', before: readonly TokenId[], token: TokenId): number {
  const row = nextOf(role)(before);
  return Math.log((row[token] ?? 0) / row.reduce((sum, value) => sum + value, 0));
}

function halvesOf(before: readonly TokenId[], { hidden, topLogprobs }: StateFeatures): number[] {
  const all = nextOf('small')(before).map((_, id) => logprob('small', before, id as TokenId));
  const top = all.sort((a, b) => b - a).slice(0, topLogprobs);
  const numbers = [...(hidden ? hiddenState(before) : []), ...top];
  return [...toHalf(Float32Array.from(numbers))];
}

const anyCase = fc.record({
  index: fc.nat(255),
  writer: fc.constantFrom(smallAlone, largeAlone, (text: readonly TokenId[]) =>
    favourite(text.length % 2 === 0 ? 'small' : 'large', text.slice(1)),
  ),
  rowCountMax: fc.integer({ min: 1, max: 16 }),
  features: fc.record({ hidden: fc.boolean(), topLogprobs: fc.constantFrom(0, TOP_LOGPROBS) }),
});

describe('tracing a trajectory', () => {
  it('gives the values of rows read one by one, for any writer and any length of forwards', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ index, writer, rowCountMax, features }) => {
        const world = numberWorld({ rowCountMax });
        const { prompt, tokens } = trajectoryOf(index, writer);
        const forkPoint = new ForkPoint(world.pair, { prompt, tokens });
        const trace = await traceTrajectory(
          { prompt, tokens },
          { pair: world.pair, forkPoint, features },
        );
        const halves: number[] = [];
        for (const [position, token] of tokens.entries()) {
          const before = [...prompt, ...tokens.slice(0, position)];
          const small = favourite('small', before);
          const large = favourite('large', before);
          expect([trace.small[position], trace.large[position]]).toEqual([small, large]);
          expect(trace.textLogprobUnderSmall[position]).toBeCloseTo(
            logprob('small', before, token),
            5,
          );
          expect(trace.smallLogprobUnderLarge[position]).toBeCloseTo(
            logprob('large', before, small),
            5,
          );
          expect(trace.bestLogprobUnderLarge[position]).toBeCloseTo(
            logprob('large', before, large),
            5,
          );
          halves.push(...halvesOf(before, features));
        }
        const size = (features.hidden ? HIDDEN_SIZE : 0) + features.topLogprobs;
        expect(trace.featureSize).toBe(size);
        expect(trace.features).toHaveLength(tokens.length * size);
        for (const [at, half] of halves.entries()) {
          // Log-probabilities are summed in another order, so their last bit may differ.
          expect(Math.abs(required(trace.features[at], 'as many') - half)).toBeLessThanOrEqual(1);
        }
        expect(world.openCount()).toBe(2);
        await forkPoint[Symbol.asyncDispose]();
        expect(world.openCount()).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('finds the positions at which the models differ', () => {
    const small = [1, 2, 3, 4] as TokenId[];
    expect(differingPositions({ small, large: [1, 3, 3, 0] as TokenId[] })).toEqual([1, 3]);
    expect(differingPositions({ small, large: small })).toEqual([]);
  });

  it('stops when it is aborted, and its fork point closes all sequences', async () => {
    for (const stopAt of [1, 3, 6]) {
      const caller = new AbortController();
      let count = 0;
      const world = numberWorld({
        rowCountMax: 2,
        onForward: async () => {
          count += 1;
          if (count === stopAt) caller.abort();
        },
      });
      const { prompt, tokens } = trajectoryOf(13);
      const forkPoint = new ForkPoint(world.pair, { prompt, tokens }, caller.signal);
      const features = { hidden: true, topLogprobs: 0 };
      const options = { pair: world.pair, forkPoint, features };
      await expect(traceTrajectory({ prompt, tokens }, options)).rejects.toMatchObject({
        code: 'aborted',
      });
      expect(count).toBe(stopAt);
      await forkPoint[Symbol.asyncDispose]();
      expect(world.openCount()).toBe(0);
    }
  });
});

describe('a fork point', () => {
  it('gives a branch the prefix that it shares with the traced text, and no more', async () => {
    const prompt = promptOf(5);
    const tokens = goOn(largeAlone, prompt, MAX_TOKENS);
    const read = [...prompt, ...tokens.slice(0, -1)];
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.nat(read.length),
        fc.nat(read.length),
        async (hasRead, sharedCount, lengthMax) => {
          const world = numberWorld({ rowCountMax: 32 });
          const forkPoint = new ForkPoint(world.pair, { prompt, tokens });
          if (hasRead) await forkPoint.read('small');
          expect([forkPoint.hasRead('small'), forkPoint.hasRead('large')]).toEqual([
            hasRead,
            false,
          ]);
          const other = read[sharedCount] === 0 ? 1 : 0;
          const branch = [...read.slice(0, sharedCount), other, 2, 3] as TokenId[];
          const lease = forkPoint.lease();
          const [small, large] = [lease.source('small'), lease.source('large')];
          const opened = openedOf(await small.open(branch, lengthMax));
          const length = hasRead ? Math.min(sharedCount, lengthMax) : 0;
          expect(opened.tokens).toEqual(branch.slice(0, length));
          expect(opened.sequence.length).toBe(length);
          const alone = openedOf(await large.open(branch, lengthMax));
          expect([alone.tokens, alone.sequence.length]).toEqual([[], 0]);
          await small.close(opened);
          await large.close(alone);
          expect(world.openCount()).toBe(hasRead ? 1 : 0);
          await forkPoint[Symbol.asyncDispose]();
          await forkPoint[Symbol.asyncDispose]();
          expect(world.openCount()).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });
});

function openedOf(opened: OpenedSequence | Readmission): OpenedSequence {
  if ('sequence' in opened) return opened;
  throw new Error('nothing preempts a training');
}

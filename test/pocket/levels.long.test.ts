/** The accuracy of the pocket models on held-out problems. pocket/README.md has the figures of 1,000. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRight } from '../../src/evaluation/tasks/pocket/answer.ts';
import { answer, openPocket, type PocketPair, question, testProblems } from './pocket-pair.ts';

const PROBLEM_COUNT = 80;
const STREAM_COUNT = 8;
const problems = testProblems(PROBLEM_COUNT);

let weak: PocketPair;
let strong: PocketPair;
const load = { cellCount: 4096 };
beforeAll(async () => {
  weak = await openPocket({ load });
  strong = await openPocket({ load, smallName: 'pocket-small-strong' });
});
afterAll(async () => {
  await weak[Symbol.asyncDispose]();
  await strong[Symbol.asyncDispose]();
});

interface Level {
  readonly accuracy: number;
  readonly largeShare: number;
}

/** Over all problems, several at once. */
async function level({ engine }: PocketPair, strategy: string): Promise<Level> {
  const left = [...problems];
  let [right, share] = [0, 0];
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const { summary } = await answer(engine, { ...question(next), strategy });
      right += Number(isRight(next, summary.text));
      share += summary.largeShare;
    }
  };
  await Promise.all(Array.from({ length: STREAM_COUNT }, worker));
  return { accuracy: right / PROBLEM_COUNT, largeShare: share / PROBLEM_COUNT };
}

describe('the pocket models, greedy', () => {
  it('differ as they should: the large one nearly always right, the small ones less', async () => {
    const large = (await level(weak, 'large')).accuracy;
    const small = (await level(weak, 'small')).accuracy;
    const smallStrong = (await level(strong, 'small')).accuracy;
    // Their ranges, widened by the noise of this few problems.
    expect(large).toBeGreaterThan(0.86);
    expect(small).toBeGreaterThan(0.15);
    expect(small).toBeLessThan(0.6);
    expect(smallStrong).toBeGreaterThan(0.64);
    expect(smallStrong).toBeLessThan(0.98);
  });

  it('let a gate pay: entropy beats the random gate at the same large share', async () => {
    const entropy = await level(weak, 'entropy@0.4');
    const random = await level(weak, `random@${entropy.largeShare.toFixed(3)}`);
    const small = await level(weak, 'small');
    expect(entropy.largeShare).toBeLessThan(0.25);
    expect(Math.abs(random.largeShare - entropy.largeShare)).toBeLessThan(0.05);
    expect(entropy.accuracy).toBeGreaterThan(small.accuracy + 0.15);
    expect(entropy.accuracy).toBeGreaterThan(random.accuracy + 0.1);
  });
});

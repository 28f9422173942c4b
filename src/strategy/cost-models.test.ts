import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { required } from '../core/invariant.ts';
import { readsLogits as readsLogitsOf } from '../core/row-reads.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';
import { tinyRewards } from '../judging/fakes/tiny-reward.ts';
import { tinyRouters } from '../judging/fakes/tiny-router.ts';
import type { CostModel, ExpectedForwards, WorkPlan } from '../machines/cost-model.ts';
import type { ForwardCosts } from '../machines/forward-costs.ts';
import { type CostCurve, forwardMs } from '../machines/step-costs.ts';
import { bestDraftLength, DRAFT_LENGTH_MAX } from '../speculative/draft-length.ts';
import { lookUp } from '../speculative/prompt-lookup.ts';
import {
  cascadeCost,
  draftModelCost,
  promptLookupCost,
  randomQueryCost,
  singleModelCost,
  tokenRoutingCost,
} from './cost-models.ts';
import { readsLogits } from './method.ts';
import { METHODS } from './methods.ts';
import { randomGate } from './random.ts';
import { draftModelCosts } from './speculative.ts';
import { stepChoiceCost, stepReadingCost, stepRoutingCost } from './step-cost-models.ts';
import { createStrategy, strategyValue } from './strategy-value.ts';

const flat = (ms: number): ForwardCosts => ({
  forwardMs: () => ms,
  overheadMs: 0,
  readingMs: { logprob: 0, uncertainty: 0, draw: 0 },
});

const plan = (changes: Partial<WorkPlan> = {}): WorkPlan => ({
  promptTokenCount: 5,
  answerTokenCount: 6,
  value: 0.5,
  costs: { small: flat(1), large: flat(10) },
  roundTripMs: 0,
  ...changes,
});

const routing = tokenRoutingCost(randomGate);

function amounts(forwards: readonly ExpectedForwards[]) {
  const total = { forwards: 0, rows: 0, outputs: 0, cached: 0 };
  for (const { count, shape } of forwards) {
    total.forwards += count;
    total.rows += count * shape.rowCount;
    total.outputs += count * shape.outputRowCount;
    total.cached += count * shape.cachedTokenCount;
  }
  return total;
}

function of(model: CostModel, given: WorkPlan, role: 'small' | 'large') {
  return model.work(given).forwards.filter((some) => some.model === role);
}

describe('one model alone', () => {
  it('reads all but the last prompt token in chunks, then writes row by row', () => {
    const { forwards, largeCallCount } = singleModelCost('large').work(
      plan({ promptTokenCount: 600 }),
    );
    expect(
      forwards.map(({ count, shape }) => [count, shape.rowCount, shape.outputRowCount]),
    ).toEqual([
      [1, 256, 0],
      [1, 256, 0],
      [1, 87, 0],
      [6, 1, 1],
    ]);
    // Its steps have 599, 600, … 604 tokens in the cache.
    expect(forwards.map(({ shape }) => shape.cachedTokenCount)).toEqual([0, 256, 512, 601.5]);
    expect(largeCallCount).toBe(1);
    expect(singleModelCost('small').work(plan()).largeCallCount).toBe(0);
  });

  it('reads nothing where the prompt is one token', () => {
    expect(singleModelCost('small').work(plan({ promptTokenCount: 1 })).forwards).toHaveLength(1);
  });
});

/** All outcomes of the coins, each with its probability, played as the engine plays them. */
function enumerate(promptTokenCount: number, answerTokenCount: number, share: number) {
  const total = { forwards: 0, rows: 0, outputs: 0, cached: 0 };
  for (let coins = 0; coins < 2 ** answerTokenCount; coins += 1) {
    let probability = 1;
    let fed = 0;
    const forwards: ExpectedForwards[] = [];
    const feed = (rowCount: number, outputRowCount: number): void => {
      const shape = { rowCount, outputRowCount, cachedTokenCount: fed };
      if (rowCount > 0) forwards.push({ model: 'large', count: 1, shape });
      fed += rowCount;
    };
    for (let index = 0; index < answerTokenCount; index += 1) {
      const calls = (coins & (1 << index)) !== 0;
      probability *= calls ? share : 1 - share;
      if (!calls) continue;
      if (fed === 0) feed(promptTokenCount - 1, 0);
      feed(promptTokenCount + index - fed, 1);
    }
    const played = amounts(forwards);
    for (const key of ['forwards', 'rows', 'outputs', 'cached'] as const) {
      total[key] += probability * played[key];
    }
  }
  return total;
}

describe('token routing', () => {
  it.each([0, 0.1, 0.5, 0.9, 1])('expects at a share of %d the mean over all coins', (share) => {
    for (const [prompt, answer] of [
      [1, 1],
      [5, 1],
      [1, 4],
      [7, 9],
    ] as const) {
      const given = plan({ promptTokenCount: prompt, answerTokenCount: answer, value: share });
      const expected = enumerate(prompt, answer, share);
      const found = amounts(of(routing, given, 'large'));
      expect(found.forwards).toBeCloseTo(expected.forwards, 6);
      expect(found.rows).toBeCloseTo(expected.rows, 6);
      expect(found.outputs).toBeCloseTo(expected.outputs, 6);
      expect(found.cached).toBeCloseTo(expected.cached, 6);
    }
  });

  it('proposes every token with the small model at any share', () => {
    for (const value of [0, 0.3, 1]) {
      expect(of(routing, plan({ value }), 'small')).toEqual(
        of(singleModelCost('small'), plan(), 'small'),
      );
    }
  });

  it('calls the large model at most once a token', () => {
    const { largeCallCount } = routing.work(plan({ answerTokenCount: 40, value: 0.25 }));
    expect(largeCallCount).toBe(10);
  });
});

const stepRouting = stepRoutingCost('step', {});

describe('step routing', () => {
  it.each([0, 0.25, 1])('asks the large model once for a step, at a share of %d', (value) => {
    const given = plan({ answerTokenCount: 80, value });
    const { largeCallCount, largeContextTokenCount } = stepRouting.work(given);
    expect(largeCallCount).toBeCloseTo(4 * value, 6);
    const token = routing.work(given);
    expect(largeContextTokenCount).toBeCloseTo(token.largeContextTokenCount / 20, 6);
    const [steps, tokens] = [stepRouting, routing].map((m) => amounts(of(m, given, 'large')));
    expect(steps?.outputs).toBeCloseTo(80 * value, 6);
    // It reads as much, but for what lies behind the last step that it wrote.
    expect(steps?.rows).toBeLessThanOrEqual((tokens?.rows ?? 0) + 1e-6);
    if (value === 1) expect(steps?.rows).toBeCloseTo(tokens?.rows ?? 0, 6);
  });

  it('takes a short answer for one step', () => {
    expect(stepRouting.work(plan({ answerTokenCount: 6, value: 1 })).largeCallCount).toBe(1);
  });
});

describe('a coin for each step', () => {
  it('lets each model write its share, and read the rest', () => {
    for (const value of [0, 0.25, 1]) {
      const given = plan({ answerTokenCount: 40, value });
      const small = amounts(of(stepChoiceCost('coin'), given, 'small'));
      expect(small.outputs).toBeCloseTo((1 - value) * 40, 6);
      // What the small model costs here is what the large one costs at the other share.
      const mirrored = { ...given, value: 1 - value };
      expect(small).toEqual(amounts(of(stepRouting, mirrored, 'large')));
      expect(of(stepChoiceCost('coin'), given, 'large')).toEqual(of(stepRouting, given, 'large'));
    }
  });
});

describe('a reward for which the large model reads the drafts', () => {
  it('scores every drafted token once, and writes the rejected share', () => {
    const given = plan({ answerTokenCount: 60, value: 0.25 });
    const { forwards, largeCallCount } = stepReadingCost('judge', {}).work(given);
    const large = forwards.filter(({ model }) => model === 'large');
    expect(
      large.map(({ count, shape, isReward = false }) => [count, shape.outputRowCount, isReward]),
    ).toEqual([
      [1, 20, true],
      [2, 20, true],
      [15, 1, false],
    ]);
    // The prompt is read with the first step.
    expect(large[0]?.shape.rowCount).toBe(given.promptTokenCount - 1 + 20);
    expect(amounts(forwards.filter(({ model }) => model === 'small')).outputs).toBe(60);
    // Three readings, and three quarters of a call for a correction.
    expect(largeCallCount).toBe(3.75);
  });

  it('takes an answer that is shorter than a step for one step', () => {
    const given = plan({ answerTokenCount: 6, value: 0 });
    const [reading, ...others] = stepReadingCost('judge', {})
      .work(given)
      .forwards.filter(({ model }) => model === 'large');
    const rowCount = given.promptTokenCount - 1 + 6;
    expect(reading).toMatchObject({ count: 1, shape: { rowCount }, isReward: true });
    expect(others).toEqual([]);
  });
});

describe('speculation', () => {
  const rounds = (model: CostModel, given: WorkPlan) => {
    const verifies = of(model, given, 'large').filter(({ shape }) => shape.outputRowCount > 1);
    const [verify] = verifies;
    return { verify, length: (verify?.shape.rowCount ?? 0) - 1, count: verify?.count ?? 0 };
  };

  it('drafts the greatest length where every draft holds and rows are free', () => {
    const { length, count } = rounds(draftModelCost, plan({ answerTokenCount: 90, value: 1 }));
    expect([length, count]).toEqual([8, 10]);
    expect(draftModelCost.work(plan()).note).toMatch(/^\d drafts a round$/);
  });

  it('drafts one token where no draft holds: a round writes one token', () => {
    const given = plan({ answerTokenCount: 90, value: 0 });
    expect(rounds(draftModelCost, given)).toMatchObject({ length: 1, count: 90 });
    expect(draftModelCost.work(given).largeCallCount).toBe(90);
  });

  it('drafts longer over a network', () => {
    const near = rounds(
      draftModelCost,
      plan({ value: 0.6, costs: { small: flat(9), large: flat(10) } }),
    );
    const far = rounds(
      draftModelCost,
      plan({ value: 0.6, costs: { small: flat(9), large: flat(10) }, roundTripMs: 500 }),
    );
    expect(far.length).toBeGreaterThan(near.length);
  });

  it('reads every token once with the small model, except rejected drafts', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (value) => {
        const given = plan({ answerTokenCount: 100, value });
        const { length, count } = rounds(draftModelCost, given);
        const small = amounts(of(draftModelCost, given, 'small'));
        // The drafts of a round, and the token before the bonus token after a fully accepted round.
        expect(small.rows - 4).toBeCloseTo(count * (length + value ** length), 6);
        expect(small.outputs).toBeCloseTo(count * length, 6);
      }),
    );
  });

  it('expects the same of drafts as the strategy when it chooses their number', () => {
    const ms = fc.double({ min: 0.5, max: 50, noNaN: true });
    const curve = fc.tuple(ms, ms, ms).map(
      ([one, two, nine]): CostCurve => ({
        points: [
          { rowCount: 1, ms: one },
          { rowCount: 2, ms: two },
          { rowCount: 9, ms: nine },
        ],
      }),
    );
    const acceptance = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(curve, curve, acceptance, (small, large, value) => {
        const measured = (of: CostCurve): ForwardCosts => ({
          ...flat(0),
          forwardMs: ({ rowCount }) => forwardMs(of, rowCount),
        });
        const costs = { small: measured(small), large: measured(large) };
        const given = plan({ promptTokenCount: 1, answerTokenCount: 90, value, costs });
        const total = draftModelCost.work(given).forwards.reduce((sum, { model, count, shape }) => {
          return sum + count * costs[model].forwardMs(shape);
        }, 0);
        const chosen = bestDraftLength(
          value,
          required(draftModelCosts({ small, large }), 'both were measured'),
          DRAFT_LENGTH_MAX,
        );
        expect((90 * forwardMs(large, 1)) / total).toBeCloseTo(chosen.speedup, 6);
      }),
    );
  });

  it('has no work for the small model where drafts are looked up', () => {
    expect(of(promptLookupCost, plan({ lookupHitRate: 0.5 }), 'small')).toEqual([]);
    expect(promptLookupCost.parameter).toBe('lookup-acceptance');
  });
});

describe('prompt lookup', () => {
  const large = singleModelCost('large');
  const calls = (given: WorkPlan) => promptLookupCost.work(given).largeCallCount;

  it('is the large model alone where nothing is found or known', () => {
    for (const value of [0, 0.5, 1]) {
      const given = plan({ value, answerTokenCount: 9 });
      const alone = amounts(large.work(given).forwards);
      expect(amounts(promptLookupCost.work(given).forwards)).toEqual(alone);
      const { note, ...work } = promptLookupCost.work({ ...given, lookupHitRate: 0 });
      expect(amounts(work.forwards)).toEqual(alone);
      expect(work).toMatchObject({ largeCallCount: 1, largeContextTokenCount: 5 });
      expect(note).toMatch(/^\d drafts?, found 0%$/);
    }
  });

  it('drafts like the small model where a draft is found before every token', () => {
    const given = plan({ answerTokenCount: 90, value: 0.8, lookupHitRate: 1 });
    const free = { ...given, costs: { ...given.costs, small: flat(0) } };
    expect(of(promptLookupCost, given, 'large')).toEqual(of(draftModelCost, free, 'large'));
  });

  it('has one-row rounds where no draft is found', () => {
    const given = plan({ answerTokenCount: 90, value: 1, lookupHitRate: 0.1 });
    const [, drafted, alone] = of(promptLookupCost, given, 'large');
    // Nine tokens of ninety come in one round of eight drafts and a bonus token.
    expect(drafted).toMatchObject({ count: 1, shape: { rowCount: 9 } });
    expect(alone).toMatchObject({ count: 81, shape: { rowCount: 1, outputRowCount: 1 } });
    // One call before the draft, one with it, and one after it.
    expect(calls(given)).toBe(3);
  });

  it('knows the number of tokens that rounds with a draft write, for any draft length', () => {
    const id = fc.integer({ min: 0, max: 2 }).map(tokenId);
    fc.assert(
      fc.property(fc.array(id, { minLength: 20, maxLength: 60 }), fc.nat(10), (text, prompt) => {
        const hits = text.filter(
          (_, place) => place >= prompt && draftAt(text, place, 1).length > 0,
        );
        for (const length of [1, 2, 5, 8]) {
          expect(draftedCount(text, prompt, length)).toBe(hits.length);
        }
      }),
    );
  });
});

describe('query choice', () => {
  const work = (model: CostModel, value: number, role: 'small' | 'large') =>
    amounts(of(model, plan({ value }), role));

  it('costs as much as the models alone, weighted by the share of answers that each writes', () => {
    for (const value of [0, 0.25, 1]) {
      const alone = (role: 'small' | 'large') => work(singleModelCost(role), 0, role);
      expect(work(cascadeCost, value, 'small')).toEqual(alone('small'));
      expect(work(cascadeCost, value, 'large').rows).toBeCloseTo(value * alone('large').rows, 9);
      expect(work(randomQueryCost, value, 'small').rows).toBeCloseTo(
        (1 - value) * alone('small').rows,
        9,
      );
      expect(work(randomQueryCost, value, 'large')).toEqual(work(cascadeCost, value, 'large'));
    }
  });
});

function draftAt(text: readonly TokenId[], place: number, length: number): readonly TokenId[] {
  return lookUp(text.slice(0, place), length)?.tokens ?? [];
}

/** Tokens that rounds with a draft write, played round by round like the proposer. */
function draftedCount(text: readonly TokenId[], prompt: number, length: number): number {
  let drafted = 0;
  let place = prompt;
  while (place < text.length) {
    const draft = draftAt(text, place, length);
    const wrong = draft.findIndex((token, index) => token !== text[place + index]);
    const written = Math.min((wrong < 0 ? draft.length : wrong) + 1, text.length - place);
    if (draft.length > 0) drafted += written;
    place += written;
  }
  return drafted;
}

describe('the rows that a stateless API reads', () => {
  it('is the prompt where the large model writes alone', () => {
    expect(singleModelCost('large').work(plan()).largeContextTokenCount).toBe(5);
    expect(singleModelCost('small').work(plan()).largeContextTokenCount).toBe(0);
  });

  it('is the text so far, at every call of a gate', () => {
    // After the six calls lie 5, 6, … 10 tokens.
    expect(routing.work(plan({ value: 1 })).largeContextTokenCount).toBe(45);
    expect(routing.work(plan({ value: 0.2 })).largeContextTokenCount).toBeCloseTo(9, 9);
  });

  it('is the text so far and the drafts, at every round', () => {
    const { largeContextTokenCount } = draftModelCost.work(plan({ value: 0 }));
    // One draft each round.
    expect(largeContextTokenCount).toBe(45 + 6);
  });
});

describe('reading the logits', () => {
  const decided = METHODS.filter(({ unit }) => unit !== null);
  it.each(decided.map((method) => [method.name, method] as const))(
    'costs time where the rows of %s are read',
    (_, method) => {
      const routers = tinyRouters(METHODS.map(({ name }) => name));
      const rewards = tinyRewards(METHODS.map(({ name }) => name));
      const { needs } = createStrategy(strategyValue(method), { routers, rewards });
      expect(readsLogits(method)).toBe(readsLogitsOf(needs.small?.reads ?? {}));
    },
  );
});

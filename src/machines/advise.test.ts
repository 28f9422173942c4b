import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  draftModelCost,
  promptLookupCost,
  singleModelCost,
  tokenRoutingCost,
} from '../strategy/cost-models.ts';
import { entropyGate } from '../strategy/entropy.ts';
import { randomGate } from '../strategy/random.ts';
import { stepReadingCost, stepRoutingCost } from '../strategy/step-cost-models.ts';
import {
  type AdvisedModel,
  type Billing,
  type CostScenario,
  costAdvice,
  FACES,
  facesOf,
  payingRange,
} from './advise.ts';
import { TIMED } from './fakes/timed-profile.ts';
import type { ForwardCosts } from './forward-costs.ts';
import { KNOWN_MACHINES } from './known-machines.ts';
import type { PredictedProfile } from './machine-profile.ts';
import { measuredCosts } from './measured-costs.ts';
import { rooflineCosts } from './roofline.ts';

const large = singleModelCost('large');
const routing = tokenRoutingCost(randomGate);

/** The default pair, from docs/LOG.md and the headers of the model files. */
const SMALL = {
  weightBytes: 391_859_712,
  parameterCounts: { body: 357_898_112, outputHead: 136_134_656 },
  kvBytesPerToken: 12_288,
};
const LARGE = {
  weightBytes: 980_097_536,
  parameterCounts: { body: 1_310_340_608, outputHead: 233_373_696 },
  kvBytesPerToken: 28_672,
};
const ROW_COUNTS = [1, 2, 3, 4, 6, 8, 12, 16, 32];

/** Measured on two quiet cores: forwards in single steps, a step in ms, prefill in tokens/s. */
function onTwoCores(
  stepMs: number,
  steps: readonly number[],
  tokensPerSecond: number,
): ForwardCosts {
  return measuredCosts({
    ...TIMED,
    decode: ROW_COUNTS.map((rowCount, index) => ({ rowCount, ms: stepMs * (steps[index] ?? 0) })),
    prefill: [{ rowCount: 256, ms: (256 * 1000) / tokensPerSecond }],
  });
}

const TWO_CORES = {
  small: onTwoCores(22.7, [1, 1.9, 2.0, 2.4, 3.5, 3.6, 4.9, 5.8, 10.4], 163),
  large: onTwoCores(35.4, [1, 1.6, 2.2, 2.9, 4.1, 5.2, 7.5, 7.3, 14.4], 67),
};

function pair(costs: { small: ForwardCosts; large: ForwardCosts }, roundTripMs = 0): CostScenario {
  const model = (
    facts: Omit<AdvisedModel, 'costs' | 'prices'>,
    own: ForwardCosts,
  ): AdvisedModel => ({
    ...facts,
    costs: own,
    prices: null,
  });
  return {
    models: { small: model(SMALL, costs.small), large: model(LARGE, costs.large) },
    promptTokenCount: 128,
    answerTokenCount: 256,
    roundTripMs,
  };
}

function onMachine(name: string): CostScenario {
  const machine = KNOWN_MACHINES.find((known) => known.name === name) as PredictedProfile;
  return pair({ small: rooflineCosts(machine, SMALL), large: rooflineCosts(machine, LARGE) });
}

describe('on two measured cores', () => {
  it('never advises the draft model, even if every draft holds', () => {
    for (const acceptance of [0, 0.5, 0.7, 0.9, 1]) {
      const { faces } = costAdvice(draftModelCost, large, pair(TWO_CORES), acceptance);
      expect(faces.time).toMatchObject({ pays: false, range: null });
      expect(faces.time.ratio).toBeGreaterThan(1);
    }
  });

  it('advises routing below a small share only: both models read every token', () => {
    const { faces } = costAdvice(routing, large, pair(TWO_CORES), 0.2);
    // Small alone takes 0.64 of the time for the steps, and less than half for the prompt.
    expect(facesOf(routing, pair(TWO_CORES), 0).time).toBeLessThan(
      0.64 * facesOf(large, pair(TWO_CORES), 0).time,
    );
    expect(faces.time.pays).toBe(false);
    expect(faces.time.range).toMatchObject({ from: 0 });
    expect(faces.time.range?.to).toBeLessThan(0.05);
    // It saves weight traffic, but does not save rows.
    expect(faces.weightTraffic.ratio).toBeCloseTo(0.6, 2);
    expect(faces.processedFlops.ratio).toBeGreaterThan(1);
  });

  it('promises no more of prompt lookup than the text offers', () => {
    const at = (lookupHitRate: number) =>
      costAdvice(promptLookupCost, large, { ...pair(TWO_CORES), lookupHitRate }, 0.78).faces.time;
    expect(at(1).ratio).toBeLessThan(0.93);
    expect(at(0.12).ratio).toBeGreaterThan(0.98);
    expect(at(0)).toEqual({ ratio: 1, pays: false, range: null });
  });

  it('advises a draft model that costs next to nothing', () => {
    const costs = {
      ...TWO_CORES,
      small: measuredCosts({ ...TIMED, decode: [{ rowCount: 1, ms: 1 }] }),
    };
    expect(costAdvice(draftModelCost, large, pair(costs), 0.9).faces.time.pays).toBe(true);
  });
});

describe('on a GPU described by its data sheet', () => {
  it('advises the draft model above some acceptance', () => {
    const { faces, note } = costAdvice(draftModelCost, large, onMachine('rtx-4090'), 0.8);
    expect(faces.time.pays).toBe(true);
    expect(faces.time.range).toMatchObject({ to: 1 });
    expect(faces.time.range?.from).toBeGreaterThan(0.2);
    // Drafting saves time at the price of arithmetic.
    expect(faces.processedFlops).toMatchObject({ pays: false, range: null });
    expect(note).toMatch(/drafts? a round$/);
  });
});

describe('costAdvice', () => {
  it('gives the large model alone ratios of 1, locally and behind a network', () => {
    for (const roundTripMs of [0, 40]) {
      const { faces, value, roundTripRange } = costAdvice(
        large,
        large,
        pair(TWO_CORES, roundTripMs),
        0,
      );
      for (const face of FACES) {
        expect(faces[face]).toEqual({
          ratio: face === 'price' ? null : 1,
          pays: false,
          range: null,
        });
      }
      expect([value, roundTripRange]).toEqual([null, null]);
    }
  });

  it('knows the ratios of the small model alone', () => {
    const { faces } = costAdvice(singleModelCost('small'), large, onMachine('rtx-4090'), 0);
    const whole = (counts: { body: number; outputHead: number }) => counts.body + counts.outputHead;
    expect(faces.weightTraffic.ratio).toBeCloseTo(SMALL.weightBytes / LARGE.weightBytes, 12);
    expect(faces.generatedFlops.ratio).toBeCloseTo(
      whole(SMALL.parameterCounts) / whole(LARGE.parameterCounts),
      12,
    );
    expect(faces.time).toMatchObject({ pays: true, range: null });
  });

  it('counts no scored token as written, and every one as generated', () => {
    const { faces } = costAdvice(stepReadingCost('judge', {}), large, pair(TWO_CORES), 0.1);
    const small = (357_898_112 + 136_134_656) / (1_310_340_608 + 233_373_696);
    expect(faces.writtenFlops.ratio).toBeCloseTo(small + 0.1, 12);
    expect(faces.generatedFlops.ratio).toBeCloseTo(small + 1.1, 12);
    expect(faces.generatedFlops).toMatchObject({ pays: false, range: null });
    const own = costAdvice(
      stepRoutingCost('likelihood', { logprob: true }),
      large,
      pair(TWO_CORES),
      0.1,
    ).faces;
    expect(own.writtenFlops.ratio).toBeCloseTo(small + 0.1, 8);
    expect(own.generatedFlops.ratio).toBe(own.writtenFlops.ratio);
    // A verification of nine rows writes one token.
    const drafted = facesOf(draftModelCost, pair(TWO_CORES), 0.9);
    expect(drafted.writtenFlops).toBeLessThan(drafted.generatedFlops);
  });

  it('prices rows and outputs, and counts nothing for a model without prices', () => {
    const scenario = pair(TWO_CORES);
    const priced: CostScenario = {
      ...scenario,
      models: {
        ...scenario.models,
        large: { ...scenario.models.large, prices: { inputPerMillion: 1, outputPerMillion: 3 } },
      },
    };
    const alone = facesOf(large, priced, 0).price;
    expect(alone).toBeCloseTo((127 + 256 + 3 * 256) / 1e6, 12);
    const half = facesOf(routing, priced, 0.5).price ?? 0;
    // The large model reads all tokens and writes half, but does not read the rows after its last
    // call.
    expect(half).toBeCloseTo((127 + 255 + 3 * 128) / 1e6, 6);
    expect(costAdvice(routing, large, priced, 0.5).faces.price.pays).toBe(true);
  });

  it('prices the whole text again at every call of an API that keeps no sequence', () => {
    const base = pair(TWO_CORES);
    const prices = { inputPerMillion: 1, outputPerMillion: 3 };
    const scenario = (billing: Billing): CostScenario => ({
      ...base,
      billing,
      models: { ...base.models, large: { ...base.models.large, prices } },
    });
    // The large model alone streams: it takes one call, and reads the prompt once.
    const alone = facesOf(large, scenario('per-call'), 0).price;
    expect(alone).toBeCloseTo((128 + 3 * 256) / 1e6, 12);
    const tenth = facesOf(routing, scenario('per-call'), 0.1).price;
    expect(tenth).toBeCloseTo((25.6 * (128 + 255 / 2) + 3 * 25.6) / 1e6, 12);
    // A strategy that is cheap on a server that keeps the sequence is expensive on such an API.
    const faces = (billing: Billing) =>
      costAdvice(routing, large, scenario(billing), 0.1).faces.price;
    expect(faces('kept').pays).toBe(true);
    expect(faces('per-call').pays).toBe(false);
    expect(faces('per-call').range?.to).toBeCloseTo(896 / (256 * (255.5 + 3)), 6);
    expect(facesOf(large, base, 0).price).toBeNull();
  });

  it('reads entropies if the gate does', () => {
    const read = { logprob: 0, uncertainty: 2, draw: 0 };
    const costs = { small: { ...TWO_CORES.small, readingMs: read }, large: TWO_CORES.large };
    const entropy = facesOf(tokenRoutingCost(entropyGate), pair(costs), 0).time;
    expect(entropy - facesOf(routing, pair(costs), 0).time).toBeCloseTo(2 * 256, 6);
  });

  it('counts a round trip for every call', () => {
    const [near, far] = [pair(TWO_CORES), pair(TWO_CORES, 10)];
    const more = (model: typeof routing, value: number): number =>
      facesOf(model, far, value).time - facesOf(model, near, value).time;
    expect(more(large, 0)).toBeCloseTo(10, 6);
    expect(more(routing, 0.25)).toBeCloseTo(10 * 64, 6);
    expect(more(singleModelCost('small'), 0)).toBe(0);
  });

  it('knows the round trips at which a strategy pays', () => {
    // Small alone needs no network: the farther the large model, the better small alone looks.
    const fast = { small: TWO_CORES.large, large: TWO_CORES.small };
    const small = costAdvice(singleModelCost('small'), large, pair(fast), 0);
    const from = small.roundTripRange?.from ?? 0;
    expect(from).toBeGreaterThan(0);
    const ratioAt = (roundTripMs: number): number =>
      facesOf(singleModelCost('small'), pair(fast, roundTripMs), 0).time /
      facesOf(large, pair(fast, roundTripMs), 0).time;
    expect(ratioAt(from)).toBeCloseTo(1, 5);
    // Routing asks often, so it pays only nearby.
    const near = costAdvice(routing, large, onMachine('rtx-4090'), 0.1).roundTripRange;
    expect(near).toMatchObject({ from: 0 });
    expect(near?.to).toBeLessThan(20);
  });
});

/** Machines on which further rows cost less each: a first row, then ever smaller increments. */
const anyCosts = (scale: number): fc.Arbitrary<ForwardCosts> =>
  fc
    .record({
      first: fc.double({ min: 1, max: 5, noNaN: true }),
      row: fc.double({ min: 0, max: 1, noNaN: true }),
      cached: fc.double({ min: 0, max: 0.001, noNaN: true }),
    })
    .map(({ first, row, cached }) => ({
      forwardMs: (shape) =>
        scale * (first + row * first * (shape.rowCount - 1) + cached * shape.cachedTokenCount),
      overheadMs: 0.01,
      readingMs: { logprob: 0, uncertainty: 0, draw: 0 },
    }));

const anyScenario: fc.Arbitrary<CostScenario> = fc
  .record({
    small: anyCosts(1),
    large: anyCosts(3),
    promptTokenCount: fc.integer({ min: 1, max: 600 }),
    answerTokenCount: fc.integer({ min: 1, max: 60 }),
    lookupHitRate: fc.double({ min: 0, max: 1, noNaN: true }),
    roundTripMs: fc.constantFrom(0, 0, 1, 30),
  })
  .map(({ small, large: other, ...rest }) => ({ ...pair({ small, large: other }), ...rest }));

const anyShare = fc.double({ min: 0, max: 1, noNaN: true });

describe('on any machine where wide forwards cost no more per row', () => {
  it('costs more time, weights and money the more the large model writes', () => {
    fc.assert(
      fc.property(anyScenario, anyShare, anyShare, (scenario, a, b) => {
        const less = facesOf(routing, scenario, Math.min(a, b));
        const more = facesOf(routing, scenario, Math.max(a, b));
        for (const face of ['time', 'weightTraffic', 'generatedFlops', 'processedFlops'] as const) {
          expect(more[face]).toBeGreaterThanOrEqual(less[face] * (1 - 1e-9));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('costs less time the more drafts hold', () => {
    fc.assert(
      fc.property(anyScenario, anyShare, anyShare, (scenario, a, b) => {
        for (const model of [draftModelCost, promptLookupCost]) {
          const more = facesOf(model, scenario, Math.max(a, b)).time;
          const fewer = facesOf(model, scenario, Math.min(a, b)).time;
          expect(more).toBeLessThanOrEqual(fewer * (1 + 1e-9));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('breaks even where the ratio crosses 1, and pays on the side where it is lower', () => {
    fc.assert(
      fc.property(
        anyScenario,
        fc.constantFrom(routing, draftModelCost, promptLookupCost),
        (scenario, model) => {
          const { range } = costAdvice(model, large, scenario, 0.5).faces.time;
          const ratioAt = (value: number): number =>
            facesOf(model, scenario, value).time / facesOf(large, scenario, 0).time;
          if (range === null) {
            for (const value of [0, 0.5, 1]) expect(ratioAt(value)).toBeGreaterThanOrEqual(1);
            return;
          }
          if (range.from > 0) expect(ratioAt(range.from)).toBeCloseTo(1, 5);
          if (range.to < 1) expect(ratioAt(range.to)).toBeCloseTo(1, 5);
          expect(ratioAt((range.from + range.to) / 2)).toBeLessThan(1);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('payingRange', () => {
  const places = [0, 0.25, 0.5, 0.75, 1];

  it.each<[string, (value: number) => number, ReturnType<typeof payingRange>]>([
    ['everywhere', () => 0.5, { from: 0, to: 1 }],
    ['nowhere', () => 1, null],
    ['below', (value) => value + 0.7, { from: 0, to: 0.3 }],
    ['above', (value) => 1.6 - value, { from: 0.6, to: 1 }],
    ['between', (value) => 4 * (value - 0.5) ** 2 + 0.64, { from: 0.2, to: 0.8 }],
  ])('finds where it pays: %s', (_name, ratioAt, expected) => {
    const range = payingRange(ratioAt, places);
    if (expected === null) expect(range).toBeNull();
    else {
      expect(range?.from).toBeCloseTo(expected.from, 6);
      expect(range?.to).toBeCloseTo(expected.to, 6);
    }
  });
});

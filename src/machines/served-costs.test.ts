import { describe, expect, it } from 'vitest';
import { TIMED } from './fakes/timed-profile.ts';
import { decodeShape } from './forward-costs.ts';
import { measuredCosts } from './measured-costs.ts';
import { type ServedTimes, servedCosts, withoutReading } from './served-costs.ts';

/** A round trip of 40, 10 for a streamed token, 0.5 for a token that is read, 3 for a further prefix. */
const TIMES: ServedTimes = {
  tokenMs: 10,
  fresh: [
    { tokenCount: 60, ms: 80 },
    { tokenCount: 260, ms: 180 },
  ],
  againMs: 50,
  calls: [
    { rowCount: 1, ms: 50 },
    { rowCount: 7, ms: 53 },
  ],
  batches: [
    { rowCount: 2, ms: 53 },
    { rowCount: 5, ms: 62 },
  ],
  textTokenCount: 60,
  spread: 0,
};

const forwardsOf = (times: ServedTimes) => {
  const { roundTripMs, model } = servedCosts(times);
  return { roundTripMs, costs: measuredCosts({ ...TIMED, ...model }) };
};

describe('the costs of a server', () => {
  it('give back the times of the calls that were measured', () => {
    const { roundTripMs, costs } = forwardsOf(TIMES);
    expect(roundTripMs).toBe(40);
    expect(costs.forwardMs(decodeShape(1, 60))).toBeCloseTo(10, 9);
    const grown = { rowCount: 7, outputRowCount: 1, cachedTokenCount: 60 };
    expect(roundTripMs + costs.forwardMs(grown)).toBeCloseTo(53, 9);
    expect(roundTripMs + costs.forwardMs(decodeShape(5, 60))).toBeCloseTo(62, 9);
    const read = { rowCount: 260, outputRowCount: 0, cachedTokenCount: 0 };
    expect(costs.forwardMs(read)).toBeCloseTo(130, 9);
  });

  it('have no round trip where a call is as fast as a streamed token', () => {
    const { roundTripMs, costs } = forwardsOf({ ...TIMES, tokenMs: 55 });
    expect(roundTripMs).toBe(0);
    // Two prefixes cost no less than one token.
    expect(costs.forwardMs(decodeShape(2, 60))).toBe(55);
  });

  it.each([
    [50, true],
    [150, false],
  ])('tell by the second reading (%d ms) whether the prefix was kept: %s', (againMs, expected) => {
    expect(servedCosts({ ...TIMES, againMs }).keepsPrefix).toBe(expected);
  });

  it('cannot tell where reading costs next to nothing', () => {
    const fresh = [
      { tokenCount: 60, ms: 80 },
      { tokenCount: 260, ms: 80.5 },
    ] as const;
    expect(servedCosts({ ...TIMES, fresh, againMs: 80.5 }).keepsPrefix).toBeNull();
  });

  it('take what was read again out of the round trip', () => {
    // 60 tokens of the text at every call.
    const calls = TIMES.calls.map(({ rowCount, ms }) => ({ rowCount, ms: ms + 30 }));
    const { roundTripMs, keepsPrefix, model } = servedCosts({ ...TIMES, calls, againMs: 180 });
    expect([roundTripMs, keepsPrefix]).toEqual([40, false]);
    const costs = withoutReading(measuredCosts({ ...TIMED, ...model }));
    expect(costs.forwardMs({ rowCount: 260, outputRowCount: 0, cachedTokenCount: 0 })).toBe(0);
    const call = { rowCount: 7, outputRowCount: 1, cachedTokenCount: 60 };
    expect(costs.forwardMs(call)).toBeCloseTo(10, 9);
  });

  it('know the round trip of a server that only begins answers by its shorter prompt', () => {
    const { roundTripMs } = servedCosts({ ...TIMES, calls: [], batches: [] });
    expect(roundTripMs).toBe(40);
  });
});

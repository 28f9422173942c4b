/** The arithmetic of totals against the simulation of events, and the map against both. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import { steadyLink } from './direction.ts';
import type { Exchange, Turn } from './exchange.ts';
import { linkMap } from './link-map.ts';
import { radioDirection } from './radio.ts';
import { replay } from './replay.ts';
import { tokenTime, totalsOf } from './scheme-time.ts';

const anyMs = fc.double({ min: 0, max: 200, noNaN: true });
const anyCall = fc.record({
  upBytes: fc.integer({ min: 0, max: 700_000 }),
  hubMs: anyMs,
  downBytes: fc.integer({ min: 0, max: 100 }),
});
const anyTurn: fc.Arbitrary<Turn> = fc.record({
  deviceMs: anyMs,
  call: fc.option(anyCall, { nil: null }),
});
const anyTurns = fc.array(anyTurn, { minLength: 1, maxLength: 30 });
const anyLink = fc.record({
  roundTripMs: fc.double({ min: 0, max: 500, noNaN: true }),
  upRate: fc.integer({ min: 10_000, max: 1_000_000_000 }),
  downRate: fc.integer({ min: 10_000, max: 1_000_000_000 }),
});

const NOTHING: Turn = { deviceMs: 0, call: null };
const taken = ({ openedMs, endMs }: { openedMs: number; endMs: number }): number =>
  endMs - openedMs;

function streamed(hubMs: number, count: number, downBytes = 29): Exchange {
  const turn: Turn = { deviceMs: 0, call: { upBytes: 0, hubMs, downBytes } };
  return { opening: NOTHING, turns: Array.from({ length: count }, () => turn), isStreamed: true };
}

describe('the time of a scheme', () => {
  it('from its totals is that of its events, one after the other', () => {
    fc.assert(
      fc.property(anyTurns, anyLink, (turns, link) => {
        const exchange = { opening: NOTHING, turns, isStreamed: false };
        const simulated = taken(replay(exchange, steadyLink(link)));
        const { ms, deviceMs, hubMs, linkMs } = tokenTime(totalsOf([exchange]), link);
        expect(ms * turns.length).toBeCloseTo(simulated, 5);
        expect(deviceMs + hubMs + linkMs).toBeCloseTo(ms, 9);
      }),
      { numRuns: runs(200, 5000) },
    );
  });

  it('of a stream is that of the slower of hub and link', () => {
    const count = 2000;
    for (const [hubMs, rate] of [
      [35, 1e6],
      [35, 1e4],
      [0.1, 1e6],
    ] as const) {
      const link = { roundTripMs: 20, upRate: rate, downRate: rate };
      const exchange = streamed(hubMs, count);
      const simulated = taken(replay(exchange, steadyLink(link)));
      const { ms } = tokenTime(totalsOf([exchange]), link);
      // The way of the last token, and of the first one over a slow link.
      expect(simulated - count * ms).toBeGreaterThan(9.9);
      expect(simulated - count * ms).toBeLessThan(10 + 36 + 1);
    }
  });

  it('of a device alone does not depend on the link', () => {
    const exchange = { opening: NOTHING, turns: [{ deviceMs: 22, call: null }], isStreamed: false };
    for (const rate of [1e4, 1e9]) {
      const link = { roundTripMs: 500, upRate: rate, downRate: rate };
      expect(tokenTime(totalsOf([exchange]), link).ms).toBe(22);
    }
  });

  it('begins when both ends have read the prompt', () => {
    const call = { upBytes: 1448, hubMs: 300, downBytes: 23 };
    const link = steadyLink({ roundTripMs: 20, upRate: 1514 * 8000, downRate: 1e6 });
    const from = (deviceMs: number) =>
      replay({ opening: { deviceMs, call }, turns: [], isStreamed: false }, link).openedMs;
    expect(from(100)).toBe(1 + 10 + 300);
    expect(from(400)).toBe(400);
  });

  it('over a radio channel waits out its fades', () => {
    const turns = Array.from({ length: 50 }, () => ({
      deviceMs: 20,
      call: { upBytes: 607_778, hubMs: 40, downBytes: 29 },
    }));
    const exchange = { opening: NOTHING, turns, isStreamed: false };
    const over = (coherenceMs: number | null): number => {
      const radio = radioDirection({ bandwidthHz: 1e6, snrDb: 10, coherenceMs, seed: 1 });
      return taken(replay(exchange, { up: radio, down: radio }));
    };
    // Jensen: the mean of the rate lies below the rate of the mean.
    expect(over(10)).toBeGreaterThan(1.1 * over(null));
    expect(over(10)).toBeLessThan(1.4 * over(null));
  });
});

describe('the map of links', () => {
  const schemes = [
    {
      name: 'device',
      totals: totalsOf([
        { opening: NOTHING, turns: [{ deviceMs: 50, call: null }], isStreamed: false },
      ]),
    },
    { name: 'hub', totals: totalsOf([streamed(40, 10)]) },
    {
      name: 'every draft',
      totals: totalsOf([
        {
          opening: NOTHING,
          turns: [{ deviceMs: 5, call: { upBytes: 42, hubMs: 5, downBytes: 29 } }],
          isStreamed: false,
        },
      ]),
    },
  ];

  it('names the fastest scheme of each link, as `tokenTime` has it', () => {
    const { cells } = linkMap(schemes);
    for (const { roundTripMs, rate, best, tokensPerSecond, speeds } of cells) {
      const link = { roundTripMs, upRate: rate, downRate: rate };
      for (const { name, totals } of schemes) {
        expect(speeds[name]).toBeCloseTo(1000 / tokenTime(totals, link).ms, 9);
      }
      expect(tokensPerSecond).toBe(Math.max(...Object.values(speeds)));
      expect(speeds[best]).toBe(tokensPerSecond);
    }
  });

  it('changes where one overtakes another', () => {
    const map = linkMap(schemes, { roundTripsMs: [1, 20, 500], rates: [1e3, 1e6, 1e9] });
    expect(map.cells.map(({ best }) => best)).toEqual([
      ...['device', 'every draft', 'every draft'],
      ...['device', 'hub', 'hub'].map((name, at) => (at === 0 ? name : 'every draft')),
      ...['device', 'hub', 'hub'],
    ]);
  });
});

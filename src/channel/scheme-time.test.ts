/** The arithmetic of totals against the simulation of events, and the map against both. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import { type LinkRates, steadyLink } from './direction.ts';
import type { Exchange, Turn } from './exchange.ts';
import { linkMap } from './link-map.ts';
import { radioDirection } from './radio.ts';
import { replay, replayedTime } from './replay.ts';
import { tokenTime, totalsOf } from './scheme-time.ts';

const anyMs = fc.double({ min: 0, max: 200, noNaN: true });
const anyCall = fc.record({
  upBytes: fc.integer({ min: 0, max: 700_000 }),
  hubMs: anyMs,
  downBytes: fc.integer({ min: 0, max: 100 }),
  isAccepted: fc.boolean(),
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
  const turn: Turn = { deviceMs: 0, call: { upBytes: 0, hubMs, downBytes, isAccepted: true } };
  return {
    opening: NOTHING,
    turns: Array.from({ length: count }, () => turn),
    isStreamed: true,
    aheadCount: 0,
  };
}

describe('the time of a scheme', () => {
  it('from its totals is that of its events, one after the other', () => {
    fc.assert(
      fc.property(anyTurns, anyLink, (turns, link) => {
        const exchange = { opening: NOTHING, turns, isStreamed: false, aheadCount: 0 };
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
    const exchange = {
      opening: NOTHING,
      turns: [{ deviceMs: 22, call: null }],
      isStreamed: false,
      aheadCount: 0,
    };
    for (const rate of [1e4, 1e9]) {
      const link = { roundTripMs: 500, upRate: rate, downRate: rate };
      expect(tokenTime(totalsOf([exchange]), link).ms).toBe(22);
    }
  });

  it('begins when both ends have read the prompt', () => {
    const call = { upBytes: 1448, hubMs: 300, downBytes: 23, isAccepted: true };
    const link = steadyLink({ roundTripMs: 20, upRate: 1514 * 8000, downRate: 1e6 });
    const from = (deviceMs: number) =>
      replay({ opening: { deviceMs, call }, turns: [], isStreamed: false, aheadCount: 0 }, link)
        .openedMs;
    expect(from(100)).toBe(1 + 10 + 300);
    expect(from(400)).toBe(400);
  });

  it('over a radio channel waits out its fades', () => {
    const turns = Array.from({ length: 50 }, () => ({
      deviceMs: 20,
      call: { upBytes: 607_778, hubMs: 40, downBytes: 29, isAccepted: true },
    }));
    const exchange = { opening: NOTHING, turns, isStreamed: false, aheadCount: 0 };
    const over = (coherenceMs: number | null): number => {
      const radio = radioDirection({ bandwidthHz: 1e6, snrDb: 10, coherenceMs, seed: 1 });
      return taken(replay(exchange, { up: radio, down: radio }));
    };
    // Jensen: the mean of the rate lies below the rate of the mean.
    expect(over(10)).toBeGreaterThan(1.1 * over(null));
    expect(over(10)).toBeLessThan(1.4 * over(null));
  });
});

describe('drafts ahead', () => {
  const link = steadyLink({ roundTripMs: 20, upRate: 1e9, downRate: 1e9 });
  const call = (isAccepted: boolean) => ({ upBytes: 0, hubMs: 40, downBytes: 0, isAccepted });
  const over = (turns: readonly Turn[], aheadCount: number): number =>
    taken(replay({ opening: NOTHING, turns, isStreamed: false, aheadCount }, link));

  it('behind an accepted draft take no time of their own while the answer is out', () => {
    const kept: Turn = { deviceMs: 25, call: null };
    const asked: Turn = { deviceMs: 25, call: call(true) };
    // 25 until the message, 60 until its answer, in which two of the three drafts are made.
    expect(over([asked, kept, kept, kept], 0)).toBe(25 + 60 + 75);
    expect(over([asked, kept, kept, kept], 1)).toBe(25 + 60 + 50);
    // The third is under way when the answer comes.
    expect(over([asked, kept, kept, kept], 8)).toBe(25 + 75);
    // The next message waits for the answer.
    expect(over([asked, asked], 8)).toBe(25 + 60 + 60);
  });

  it('behind a rejected draft cost what is under way', () => {
    const kept: Turn = { deviceMs: 25, call: null };
    const rejected: Turn = { deviceMs: 25, call: call(false) };
    expect(over([rejected, kept], 0)).toBe(25 + 60 + 25);
    expect(over([rejected, kept], 8)).toBe(25 + 75 + 25);
    expect(over([rejected, kept], 2)).toBe(25 + 60 + 25);
  });

  it('never take longer than without by more than a draft a rejection, nor less than either end', () => {
    fc.assert(
      fc.property(anyTurns, anyLink, fc.nat({ max: 20 }), (turns, rates, aheadCount) => {
        const exchange = { opening: NOTHING, turns, isStreamed: false, aheadCount };
        const without = taken(replay({ ...exchange, aheadCount: 0 }, steadyLink(rates)));
        const replayed = replay(exchange, steadyLink(rates));
        const rejectedCount = turns.filter(({ call }) => call?.isAccepted === false).length;
        const device = turns.reduce((sum, { deviceMs }) => sum + deviceMs, 0);
        const most = without + (rejectedCount * device) / turns.length;
        expect(taken(replayed)).toBeLessThanOrEqual(most + 1e-6);
        expect(taken(replayed)).toBeGreaterThanOrEqual(Math.max(device, replayed.outMs) - 1e-6);
      }),
      { numRuns: runs(300, 5000) },
    );
  });

  it('leave the mean times of a token adding up', () => {
    fc.assert(
      fc.property(anyTurns, anyLink, fc.nat({ max: 20 }), (turns, rates, aheadCount) => {
        const exchange = { opening: NOTHING, turns, isStreamed: false, aheadCount };
        const time = replayedTime([exchange, exchange], () => steadyLink(rates));
        expect(time.deviceMs + time.hubMs + time.linkMs).toBeCloseTo(time.ms, 6);
        if (aheadCount > 0) return;
        const { ms, deviceMs, hubMs, linkMs } = tokenTime(totalsOf([exchange]), rates);
        for (const [one, other] of [
          [time.ms, ms],
          [time.deviceMs, deviceMs],
          [time.hubMs, hubMs],
          [time.linkMs, linkMs],
        ] as const) {
          expect(one).toBeCloseTo(other, 5);
        }
      }),
      { numRuns: runs(200, 3000) },
    );
  });
});

describe('the map of links', () => {
  const scheme = (name: string, exchange: Exchange) => ({
    ...{ name, totals: totalsOf([exchange]) },
    timeOver: (link: LinkRates) => tokenTime(totalsOf([exchange]), link),
  });
  const alone = { opening: NOTHING, isStreamed: false, aheadCount: 0 };
  const call = { upBytes: 42, hubMs: 5, downBytes: 29, isAccepted: true };
  const schemes = [
    scheme('device', { ...alone, turns: [{ deviceMs: 50, call: null }] }),
    scheme('hub', streamed(40, 10)),
    scheme('every draft', { ...alone, turns: [{ deviceMs: 5, call }] }),
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

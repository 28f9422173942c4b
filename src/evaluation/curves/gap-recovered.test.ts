import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Place } from './curve-point.ts';
import { apgr, cpt, gapRecovered } from './gap-recovered.ts';
import { paretoFront } from './pareto-front.ts';
import { accuracyAt, polyline } from './polyline.ts';

const anchors = { small: { cost: 0, accuracy: 0.4 }, large: { cost: 1, accuracy: 0.8 } };
const flat = { small: { cost: 0, accuracy: 0.8 }, large: { cost: 1, accuracy: 0.8 } };

function at(cost: number, accuracy: number): Place {
  return { cost, accuracy };
}

const somePlaces = fc.array(
  fc.record({
    cost: fc.integer({ min: -3, max: 13 }).map((tenths) => tenths / 10),
    accuracy: fc.nat(100).map((percent) => percent / 100),
  }),
  { maxLength: 8 },
);

describe('a curve', () => {
  it('interpolates between points, averages points of equal cost, and is level beyond the ends', () => {
    const curve = polyline([at(0.5, 0.9), at(0.1, 0.3), at(0.5, 0.5)]);
    expect(accuracyAt(curve, 0.5)).toBeCloseTo(0.7, 12);
    expect(accuracyAt(curve, 0.2)).toBeCloseTo(0.4, 12);
    expect(accuracyAt(curve, 0)).toBe(0.3);
    expect(accuracyAt(curve, 0.1)).toBe(0.3);
    expect(accuracyAt(curve, 2)).toBeCloseTo(0.7, 12);
  });

  it('stays between the accuracies of its points', () => {
    fc.assert(
      fc.property(somePlaces, fc.double({ min: -1, max: 2, noNaN: true }), (places, cost) => {
        const all = [anchors.small, ...places, anchors.large];
        const accuracy = accuracyAt(polyline(all), cost);
        expect(accuracy).toBeGreaterThanOrEqual(Math.min(...all.map((p) => p.accuracy)) - 1e-9);
        expect(accuracy).toBeLessThanOrEqual(Math.max(...all.map((p) => p.accuracy)) + 1e-9);
      }),
    );
  });
});

describe('the gap recovered', () => {
  it('is 0 for the small model, 1 for the large one, and not clipped', () => {
    expect(gapRecovered(0.4, anchors)).toBe(0);
    expect(gapRecovered(0.8, anchors)).toBeCloseTo(1, 12);
    expect(gapRecovered(0.9, anchors)).toBeCloseTo(1.25, 12);
    expect(gapRecovered(0.9, flat)).toBeNull();
  });
});

describe('the average gap recovered', () => {
  it('is the area under the curve', () => {
    expect(apgr([], anchors)).toBeCloseTo(0.5, 12);
    expect(apgr([at(0.5, 0.6)], anchors)).toBeCloseTo(0.5, 12);
    // Two trapezia: 0.5 · 0.5 · 1 + 0.5 · 1.
    expect(apgr([at(0.5, 0.8)], anchors)).toBeCloseTo(0.75, 12);
    // Above the large model: 0.5 · (0 + 1.5) / 2 + 0.5 · (1.5 + 1) / 2.
    expect(apgr([at(0.5, 1)], anchors)).toBeCloseTo(1, 12);
    expect(apgr([at(0.5, 0.8)], flat)).toBeNull();
  });

  it('starts at the cost of the small model, even above 0', () => {
    const ratios = { small: { cost: 0.3, accuracy: 0.4 }, large: { cost: 1, accuracy: 0.8 } };
    expect(apgr([at(0.65, 0.8)], ratios)).toBeCloseTo(0.75, 12);
    expect(apgr([], { small: at(1, 0.4), large: at(1, 0.8) })).toBeNull();
  });

  it('is the integral of the curve for any points, and ignores those beyond the anchors', () => {
    fc.assert(
      fc.property(somePlaces, (places) => {
        const curve = polyline([anchors.small, ...places, anchors.large]);
        const knots = curve.filter(({ cost }) => cost >= 0 && cost <= 1);
        const area = knots.slice(1).reduce((sum, knot, index) => {
          const before = knots[index] ?? knot;
          return sum + ((knot.cost - before.cost) * (knot.accuracy + before.accuracy)) / 2;
        }, 0);
        // All knots are at tenths, where the midpoint grid is exact.
        expect(apgr(places, anchors)).toBeCloseTo((area - 0.4) / 0.4, 9);
        const within = places.filter(({ cost }) => cost >= 0 && cost <= 1);
        expect(apgr(within, anchors)).toBeCloseTo(apgr(places, anchors) ?? Number.NaN, 9);
      }),
    );
  });
});

describe('the call-performance threshold', () => {
  it('is the first cost at which the curve reaches the quality', () => {
    const points = [at(0.2, 0.6), at(0.4, 0.5), at(0.6, 0.9)];
    expect(cpt(points, anchors, 0.5)).toBeCloseTo(0.2, 12);
    expect(cpt(points, anchors, 0.25)).toBeCloseTo(0.1, 12);
    // From 0.5 at 0.4 to 0.9 at 0.6; 80 % of the gap is 0.72.
    expect(cpt(points, anchors, 0.8)).toBeCloseTo(0.4 + (0.2 * 0.22) / 0.4, 12);
    expect(cpt([], anchors, 0.95)).toBeCloseTo(0.95, 12);
    expect(cpt(points, anchors, 1.5)).toBeNull();
    expect(cpt(points, flat, 0.5)).toBeNull();
  });

  it('is the lowest cost that recovers the quality', () => {
    fc.assert(
      fc.property(somePlaces, fc.integer({ min: 1, max: 100 }), (places, percent) => {
        const cost = cpt(places, anchors, percent / 100);
        const curve = polyline([anchors.small, ...places, anchors.large]);
        const wanted = 0.4 + 0.4 * (percent / 100);
        if (cost === null) {
          for (const { accuracy } of curve) expect(accuracy).toBeLessThan(wanted);
          return;
        }
        expect(accuracyAt(curve, cost)).toBeGreaterThanOrEqual(wanted - 1e-9);
        const start = curve[0]?.cost ?? 0;
        for (let step = 0; step < 50; step += 1) {
          const cheaper = start + (step / 50) * (cost - start);
          if (cheaper < cost - 1e-9) {
            expect(accuracyAt(curve, cheaper)).toBeLessThan(wanted + 1e-9);
          }
        }
      }),
    );
  });
});

describe('the Pareto front', () => {
  it('leaves out points that another point beats, and keeps ties', () => {
    const places = [at(0, 0.4), at(0.5, 0.6), at(0.5, 0.6), at(0.5, 0.5), at(0.7, 0.6), at(1, 0.8)];
    expect(paretoFront(places)).toEqual([true, true, true, false, false, true]);
    expect(paretoFront([])).toEqual([]);
  });

  it('holds a point as good as each one outside, and none that beats another one inside', () => {
    fc.assert(
      fc.property(somePlaces, (places) => {
        const isOnFront = paretoFront(places);
        const front = places.filter((_, index) => isOnFront[index]);
        for (const place of places) {
          const better = front.filter((p) => p.cost <= place.cost && p.accuracy >= place.accuracy);
          expect(better.length).toBeGreaterThan(0);
        }
        for (const one of front) {
          for (const other of front) {
            expect(Math.sign(one.cost - other.cost)).toBe(Math.sign(one.accuracy - other.accuracy));
          }
        }
      }),
    );
  });
});

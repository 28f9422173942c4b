import { expect, it } from 'vitest';
import { tinyRouter } from '../judging/fakes/tiny-router.ts';
import { reliabilityDiagram } from './draw-calibration.ts';

it('a reliability diagram shows held-out labels beside agreement, without empty bins', () => {
  const diagram = reliabilityDiagram({
    kind: 'router',
    head: {
      ...tinyRouter({ strategy: 'citer' }),
      reliability: [{ predicted: 0.9, observed: 0.8, count: 7 }],
    },
    calibration: { on: '9 questions of mine', cuts: [], points: [] },
    agreement: {
      expectedCalibrationError: 0.125,
      bins: [
        { from: 0, until: 0.5, rowCount: 0, weight: 0, meanPredicted: null, observedShare: null },
        { from: 0.5, until: 1, rowCount: 3, weight: 3, meanPredicted: 0.75, observedShare: 0.5 },
      ],
    },
  });
  expect(diagram.title).toBe('What scores of citer mean');
  expect(diagram.subtitle).toContain('agreement on 9 questions of mine');
  expect(diagram.series.map(({ points }) => points)).toEqual([
    [{ predicted: 0.9, observed: 0.8, count: 7 }],
    [{ predicted: 0.75, observed: 0.5, count: 3 }],
  ]);
});

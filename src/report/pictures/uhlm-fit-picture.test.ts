import { expect, it } from 'vitest';
import { someFit } from '../../judging/fakes/some-fit.ts';
import { renderSvg } from '../render-svg.ts';
import { uhlmFitSpec } from './uhlm-fit-picture.ts';

const DRAFTS = [
  ...Array.from({ length: 90 }, (_, at) => ({ uncertainty: at / 1000, rejection: 0 })),
  ...Array.from({ length: 10 }, (_, at) => ({ uncertainty: 0.9 + at / 90, rejection: 1 })),
];

/** The values of the first layer with such a mark. */
function valuesOf(spec: unknown, mark: string): readonly Record<string, number>[] {
  const found: Record<string, number>[][] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const layer = node as { mark?: { type?: string }; data?: { values?: never[] } };
    if (layer.mark?.type === mark) found.push(layer.data?.values ?? []);
    Object.values(node).forEach(visit);
  };
  visit(spec);
  return found[0] ?? [];
}

it('shows every draft, the clipped law, both thresholds and the residuals', async () => {
  const fit = someFit({ law: { slope: 0.9, intercept: -0.09 } });
  const spec = uhlmFitSpec({ fit, drafts: DRAFTS });
  const cells = valuesOf(spec, 'rect');
  expect(cells.reduce((sum, { count }) => sum + (count ?? 0), 0)).toBe(DRAFTS.length);
  expect(Math.max(...cells.map(({ u1 }) => u1 ?? 2))).toBeLessThanOrEqual(1);
  const line = valuesOf(spec, 'line');
  expect(line.map(({ u }) => u)).toEqual([0, expect.closeTo(0.1, 12), 1]);
  expect(line.map(({ expected }) => expected)).toEqual([
    ...[0, expect.closeTo(0, 12), expect.closeTo(0.81, 12)],
  ]);
  const thresholds = valuesOf(spec, 'rule').map(({ threshold }) => threshold);
  expect(thresholds).toEqual([expect.closeTo(0.1, 12), expect.closeTo(0.59 / 0.9, 12)]);
  const [bin] = fit.bins;
  const [bar] = valuesOf(spec, 'bar');
  expect(bar?.['residual']).toBe((bin?.observed ?? 0) - (bin?.predicted ?? 0));
  const { svg } = await renderSvg(spec);
  for (const text of ['β ≈ 0.9 u − 0.09', 'small → large, temperature 1', 'risk-averse: 0.100']) {
    expect(svg).toContain(text);
  }
});

it('leaves out thresholds that there are not, or that lie beyond 1', async () => {
  const fit = someFit({ law: { slope: 0.3, intercept: 0.02 }, temperature: 0, correlation: null });
  const spec = uhlmFitSpec({ fit, drafts: DRAFTS });
  expect(valuesOf(spec, 'rule')).toEqual([]);
  const { svg } = await renderSvg(spec);
  expect(svg).toContain('β ≈ 0.3 u + 0.02');
  expect(svg).toContain('greedy');
});

import { Chalk } from 'chalk';
import { describe, expect, it } from 'vitest';
import type { Evaluated } from '../../app/evaluate.ts';
import { fakeResult } from '../../report/fakes/evaluation-result.ts';
import { fakeStepResult } from '../../report/fakes/step-result.ts';
import { renderEvaluation } from './render-evaluation.ts';

const NO_COLOR = new Chalk({ level: 0 });
const result = { ...fakeResult(), isScreened: false };
const evaluated: Evaluated = {
  ...{ result, path: 'out/result.json' },
  ...{ bills: { caption: '', textColumnCount: 1, columns: [], rows: [] } },
  ...{ liveCheck: null, rowCounts: { known: 12, computed: 34 } },
};
const render = (given: Evaluated): string => renderEvaluation(given, NO_COLOR);

describe('an evaluation as tables', () => {
  it('has a row for every point, with its share of right answers and its costs', () => {
    const lines = render(evaluated).split('\n');
    const { models, questionCount, task } = result;
    expect(lines[0]).toBe(
      `${task}: ${questionCount} questions, ${models.small.name} and ${models.large.name}`,
    );
    const from = lines.findIndex((line) => line.includes('threshold')) + 1;
    for (const [index, point] of result.results.entries()) {
      const row = lines[from + index] ?? '';
      expect(row.trim().split(/\s+/)[0]).toBe(point.strategy);
      expect(row).toContain(`${(100 * point.accuracy).toFixed(1)}%`);
      expect(row).toContain(point.weightTrafficRatio.toFixed(3));
    }
    expect(lines.filter((line) => / \* /.test(line))).toHaveLength(
      result.results.filter(({ isOnFront }) => isOnFront).length,
    );
  });

  it('shows what a server bills, if there is one', () => {
    const columns = ['strategy', 'calls'];
    const bills = { ...evaluated.bills, columns, rows: [['large', '1.0']] };
    expect(render({ ...evaluated, bills })).toMatch(/bills per answer +calls\nlarge +1\.0\n/);
    expect(render(evaluated)).not.toContain('bills');
  });

  it('sums curves up, and compares comparable curves', () => {
    const text = render(evaluated);
    expect(text).toContain('CPT50');
    expect(text).toMatch(/entropy - random .*large share/);
    const nothing = { value: null, low: null, high: null };
    const comparisons = result.comparisons.map((one) => ({ ...one, difference: nothing }));
    const bare = { ...result, comparisons, summary: {}, summaryByFlops: {}, summaryByTraffic: {} };
    const short = render({ ...evaluated, result: bare });
    expect(short).not.toContain('CPT50');
    expect(short).not.toContain('mean over');
    expect(text).toContain('mean over 2.5% to 40.0%');
    expect(text).toContain('Not compared: u-hlm.');
  });

  it('shows the steps of methods that judge steps, and both kinds of FLOPs of their comparisons', () => {
    const text = render({ ...evaluated, result: fakeStepResult() });
    const lines = text.split('\n').map((line) =>
      line
        .trim()
        .split(/\s{2,}/)
        .join(' | '),
    );
    expect(lines.find((line) => line.startsWith('strategy'))).toContain(
      'large share | steps rejected | of | expected | traffic | written | generated | processed',
    );
    expect(lines.find((line) => line.startsWith('rsd-large-likelihood *'))).toContain(
      '9.0% | 10.0% | 4.3 | 0.0% | 0.360 | 0.120 | 1.120 |',
    );
    expect(lines).toContain('rsd-likelihood - random-step | generated | +12.0 | +7.0 to +17.0');
    expect(lines).toContain(
      'rsd-large-likelihood - random-step | written | +20.0 | +15.0 to +25.0',
    );
    expect(lines).toContain(
      'Not compared: rsd-large-likelihood. No point of it costs less than the large model.',
    );
    expect(text).not.toContain('--shares');
    expect(render(evaluated)).not.toContain('rejected');
  });

  it('shows the transmitted share of drafts, which their curves are compared by', () => {
    const lines = render(evaluated).split('\n');
    expect(lines.find((line) => line.startsWith('strategy'))).toMatch(/large share +transmitted +/);
    expect(lines.find((line) => line.startsWith('u-hlm'))).toMatch(/ \d+\.\d% +\d+\.\d% /);
    expect(lines.some((line) => line.startsWith('by large share or transmitted share'))).toBe(true);
    const steps = render({ ...evaluated, result: fakeStepResult() });
    expect(steps).not.toContain('transmitted');
  });

  it('tells remembered rows, repeated answers, sampled questions, and the path', () => {
    const text = render(evaluated);
    expect(text).toContain('Rows: 12 remembered, 34 computed.');
    expect(text).toContain('pilotfish report out/result.json');
    expect(text).not.toContain('Given again live');
    const liveCheck = {
      count: 9,
      sameCount: 7,
      sameGradeCount: 8,
      largeShare: 0.2,
      liveLargeShare: 0.25,
    };
    const more = render({ ...evaluated, liveCheck, result: { ...result, isScreened: true } });
    expect(more).toContain(
      'Given again live: 9 answers, 7 the same token for token, 8 graded the same; large share ' +
        '20.0% remembered, 25.0% live.',
    );
    expect(more).toContain('questions on which both do alike sampled');
  });

  it('has a dash for a missing value', () => {
    const [small] = result.results;
    const alone = {
      ...result,
      results: small === undefined ? [] : [{ ...small, gapRecovered: null }],
    };
    const row = render({ ...evaluated, result: alone })
      .split('\n')
      .find((line) => line.trim().startsWith('small'));
    expect(row).toMatch(/\s-\s/);
  });

  it('shows thresholds with all their digits', () => {
    const results = result.results.map((point) =>
      point.strategy === 'margin' ? { ...point, threshold: 0.99998 } : point,
    );
    const text = render({ ...evaluated, result: { ...result, results } });
    expect(text).toMatch(/^margin[ *]+0\.99998 /m);
  });

  it('tells the gap between the models with its paired interval', () => {
    const text = render(evaluated);
    expect(text).toContain('Gap, large - small: +31.5 points (+25.4 to +37.6), paired.');
  });
});

import { describe, expect, it } from 'vitest';
import type { Comparison, EvaluationResult } from '../evaluation/results.ts';
import { fakeResult } from './fakes/evaluation-result.ts';
import { fakeStepResult } from './fakes/step-result.ts';
import { findings, verdictOf } from './findings.ts';

const RESULT = fakeResult();

function text(result: EvaluationResult): string {
  return findings(result).join('\n');
}

function comparison(
  low: number | null,
  high: number | null,
  named: Partial<Comparison> = {},
): Comparison {
  const value = low === null || high === null ? null : (low + high) / 2;
  return {
    ...{ strategy: 'entropy', other: 'random', otherIs: 'control', axis: 'largeShare', lacks: [] },
    difference: { value, low, high },
    ...named,
  };
}

describe('verdictOf', () => {
  it.each([
    [0.01, 0.1, 'better'],
    [-0.1, -0.01, 'worse'],
    [-0.01, 0.1, 'undecided'],
    [0, 0.1, 'undecided'],
    [null, null, 'not compared'],
  ])('of %d to %d is %s', (low, high, verdict) => {
    expect(verdictOf(comparison(low, high))).toBe(verdict);
  });
});

describe('findings', () => {
  it('compare a reward that reads the drafts at equal written FLOPs, and say that it saves no others', () => {
    const said = findings(fakeStepResult());
    expect(said).toContain(
      "rsd-likelihood beats the random step gate over 2.5 to 40 % of the way between the models' " +
        'generated FLOPs: +12.0 points on average (+7.0 to +17.0).',
    );
    expect(said).toContain(
      "rsd-large-likelihood beats the random step gate over 2.5 to 40 % of the way between the models' " +
        'written FLOPs: +20.0 points on average (+15.0 to +25.0).',
    );
    expect(said).toContain(
      "Not compared: rsd-large-likelihood over 2.5 to 40 % of the way between the models' generated " +
        'FLOPs. No point of it costs less than the large model.',
    );
    // Beaten at equal written FLOPs alone: what nothing beats would be another sentence.
    const { comparisons, ...rest } = fakeStepResult();
    const open = { value: 0.01, low: -0.1, high: 0.12 };
    const undecided = comparisons.map((one) => ({ ...one, difference: open }));
    const both = text({ ...rest, comparisons: undecided });
    expect(both).not.toContain('No strategy beats');
    expect(text({ ...rest, comparisons: undecided, comparisonsByWrittenFlops: [] })).toContain(
      'No strategy beats the random step gate.',
    );
    expect(said.filter((text) => text.startsWith('2 pairs are compared'))).toHaveLength(1);
  });

  it('begins with the models alone', () => {
    expect(findings(RESULT)[0]).toBe(
      'Right alone: the small model 40.5 % (35.8 to 45.4 %), the large model 72.0 % ' +
        '(67.4 to 76.2 %). The gap between them is 31.5 points (+25.4 to +37.6, paired).',
    );
  });

  it('says which strategies beat a control, by how much, and which are undecided', () => {
    const said = findings(RESULT);
    expect(said).toContain(
      'entropy beats the random gate over 2.5 to 40 % large share: +12.1 points on average ' +
        '(+7.8 to +16.3).',
    );
    expect(said).toContain(
      'Not decided: router against the control random-query over 2.5 to 40 % large share: ' +
        '+2.1 points on average (−1.7 to +6.0).',
    );
    expect(said).toContain(
      'Not compared: u-hlm over 2.5 to 40 % transmitted share. Of its points 4 lie in or next to ' +
        'that, and they reach from 6.0 % to 50.0 %; it takes 6, on both sides of it: add --shares.',
    );
    expect(said).toContain('No strategy beats the control random-query.');
    expect(said.join('\n')).not.toContain('No strategy beats the random gate');
  });

  it('says so if nothing beats the random gate', () => {
    const said = text(fakeResult({ isGateGood: false }));
    expect(said).toContain('No strategy beats the random gate, nor the control random-query, nor');
    expect(said).not.toMatch(/^\S+ beats/m);
  });

  it('says which strategy is worse than a control', () => {
    const comparisons = [comparison(-0.1, -0.02)];
    const said = text({ ...RESULT, comparisons });
    expect(said).toContain('No strategy beats the random gate.');
    expect(said).toContain('entropy is worse than the random gate');
  });

  it('says once which method is better than another, and counts the pairs that are open', () => {
    const between = (low: number, high: number, strategy: string, other: string) =>
      comparison(low, high, { strategy, other, otherIs: 'method' });
    const comparisons = [
      comparison(-0.1, 0.1),
      between(0.1, 0.3, 'entropy', 'cascade'),
      between(-0.3, -0.1, 'margin', 'entropy'),
      between(-0.1, 0.1, 'margin', 'cascade'),
    ];
    const said = findings({ ...RESULT, comparisons });
    expect(said).toContain('No strategy beats the random gate.');
    const over = 'over 2.5 to 40 % large share';
    expect(said).toContain(
      `entropy is better than cascade ${over}: +20.0 points on average (+10.0 to +30.0).`,
    );
    expect(said).toContain(
      `margin is worse than entropy ${over}: −20.0 points on average (−30.0 to −10.0).`,
    );
    expect(said).toContain('Pairs of other methods that are not decided: 1; the table holds them.');
    expect(said.join('\n')).not.toMatch(/cascade (is|beats)|margin against/);
  });

  it('has a sentence for every trained method against every untrained rule', () => {
    const rule = (low: number, high: number, other: string) =>
      comparison(low, high, { strategy: 'trained', other, otherIs: 'rule' });
    const comparisons = [rule(0.1, 0.3, 'a'), rule(-0.3, -0.1, 'b'), rule(-0.1, 0.1, 'c')];
    const said = findings({ ...RESULT, comparisons }).filter((one) => one.includes('trained rule'));
    expect(said.map((one) => one.split(' over ')[0])).toEqual([
      'trained beats the untrained rule a',
      'trained is worse than the untrained rule b',
      'Not decided: trained against the untrained rule c',
    ]);
  });

  it('says of every curve that cannot be compared once what it lacks', () => {
    const lacks = [{ strategy: 'margin', pointCount: 0, from: null, to: null }];
    const comparisons = [comparison(null, null, { lacks }), comparison(null, null, { lacks })];
    const said = findings({ ...RESULT, comparisons }).filter((one) => one.includes('Not compared'));
    expect(said).toEqual([
      'Not compared: margin over 2.5 to 40 % large share, where the large model does not cost more.',
    ]);
  });

  it('says that nothing is shown if nothing was compared', () => {
    expect(text({ ...RESULT, comparisons: [] })).toContain('nothing shows that one is better');
  });

  it('reports no gap if the large model is not better', () => {
    const results = RESULT.results.map((point) =>
      point.strategy === 'large' ? { ...point, accuracy: 0.4 } : { ...point, gapRecovered: null },
    );
    const said = text({ ...RESULT, results });
    expect(said).toContain('The large model is not better here');
    expect(said).not.toMatch(/of the gap, |The gap between/);
  });

  it('says how small a gap is', () => {
    const results = RESULT.results.map((point) =>
      point.strategy === 'large' ? { ...point, accuracy: 0.4053 } : point,
    );
    expect(text({ ...RESULT, results })).toContain('between them is less than 0.1 points (');
  });

  it('doubts a gap whose own interval reaches 0, whatever the intervals of the models alone', () => {
    const doubtful = { ...RESULT, gap: { value: 0.315, low: -0.01, high: 0.64 } };
    expect(text(doubtful)).toContain('the gap itself is doubtful');
    expect(text({ ...RESULT, gap: { value: null, low: null, high: null } })).toContain('doubtful');
    // 60 and 70 % of 200 questions, with 30 against 10 discordant ones: McNemar's p is 0.002.
    const levels = { small: [0.6, 0.531, 0.665], large: [0.7, 0.633, 0.759] } as const;
    const results = RESULT.results.map((point) => {
      if (point.strategy !== 'small' && point.strategy !== 'large') return point;
      const [accuracy, accuracyLow, accuracyHigh] = levels[point.strategy];
      return { ...point, accuracy, accuracyLow, accuracyHigh };
    });
    const certain = text({ ...RESULT, results, gap: { value: 0.1, low: 0.0395, high: 0.1605 } });
    expect(certain).toContain('is 10.0 points (+4.0 to +16.1, paired).');
    expect(certain).not.toContain('doubtful');
  });

  it('warns of few questions', () => {
    expect(text(fakeResult({ questionCount: 20 }))).toContain('20 questions are few');
    expect(text(RESULT)).not.toContain('are few');
  });

  it('names the cheapest point that is nearly as good as the large model, and no control', () => {
    const results = RESULT.results.map((point) =>
      point.strategy === 'random' ? { ...point, gapRecovered: 1, weightTrafficRatio: 0.1 } : point,
    );
    const said = text({ ...RESULT, results });
    expect(said).toContain(
      'Description: of the points that recover 95 % of the gap here, u-hlm@0.02 reads the least',
    );
    expect(said).toContain('It was chosen after looking');
    expect(said).not.toContain('saves nothing');
  });

  it('says that a point saves nothing, or that no point comes near', () => {
    const dear = RESULT.results.map((point) => ({ ...point, weightTrafficRatio: 1.2 }));
    expect(text({ ...RESULT, results: dear })).toContain(
      '1.20 of what the large model alone reads, which saves nothing',
    );
    const far = RESULT.results.map((point) => ({ ...point, gapRecovered: 0.5 }));
    expect(text({ ...RESULT, results: far })).toContain('No strategy recovers 95 % of the gap');
  });

  it('warns of many comparisons', () => {
    expect(text(RESULT)).toContain('3 pairs are compared, and their intervals are not corrected');
    const one = RESULT.comparisons.slice(0, 1);
    expect(text({ ...RESULT, comparisons: one, isScreened: false })).not.toMatch(
      /pairs are compared|Screened/,
    );
  });
});

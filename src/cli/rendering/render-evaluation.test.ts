import { expect, it } from 'vitest';
import { recordedIo } from '../../../test/cli/recorded-io.ts';
import type { EvaluationResult } from '../../evaluation/results.ts';
import { fakeResult } from '../../report/fakes/evaluation-result.ts';
import { renderEvaluation } from './render-evaluation.ts';

const RESULT = fakeResult();

function rendered(result: EvaluationResult): string {
  const evaluated = { result, liveCheck: null, rowCounts: { known: 1, computed: 2 } };
  return renderEvaluation(evaluated, 'result.json', recordedIo().io.color);
}

it('shows thresholds as they are', () => {
  const results = RESULT.results.map((point) =>
    point.strategy === 'margin' ? { ...point, threshold: 0.99998 } : point,
  );
  expect(rendered({ ...RESULT, results })).toMatch(/^margin[ *]+0\.99998 /m);
});

it('says the gap between the models with its paired interval', () => {
  expect(rendered(RESULT)).toContain('Gap, large - small: +31.5 points (+25.4 to +37.6), paired.');
});

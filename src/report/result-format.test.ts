import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import type { CurveSummary } from '../evaluation/results.ts';
import { fakeResult } from './fakes/evaluation-result.ts';
import { findings } from './findings.ts';
import { allPictures } from './pictures/all-pictures.ts';
import { parseResult } from './result-format.ts';
import { resultTables } from './tables.ts';

const RESULT = fakeResult();
const TEXT = JSON.stringify(RESULT);

function failure(text: string): PilotfishError {
  try {
    parseResult(text, 'r.json');
  } catch (error) {
    if (error instanceof PilotfishError) return error;
  }
  return expect.fail('it was read');
}

describe('parseResult', () => {
  it('reads every field back', () => {
    expect(parseResult(TEXT, 'r.json')).toEqual(RESULT);
  });

  it('ignores unknown fields', () => {
    const more = JSON.stringify({ type: 'evaluation', ...RESULT, later: 1 });
    expect(parseResult(more, 'r.json')).toEqual(RESULT);
  });

  it('reads a result of version 1 without its comparisons, which chose points by outcome', () => {
    const flat = ({ axis, apgr, cpt50, cpt80, cpt95 }: CurveSummary) => ({
      ...{ axis, apgr: apgr.value, apgrLow: apgr.low, apgrHigh: apgr.high },
      ...{ cpt50: cpt50.value, cpt80: cpt80.value, cpt95: cpt95.value },
    });
    const flatAll = (all: Readonly<Record<string, CurveSummary>>) =>
      Object.fromEntries(Object.entries(all).map(([name, one]) => [name, flat(one)]));
    const { interval: _, summaryByTraffic: _1, comparisonsByTraffic: _2, ...rest } = RESULT;
    const earlier = {
      ...{ ...rest, version: 1, comparisons: [{ strategy: 'entropy', pairs: [], pValue: 0.01 }] },
      ...{ summary: flatAll(rest.summary), summaryByFlops: flatAll(rest.summaryByFlops) },
    };
    const read = parseResult(JSON.stringify(earlier), 'r.json');
    expect(read).toMatchObject({ version: 3, interval: null, comparisons: [] });
    expect(read.summaryByTraffic).toEqual({});
    expect(read.results).toEqual(RESULT.results);
    const { value } = RESULT.summary['entropy']?.cpt80 ?? expect.fail('no entropy');
    expect(read.summary['entropy']?.apgr).toEqual(RESULT.summary['entropy']?.apgr);
    expect(read.summary['entropy']?.cpt80).toEqual({ value, low: null, high: null });
    expect(findings(read).join('\n')).toContain('An earlier version of this program wrote');
    expect(allPictures(read).length).toBeGreaterThan(5);
    expect(resultTables(read).map(({ rows }) => rows.length)).not.toContain(0);
  });

  it('reads a result of version 2, which counted neither written FLOPs nor steps', () => {
    const { summaryByWrittenFlops, comparisonsByWrittenFlops, stepAcceptance, ...rest } = RESULT;
    const results = rest.results.map(
      ({ writtenFlopsRatio, stepCount, rejectedShare, overLarge, ...point }) => point,
    );
    const read = parseResult(JSON.stringify({ ...rest, version: 2, results }), 'r.json');
    const overLarge = { value: null, low: null, high: null };
    const nothing = { writtenFlopsRatio: null, stepCount: null, rejectedShare: null, overLarge };
    expect(read).toEqual({
      ...{ ...RESULT, summaryByWrittenFlops: {}, comparisonsByWrittenFlops: [] },
      ...{ stepAcceptance: [], results: RESULT.results.map((point) => ({ ...point, ...nothing })) },
    });
    expect(allPictures(read).map(({ name }) => name)).not.toContain('accuracy-written-flops');
    expect(findings(read)).toEqual(findings(RESULT));
  });

  it.each([
    ['', 'r.json is no evaluation result: it is empty.'],
    [TEXT.slice(0, 2000), 'it ends in the middle'],
    ['> pilotfish@0.1.0 start\n{}', "it begins with npm's own lines"],
    ['nothing', 'it is not JSON'],
    ['[]', 'it has no version'],
    ['{"type":"error","message":"No."}', 'it holds an error, "No."'],
    [JSON.stringify({ ...RESULT, version: 4, results: 'of another shape' }), 'it is of version 4'],
    [JSON.stringify({ ...RESULT, results: [] }), 'has no results at results'],
    [JSON.stringify({ ...RESULT, models: { small: RESULT.models.small } }), 'at models.large'],
    [TEXT.replace('"gap":', '"gape":'), 'at gap'],
    [JSON.stringify({ ...RESULT, gap: { value: 0.1, low: 0 } }), 'at gap.high'],
    [TEXT.replace('"accuracyHigh":', '"accuracyHigh":1'), 'at results.0.accuracyHigh'],
    [TEXT.replace('"origin":"small"', '"origin":"<script>"'), 'tokens.0.origin'],
  ])('refuses %.40s', (text, message) => {
    const error = failure(text);
    expect(error.code).toBe('result-invalid');
    expect(error.message).toContain(message);
    expect(error.remedy).toMatch(/\.$/);
  });
});

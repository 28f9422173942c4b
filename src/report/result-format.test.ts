import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import { fakeResult } from './fakes/evaluation-result.ts';
import { parseResult } from './result-format.ts';

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

  it.each([
    ['', 'r.json is no evaluation result: it is empty.'],
    [TEXT.slice(0, 2000), 'it ends in the middle'],
    ['> pilotfish@0.1.0 start\n{}', "it begins with npm's own lines"],
    ['nothing', 'it is not JSON'],
    ['[]', 'it has no version'],
    ['{"type":"error","message":"No."}', 'it holds an error, "No."'],
    [JSON.stringify({ ...RESULT, version: 2, results: 'of another shape' }), 'it is of version 2'],
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

import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { type Script, startEvent, summaryEvent } from '../../../test/cli/scripted-engine.ts';
import { type ComparedAnswer, comparisonRows } from './comparison.ts';
import { renderComparison } from './render-comparison.ts';

function compared(run: string, text: string, summary: Script['summary'] = {}): ComparedAnswer {
  const script: Script = { tokens: [[text, 'large', true]], summary };
  const start = startEvent({ strategy: run });
  return { run, answer: { start, tokens: [], summary: summaryEvent(script) } };
}

const ROWS = comparisonRows([
  compared('small', 'other', { weightTrafficRatio: 0.3, largeShare: 0, verifiedShare: 0 }),
  compared('large', 'text'),
  compared('speculative', 'text', { generatedFlopsRatio: null, elapsedMs: 61_000 }),
]);

describe('comparisonRows', () => {
  it('compares each text with that of large', () => {
    expect(ROWS.map((row) => row.sameTextAsLarge)).toEqual([false, true, true]);
    const [alone] = comparisonRows([compared('small', 'text')]);
    expect(alone?.sameTextAsLarge).toBe(null);
  });
});

describe('renderComparison', () => {
  it('is one table if it fits', () => {
    expect(renderComparison(ROWS, 80)).toBe(
      'strategy    tokens large veri- large  weight writ.  gen. proc. time tok/s same\n' +
        '                   share  fied  fwds traffic FLOPs FLOPs FLOPs    s       text\n' +
        'small            1    0%    0%     3    0.30  0.31  0.37  1.10  2.0   0.5   no\n' +
        'large            1  100%  100%     3    0.41  0.31  0.37  1.10  2.0   0.5  yes\n' +
        'speculative      1  100%  100%     3    0.41  0.31     –  1.10 61.0   0.0  yes\n' +
        'Weight traffic and FLOPs: ratios to the large model alone for the same tokens.\n' +
        'Same text: as large.\n',
    );
  });

  it('has a column for rejected steps if a method decides about steps', () => {
    const steps = compared('rsd', 'text', { stepCount: 8, rejectedShare: 0.125 });
    const lines = renderComparison(comparisonRows([steps, compared('large', 'text')]), 90);
    expect(lines.split('\n').slice(0, 4)).toEqual([
      'strategy tokens large veri-    re- large  weight writ.  gen. proc. time tok/s same',
      '                share  fied jected  fwds traffic FLOPs FLOPs FLOPs    s       text',
      'rsd           1  100%  100%    13%     3    0.41  0.31  0.37  1.10  2.0   0.5  yes',
      'large         1  100%  100%      –     3    0.41  0.31  0.37  1.10  2.0   0.5  yes',
    ]);
  });

  it('becomes a list if the table does not fit', () => {
    const list = renderComparison(ROWS, 50);
    expect(list).toContain('speculative\n  tokens              1\n  large share         100%\n');
    for (const line of list.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(50);
  });
});

import { describe, expect, it } from 'vitest';
import {
  type Script,
  startEvent,
  summaryEvent,
  tokenEvent,
} from '../../../test/cli/scripted-engine.ts';
import type { ModelCost } from '../../core/events.ts';
import { InvariantError } from '../../core/invariant.ts';
import { type Answer, AnswerFold } from './answer.ts';
import { renderSummary, renderSummaryLine } from './render-summary.ts';

const TOKENS: Script['tokens'] = [
  ['A', 'small', false],
  [' fish', 'large', false],
  [' a', 'prompt-lookup', true],
  ['', 'small', true],
];

function answer(script: Partial<Script> = {}): Answer {
  const whole = { tokens: TOKENS, ...script };
  const fold = new AnswerFold();
  fold.add(startEvent({ strategy: 'entropy@2' }));
  whole.tokens.forEach((token, index) => {
    fold.add(tokenEvent(index, token));
  });
  fold.add(summaryEvent(whole));
  return fold.finish();
}

describe('renderSummary', () => {
  it('shows each face of the cost separately', () => {
    expect(renderSummary(answer(), 80)).toBe(
      'strategy         entropy@2\n' +
        'tokens           4: small 2, large 1, prompt-lookup 1\n' +
        'large share      25%, verified 50%\n' +
        'forwards         small 4, large 3\n' +
        'weight traffic   0.41 of large alone (12.3 GB)\n' +
        'written FLOPs    0.31 of large alone (2.6 TFLOP)\n' +
        'generated FLOPs  0.37 of large alone (3.1 TFLOP)\n' +
        'processed FLOPs  1.10 of large alone (9.3 TFLOP)\n' +
        'time             2.00 s, first token after 0.25 s\n' +
        'speed            2.0 tokens/s\n' +
        'end              the model ended its answer\n',
    );
  });

  it('shows the transmitted share of a method that decides about drafts', () => {
    const found = answer();
    const start = { ...found.start, unit: 'draft' as const };
    const text = renderSummary({ ...found, start }, 80);
    expect(text).toContain('verified 50%\ntransmitted      75% of the drafts\nforwards');
  });

  it('shows six digits of a threshold', () => {
    const found = answer();
    const start = { ...found.start, strategy: 'uhlm', thresholds: { u: 0.023442433510933804 } };
    expect(renderSummary({ ...found, start }, 80)).toContain('strategy         uhlm@0.0234424\n');
  });

  it('shows the steps of a method that decides about steps', () => {
    const text = renderSummary(answer({ summary: { stepCount: 8, rejectedShare: 0.25 } }), 80);
    expect(text).toContain('verified 50%\nsteps            8, 25% rejected\nforwards');
    const line = renderSummaryLine(answer({ summary: { stepCount: 8, rejectedShare: 0.25 } }));
    expect(line).toContain(' · 50% verified · steps 8, 25% rejected · weight traffic 0.41');
  });

  it('leaves missing values out, and adds notes and the link', () => {
    const text = renderSummary(
      answer({
        tokens: [],
        summary: {
          weightTrafficRatio: null,
          firstTokenMs: null,
          elapsedMs: 0,
          finishReason: 'token-limit',
          linkBytesUp: 10,
          linkBytesDown: 2000,
          notes: ['drafts are off: they would not pay on this machine'],
        },
      }),
      40,
    );
    expect(text).toContain('tokens           0: small 0, large 0\n');
    expect(text).toContain('weight traffic   12.3 GB\n');
    expect(text).toContain('link             10 B up, 2 kB down\n');
    expect(text).toContain('time             0.00 s\nspeed            0.0 tokens/s\n');
    expect(text).toContain('end              the token limit was\n');
    expect(text).toContain(
      'note             drafts are off: they\n                 would not pay on',
    );
  });

  it('names other models after the pair, by their labels or ids', () => {
    const cost: ModelCost = {
      ...{ forwardCount: 5, rowCount: 9, outputRowCount: 5, reusedRowCount: 0 },
      ...{
        writtenTokenCount: 5,
        writtenFlops: 1,
        weightTrafficBytes: 1,
        generatedFlops: 1,
        processedFlops: 1,
        price: null,
        billed: null,
      },
      ...{ bytesUp: 0, bytesDown: 0, computeMs: 1, waitedMs: 0 },
    };
    const models = { 'tiny-small': cost, 'tiny-large': cost, prm: cost, critic: cost };
    const { start, ...rest } = answer({ summary: { models } });
    const labels = { ...start.labels, reward: 'prm' };
    expect(renderSummary({ ...rest, start: { ...start, labels } }, 80)).toContain(
      'forwards         small 4, large 3, reward 5, critic 5\n',
    );
  });

  it('says the share that was asked for beside the share got, in both forms', () => {
    const asked = answer({ summary: { askedShare: 0.2 } });
    expect(renderSummary(asked, 80)).toContain(
      'large share      25% (20% asked for), verified 50%',
    );
    expect(renderSummaryLine(asked)).toContain(' · 25% (20% asked for) large · ');
    const ofSteps = answer({ summary: { askedShare: 0.2, stepCount: 8, rejectedShare: 0.5 } });
    expect(renderSummary(ofSteps, 80)).toContain(
      'steps            8, 50% rejected (20% asked for)',
    );
    expect(renderSummary(ofSteps, 80)).toContain('large share      25%, verified 50%');
    expect(renderSummaryLine(ofSteps)).toContain(' · 25% large · ');
  });

  it('has a short form', () => {
    expect(renderSummaryLine(answer())).toBe(
      'entropy@2: 4 tokens · 25% large · 50% verified · weight traffic 0.41 of large alone · ' +
        '2.00 s · 2.0 tokens/s',
    );
  });
});

describe('AnswerFold', () => {
  it('treats a run without a summary as a bug, and keeps its text', () => {
    const fold = new AnswerFold();
    fold.add(startEvent({ strategy: 'small' }));
    fold.add(tokenEvent(0, ['A', 'small', false]));
    expect(fold.text()).toBe('A');
    expect(() => fold.finish()).toThrow(InvariantError);
  });
});

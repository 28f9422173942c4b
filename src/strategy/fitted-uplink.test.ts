import { describe, expect, it } from 'vitest';
import { samplingParams } from '../core/sampling-params.ts';
import { someFit } from '../judging/fakes/some-fit.ts';
import type { StrategyOptions } from './strategy-options.ts';
import { createStrategy } from './strategy-value.ts';

const FIT = someFit({ law: { slope: 0.5, intercept: -0.05 } });
const UNSAFE = someFit({ law: { slope: 0.5, intercept: 0.02 } });

const at = (temperature: number) => ({ sampling: samplingParams({ temperature }) });

const thresholdOf = (text: string, options: StrategyOptions) =>
  createStrategy(text, options).thresholds['perturbation'];

function notesOf(text: string, options: StrategyOptions): readonly string[] {
  const strategy = createStrategy(text, options);
  const context = { temperature: 1 } as Parameters<typeof strategy.begin>[0];
  return strategy.begin(context).notes?.() ?? [];
}

describe('the threshold of uhlm', () => {
  it('is the risk-averse one of the fit for its temperature, or the risk that is asked for', () => {
    const options = { fits: [someFit({ temperature: 0 }), FIT], ...at(1) };
    for (const name of ['uhlm', 'cu-hlm']) {
      expect(thresholdOf(name, options)).toBeCloseTo(0.1, 12);
      expect(thresholdOf(name, { ...options, uplink: { risk: 'prone' } })).toBeCloseTo(1.1, 12);
      expect(notesOf(name, options)).toEqual([]);
    }
  });

  it('is the one that was given, whatever the fit', () => {
    const options = { fits: [FIT], ...at(1), uplink: { risk: 'prone' } as const };
    expect(thresholdOf('uhlm@0.3', options)).toBe(0.3);
    expect(notesOf('uhlm@0.3', at(1))).toEqual([]);
  });

  it('is the documented default without a fit or at another temperature, which is said', () => {
    expect(thresholdOf('uhlm', at(1))).toBe(0.08);
    expect(notesOf('uhlm', at(1))[0]).toContain('No fit tells');
    const other = { fits: [FIT], ...at(0.7) };
    expect(thresholdOf('uhlm', other)).toBe(0.08);
    expect(notesOf('uhlm', other)[0]).toContain(
      'at temperature 0.7 (see `pilotfish fit uhlm`): the threshold is 0.08',
    );
  });

  it('is the documented default where no draft is safe, with the risk of it', () => {
    const options = { fits: [UNSAFE], ...at(1) };
    expect(thresholdOf('uhlm', options)).toBe(0.08);
    expect(notesOf('uhlm', options)[0]).toContain('(b = 0.02)');
    expect(notesOf('uhlm', options)[0]).toContain('6 %');
    expect(thresholdOf('uhlm', { ...options, uplink: { risk: 'prone' } })).toBeCloseTo(0.96, 12);
  });

  it.each([
    ['averse', {}, 'head-missing', 'needs a fit'],
    ['prone', { fits: [FIT], ...at(0.5) }, 'head-mismatch', 'made at temperature 1'],
    ['averse', { fits: [UNSAFE], ...at(1) }, 'threshold-invalid', '(b = 0.02)'],
  ] as const)('is refused for risk %s where no fit answers it', (risk, options, code, message) => {
    expect(() => createStrategy('uhlm', { ...options, uplink: { risk } })).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it.each([
    [{ temperature: 1, topP: 0.9 }, 'top-k, top-p or min-p'],
    [{ temperature: 1, topK: 40 }, 'top-k, top-p or min-p'],
    [{ temperature: 1, minP: 0.1 }, 'top-k, top-p or min-p'],
    [{ temperature: 1, frequencyPenalty: 0.5 }, 'penalties'],
    [{ temperature: 0, repetitionPenalty: 1.1 }, 'penalties'],
    [{ temperature: 0, logitBias: { 3: 5 } }, 'a logit bias'],
  ] as const)('does not follow from a fit with the sampling %o', (given, step) => {
    const sampling = samplingParams(given);
    const options = { fits: [FIT, someFit({ temperature: 0 })], sampling };
    expect(thresholdOf('uhlm', options)).toBe(0.08);
    expect(notesOf('uhlm', options)).toEqual([
      `The fit of this pair does not hold with ${step}: the threshold is 0.08`,
    ]);
    expect(() => createStrategy('uhlm', { ...options, uplink: { risk: 'averse' } })).toThrow(
      expect.objectContaining({ code: 'head-mismatch', message: expect.stringContaining(step) }),
    );
  });

  it('follows from it where a step of the sampling changes nothing', () => {
    // A greedy draft is the best token, however many tokens are left beside it.
    const greedy = samplingParams({ topK: 40, topP: 0.9 });
    const fits = [someFit({ temperature: 0 }), FIT];
    expect(thresholdOf('uhlm', { fits, sampling: greedy })).toBeCloseTo(0.1, 12);
    const unseen = samplingParams({ temperature: 1, presencePenalty: 1, penaltyWindow: 0 });
    expect(thresholdOf('uhlm', { fits, sampling: unseen })).toBeCloseTo(0.1, 12);
  });

  it('leaves other gates alone', () => {
    const options = { fits: [FIT], ...at(1) };
    expect(createStrategy('uhlm-pd', options).thresholds).toEqual({ 'draft-probability': 0.1 });
  });
});

describe('the number of tokens', () => {
  it('needs a fit where it depends on one, and none otherwise', () => {
    for (const tokenCount of ['offline', 'online'] as const) {
      const uplink = { sends: 'top', tokenCount } as const;
      expect(() => createStrategy('hlm', { uplink, ...at(1) })).toThrow(
        expect.objectContaining({ code: 'head-missing' }),
      );
      expect(() => createStrategy('hlm', { uplink, ...at(0.5), fits: [FIT] })).toThrow(
        expect.objectContaining({ code: 'head-mismatch' }),
      );
      createStrategy('hlm', { uplink, ...at(1), fits: [FIT] });
      // Greedy requests send no distribution, and nor does a device that sends ids.
      createStrategy('hlm', { uplink, ...at(0) });
      createStrategy('hlm', { uplink: { sends: 'ids', tokenCount }, ...at(1) });
    }
  });

  it('is refused offline where the fit has none', () => {
    const fits = [someFit({ offlineTokenCount: null })];
    const uplink = { tokenCount: 'offline' } as const;
    expect(() => createStrategy('cu-hlm@0.1', { uplink, ...at(1), fits })).toThrow(
      expect.objectContaining({ code: 'threshold-invalid' }),
    );
  });
});

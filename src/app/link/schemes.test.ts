import { describe, expect, it } from 'vitest';
import { fakeResult } from '../../report/fakes/evaluation-result.ts';
import { checkEvaluated, keptAccuracy } from './kept-accuracy.ts';
import { isLossless, isYardstick, parseSchemes, sentDistribution } from './schemes.ts';

const ALL =
  'small,large,hlm:distribution,hlm:top,hlm:ids,uhlm@0.3,cu-hlm,random-uhlm@30%:ids,uhlm-pd:top';

describe('schemes', () => {
  it('are strategies with what their devices send', () => {
    const schemes = parseSchemes(ALL, {});
    expect(schemes.map(({ name }) => name).join()).toBe(ALL);
    expect(schemes.map(({ sends }) => sends)).toEqual([
      ...[null, null, 'distribution', 'top', 'ids'],
      ...['distribution', 'top', 'ids', 'top'],
    ]);
    expect(schemes[5]?.value).toMatchObject({ method: { name: 'uhlm' }, threshold: 0.3 });
  });

  it('send what the option says where they do not say it themselves', () => {
    const sends = parseSchemes('large, hlm,hlm:ids ,hlm', { sends: 'top' }).map((one) => one.sends);
    expect(sends).toEqual([null, 'top', 'ids']);
  });

  it('draft ahead where they say so, or the option does', () => {
    const ahead = (text: string, count?: number) =>
      parseSchemes(text, { ahead: count }).map(({ sends, aheadCount }) => [sends, aheadCount]);
    const names = 'large,uhlm,uhlm:ahead,uhlm:ids:ahead';
    const sent = [null, 'distribution', 'distribution', 'ids'];
    expect(ahead(names)).toEqual(sent.map((one, at) => [one, at > 1 ? 16 : 0]));
    expect(ahead(names, 5)).toEqual(sent.map((one, at) => [one, at > 0 ? 5 : 0]));
  });

  it.each([
    ['large:ahead', 'option-invalid', 'large sends none'],
    ['hlm:ahead:ids', 'option-invalid', '"ahead:ids" is no uplink'],
    ['hlm:ids:top', 'option-invalid', '"ids:top" is no uplink'],
    ['hlm:all', 'option-invalid', '"all" is no uplink'],
    ['hlm:', 'option-invalid', '"" is no uplink'],
    ['large:ids', 'option-invalid', 'large sends none'],
    ['entropy', 'option-invalid', 'entropy transmits no drafts'],
    ['rsd@0.9', 'option-invalid', 'rsd transmits no drafts'],
    ['speculative', 'option-invalid', 'speculative transmits no drafts'],
    ['', 'strategy-unknown', ''],
    ['small,,large', 'strategy-unknown', ''],
    ['uhlm@x', 'threshold-invalid', 'x'],
  ])('are not "%s"', (text, code, message) => {
    expect(() => parseSchemes(text, {})).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it('send no distribution when they are greedy', () => {
    const [, , full, top, ids] = parseSchemes(ALL, {});
    const kinds = (temperature: number) =>
      [full, top, ids].map((one) => one && sentDistribution(one, temperature, { tokenCount: 9 }));
    expect(kinds(0)).toEqual([{ kind: 'none' }, { kind: 'none' }, { kind: 'none' }]);
    expect(kinds(1)).toEqual([
      { kind: 'full' },
      { kind: 'top', tokenCount: 9, bitCount: 8 },
      { kind: 'none' },
    ]);
  });

  it('that always transmit are lossless, but with the compression of the paper', () => {
    const lossless = (rest: 'none' | 'uniform') =>
      parseSchemes(ALL, {})
        .filter((scheme) => isLossless(scheme, { rest }))
        .map(({ name }) => name);
    expect(lossless('none')).toEqual(['large', 'hlm:distribution', 'hlm:top', 'hlm:ids']);
    expect(lossless('uniform')).toEqual(['large', 'hlm:distribution', 'hlm:ids']);
  });

  it('to compare with are the small model and coins', () => {
    const names = parseSchemes(ALL, {})
      .filter(isYardstick)
      .map(({ name }) => name);
    expect(names).toEqual(['small', 'random-uhlm@30%:ids']);
  });
});

describe('the accuracy that a scheme keeps', () => {
  const fake = fakeResult();
  const [small, large] = fake.results;
  const point = (threshold: number, seed: number, accuracy: number) => ({
    ...(large ?? expect.fail('a point')),
    ...{ strategy: 'uhlm', threshold, seed, accuracy },
  });
  const results = [
    { ...(small ?? expect.fail('a point')), accuracy: 0.4 },
    { ...(large ?? expect.fail('a point')), accuracy: 0.8 },
    ...[point(0.08, 1, 0.7), point(0.08, 2, 0.74), point(0.3, 1, 0.6)],
  ];
  const kept = (name: string, at: number | null = null) =>
    parseSchemes(name, {}).map((scheme) => keptAccuracy(scheme, at, {}, { results }))[0];

  it('is that of its point in the evaluation, seeds averaged, over that of the large model', () => {
    expect(kept('small')).toBeCloseTo(0.5);
    expect(kept('uhlm@0.08:ids', 0.08)).toBeCloseTo(0.9);
    expect(kept('uhlm@0.3', 0.3)).toBeCloseTo(0.75);
  });

  it('is that of the threshold that the scheme ran with, as where a fit gives it', () => {
    expect(kept('uhlm', 0.3)).toBeCloseTo(0.75);
    expect(kept('uhlm', 0.0559)).toBeNull();
  });

  it('is all of it for lossless schemes, and unknown without a point', () => {
    expect([kept('large'), kept('hlm:ids')]).toEqual([1, 1]);
    expect([kept('uhlm@0.5', 0.5), kept('cu-hlm', 0.08), kept('random-uhlm', 0.3)]).toEqual([
      ...[null, null, null],
    ]);
  });

  it('is that of the same models and temperature, or it is refused', () => {
    const { models } = fake;
    const run = { small: models.small.name, large: models.large.name, temperature: 1 };
    const check = (changes: Partial<typeof run>, temperature: number | null = 1) => {
      checkEvaluated({ models, temperature }, { ...run, ...changes }, 'result.json');
    };
    check({});
    // Results of earlier versions do not say it.
    check({}, null);
    expect(() => check({}, 0)).toThrow('at temperature 0, but the schemes run at 1');
    for (const other of [{ small: 'pocket-small' }, { large: 'pocket-large' }]) {
      expect(() => check(other)).toThrow(expect.objectContaining({ code: 'option-invalid' }));
    }
  });
});

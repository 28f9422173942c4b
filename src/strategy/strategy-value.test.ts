import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import { tinyRewards } from '../judging/fakes/tiny-reward.ts';
import { tinyRouter, tinyRouters } from '../judging/fakes/tiny-router.ts';
import { entropyMethod } from './entropy.ts';
import type { HeadKind, Method } from './method.ts';
import { METHODS } from './methods.ts';
import { speculativeMethod } from './speculative.ts';
import {
  asStrategy,
  createStrategy,
  labelsOf,
  methodNamed,
  parseStrategy,
  strategyValue,
} from './strategy-value.ts';

function failure(text: string): PilotfishError {
  try {
    parseStrategy(text);
  } catch (error) {
    if (PilotfishError.isInstance(error)) return error;
    throw error;
  }
  throw new Error(`"${text}" was accepted`);
}

const WITH_THRESHOLD = METHODS.filter(({ threshold }) => threshold !== null);
const WITH_DEFAULT = WITH_THRESHOLD.filter(({ threshold }) => threshold?.default !== null);
const LEARNED = METHODS.filter(({ head }) => head !== null).map(({ name }) => name);
const ofKind = (kind: HeadKind) =>
  METHODS.filter(({ head }) => head?.kind === kind).map(({ name }) => name);
const ROUTED = ofKind('router');
const routers = tinyRouters(ROUTED);
const rewards = tinyRewards(ofKind('reward'));
const WITHOUT_THRESHOLD = METHODS.filter(({ threshold }) => threshold === null);

describe('parseStrategy', () => {
  it('accepts every bare name, without a threshold', () => {
    for (const method of METHODS) {
      const value = { method, threshold: null, share: null, text: method.name };
      expect(parseStrategy(method.name)).toEqual(value);
      expect(strategyValue(method)).toEqual(value);
    }
  });

  it('builds the same strategy from a documented default that is written out', () => {
    for (const { name, threshold } of WITH_DEFAULT) {
      const text = `${name}@${threshold?.default}`;
      expect(parseStrategy(text)).toMatchObject({ threshold: threshold?.default, text });
      expect(createStrategy(text).thresholds).toEqual(createStrategy(name).thresholds);
    }
  });

  it('keeps the written text, and knows only the given methods', () => {
    expect(parseStrategy('random@12.5%').text).toBe('random@12.5%');
    const own: Method = { ...entropyMethod, name: 'own' };
    expect(parseStrategy('own@2', [own])).toMatchObject({ method: own, threshold: 2 });
    expect(() => parseStrategy('entropy', [own])).toThrow(
      expect.objectContaining({ remedy: expect.stringContaining('Choose one of own;') }),
    );
  });

  it('parses the text of a value to the same value', () => {
    for (const { method, threshold } of [
      strategyValue(entropyMethod, -1e-7),
      strategyValue(entropyMethod, 12.5),
      strategyValue(speculativeMethod),
    ]) {
      const value = strategyValue(method, threshold);
      expect(parseStrategy(value.text)).toEqual(value);
      expect(asStrategy(value)).toBe(value);
    }
  });

  it.each([
    ['entropy@1.5', 1.5],
    ['entropy@-1', -1],
    ['entropy@+2', 2],
    ['entropy@.5', 0.5],
    ['entropy@5.', 5],
    ['entropy@1e3', 1000],
    ['entropy@1E-3', 0.001],
    ['entropy@-2.5e+1', -25],
    ['entropy@007', 7],
    ['margin@1.5', 1.5],
    ['margin@-0.5', -0.5],
    ['random@0', 0],
    ['random@1', 1],
    ['random@0.25', 0.25],
    ['random@5e-1', 0.5],
    ['random@30%', 0.3],
    ['random@0%', 0],
    ['random@100%', 1],
    ['random@12.5%', 0.125],
  ])('reads the threshold of %s', (text, threshold) => {
    expect(parseStrategy(text)).toMatchObject({ threshold, share: null, text });
  });

  it('parses every number as it is printed', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (threshold) => {
        expect(parseStrategy(`entropy@${threshold}`).threshold).toBeCloseTo(threshold, 12);
      }),
    );
  });

  it.each([
    '',
    '@',
    '@1',
    'Entropy',
    'entropy ',
    ' entropy',
    'larger',
    'constructor',
    '__proto__',
    'citer-',
    'routing',
    'entropy=1',
    'entropy:1',
  ])('does not know a strategy named "%s"', (text) => {
    const error = failure(text);
    const name = text.split('@')[0];
    expect(error).toMatchObject({ code: 'strategy-unknown', fields: { strategy: name } });
    expect(error.message).toContain(`"${name}"`);
    for (const known of METHODS) expect(error.remedy).toContain(known.name);
  });

  it.each([
    ['entropy@', 'not a number'],
    ['entropy@abc', 'not a number'],
    ['entropy@ 1', 'not a number'],
    ['entropy@1 ', 'not a number'],
    ['entropy@1\n', 'not a number'],
    ['entropy@1,5', 'not a number'],
    ['entropy@1@2', 'not a number'],
    ['entropy@.', 'not a number'],
    ['entropy@-', 'not a number'],
    ['entropy@--1', 'not a number'],
    ['entropy@1e', 'not a number'],
    ['entropy@1_000', 'not a number'],
    ['entropy@0x10', 'not a number'],
    ['entropy@0b1', 'not a number'],
    ['entropy@NaN', 'not a number'],
    ['entropy@Infinity', 'not a number'],
    ['entropy@\u0663', 'not a number'],
    ['entropy@\uff11', 'not a number'],
    ['entropy@%', 'not a number'],
    ['random@30%%', 'not a number'],
    ['random@30 %', 'not a number'],
    ['entropy@1e999', 'not finite'],
    ['entropy@-1e999', 'not finite'],
    ['entropy@30%', 'calibrated'],
    ['margin@5%', 'calibrated'],
    ['random@1.5', 'not between 0 and 1'],
    ['random@-0.1', 'not between 0 and 1'],
    ['random@101%', 'not between 0 and 1'],
    ['random@-1%', 'not between 0 and 1'],
    ['random@30', 'not between 0 and 1'],
    ['citer@101%', 'not between 0 and 1'],
    ['citer@-1%', 'not between 0 and 1'],
    ['citer@', 'not a number'],
    ['co-llm@x%', 'not a number'],
    ['rsd@200%', 'not between 0 and 1'],
    ['hgs-prm@5%', 'no share'],
    ['hgs-prm-likelihood@5%', 'no share'],
  ])('refuses the threshold of %j: %s', (text, why) => {
    const error = failure(text);
    expect(error).toMatchObject({ code: 'threshold-invalid', fields: { strategy: text } });
    expect(error.message).toContain(why);
    expect(error.message).toContain(text);
    const [name] = text.split('@');
    expect(error.remedy).toMatch(new RegExp(`^Give a number, as in ${name}@[\\d.]+:`));
  });

  it.each(WITHOUT_THRESHOLD)('refuses a threshold for $name, which takes none', ({ name }) => {
    for (const text of [`${name}@1`, `${name}@`]) {
      expect(failure(text)).toMatchObject({
        code: 'threshold-invalid',
        message: expect.stringContaining(`${name} takes no threshold`),
        remedy: `Write "${name}".`,
      });
    }
  });

  it('never fails in another way for any text', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string().map((text) => `entropy@${text}`),
      fc.string().map((text) => `random@${text}`),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        try {
          const { threshold } = parseStrategy(text);
          if (threshold !== null) expect(Number.isFinite(threshold)).toBe(true);
        } catch (error) {
          expect(PilotfishError.isInstance(error)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('the list of methods', () => {
  it('has unique names that an @ can follow', () => {
    expect(new Set(METHODS.map(({ name }) => name)).size).toBe(METHODS.length);
    for (const { name } of METHODS) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  it('builds strategies that carry their name, threshold and models', () => {
    for (const { name, needs, threshold, costModels } of METHODS) {
      const strategy = createStrategy(name, { routers, rewards });
      expect(strategy.name).toBe(name);
      expect(costModels.length).toBeGreaterThan(0);
      expect(Object.keys(strategy.needs)).toEqual(needs);
      const byDefault =
        threshold?.default ?? (routers.get(name) ?? rewards.get(name))?.defaultThreshold;
      const expected = threshold === null ? {} : { [threshold.name]: byDefault };
      expect(strategy.thresholds).toEqual(expected);
      expect(labelsOf(name)).toEqual(needs);
    }
  });

  it('has a random control for every unit of its methods', () => {
    const controlled = METHODS.flatMap(({ controlOf }) => controlOf ?? []);
    const decided = METHODS.flatMap(({ unit }) => unit ?? []);
    expect(new Set(controlled)).toEqual(new Set(decided));
    for (const { controlOf, unit, threshold } of METHODS.filter((one) => one.controlOf !== null)) {
      expect(controlOf).toBe(unit);
      // Its share is its threshold, so it needs no try-out.
      expect(threshold?.isShare).toBe(true);
    }
  });

  it('is found by name, and gives null for unknown names', () => {
    for (const method of METHODS) expect(methodNamed(method.name)).toBe(method);
    expect(methodNamed('constructor')).toBeNull();
  });

  it('passes the given threshold on', () => {
    expect(createStrategy('entropy@-1').thresholds).toEqual({ entropy: -1 });
    expect(createStrategy('margin@2').thresholds).toEqual({ margin: 2 });
    expect(createStrategy('random@30%').thresholds).toEqual({ share: 0.3 });
  });

  it('needs no small model for drafts by prompt lookup', () => {
    const options = { speculative: { proposer: 'prompt-lookup' } } as const;
    expect(labelsOf('speculative', options)).toEqual(['large']);
  });

  it('checks the text before it builds', () => {
    expect(() => createStrategy('random@2')).toThrow(PilotfishError);
    expect(() => labelsOf('nothing')).toThrow(PilotfishError);
  });
});

describe('strategies with a trained head', () => {
  it('are all methods whose heads have the default threshold', () => {
    const withoutDefault = WITH_THRESHOLD.filter(({ threshold }) => threshold?.default === null);
    const learned = WITH_THRESHOLD.filter(({ head }) => head !== null);
    expect(learned).toEqual(withoutDefault);
    expect(LEARNED).toContain('citer');
  });

  it('accept a share in percent, and otherwise a threshold', () => {
    expect(parseStrategy('citer@30%')).toMatchObject({ threshold: null, share: 0.3 });
    expect(parseStrategy('citer@0.3')).toMatchObject({ threshold: 0.3, share: null });
    expect(parseStrategy('citer@2')).toMatchObject({ threshold: 2, share: null });
    expect(parseStrategy('random@30%')).toMatchObject({ threshold: 0.3, share: null });
  });

  it('turn a share into the threshold that their router was calibrated to', () => {
    expect(createStrategy('citer@30%', { routers }).thresholds).toEqual({ tau: 0.45 });
    // Its runs gave 60 % where 50 % were predicted.
    expect(createStrategy('citer@45%', { routers }).thresholds).toEqual({ tau: 0.55 });
    expect(createStrategy('citer@0%', { routers }).thresholds).toEqual({ tau: 0 });
    expect(createStrategy('citer@100%', { routers }).thresholds).toEqual({ tau: 2 });
  });

  it('refuse a share that was not measured, and name the range', () => {
    for (const share of ['9%', '61%', '99.9%']) {
      expect(() => createStrategy(`citer@${share}`, { routers })).toThrow(
        expect.objectContaining({
          code: 'threshold-invalid',
          message: expect.stringContaining('from 10 to 60 %, on a formula'),
        }),
      );
    }
  });

  it('accept no share where their router was not calibrated', () => {
    const bare = new Map([['citer', tinyRouter({ calibration: null })]]);
    expect(() => createStrategy('citer@30%', { routers: bare })).toThrow(
      expect.objectContaining({ code: 'threshold-invalid' }),
    );
    expect(createStrategy('citer', { routers: bare }).thresholds).toEqual({ tau: 0.625 });
  });

  it.each(LEARNED)('%s is refused without its head', (name) => {
    const head = methodNamed(name)?.head;
    const without = <T>(heads: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
      new Map([...heads].filter(([strategy]) => strategy !== head?.name));
    for (const options of [{}, { routers: without(routers), rewards: without(rewards) }]) {
      expect(() => createStrategy(name, options)).toThrow(
        expect.objectContaining({
          ...{ code: 'head-missing', fields: { strategy: name } },
          message: `${name} needs a ${head?.kind} trained for these models, and there is none.`,
        }),
      );
    }
    // The needed models are known before.
    expect(labelsOf(name)).toEqual(methodNamed(name)?.needs);
  });
});

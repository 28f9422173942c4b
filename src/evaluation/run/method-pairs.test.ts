import { describe, expect, it } from 'vitest';
import type { Method, Unit } from '../../strategy/method.ts';
import { METHODS } from '../../strategy/methods.ts';
import { comparedWith, methodPairs, sharesTellCosts } from './method-pairs.ts';

const methods = (...names: readonly string[]): Method[] =>
  names.map((name) => METHODS.find((one) => one.name === name) ?? expect.fail(name));

const pairsOf = (...names: readonly string[]): string[] =>
  methodPairs(methods(...names)).map(
    ([one, other]) => `${one.name} ${other.name} ${comparedWith(one, other)}`,
  );

describe('the pairs of methods that are compared', () => {
  it('are all but those of two controls, each once and in the same order', () => {
    const pairs = [
      'citer margin rule',
      'citer cascade method',
      'citer random control',
      'citer random-query control',
      'margin cascade method',
      'margin random control',
      'margin random-query control',
      'cascade random control',
      'cascade random-query control',
    ];
    expect(pairsOf('citer', 'margin', 'cascade', 'random', 'random-query')).toEqual(pairs);
    expect(pairsOf('random', 'margin', 'citer', 'random-query', 'cascade')).toEqual(pairs);
  });

  it('are compared at equal shares within a unit, but for steps', () => {
    const byShare = (...names: readonly [string, string]): boolean => {
      const [one, other] = methods(...names) as [Method, Method];
      return sharesTellCosts(one, other);
    };
    expect(byShare('margin', 'random')).toBe(true);
    expect(byShare('cascade', 'random-query')).toBe(true);
    expect(byShare('margin', 'random-query')).toBe(false);
    expect(byShare('rsd-likelihood', 'random-step')).toBe(false);
  });

  it('hold every trained method against every untrained one of its unit', () => {
    const pairs = methodPairs(METHODS.filter(({ unit }) => unit !== null));
    const rules = pairs.filter(([one, other]) => comparedWith(one, other) === 'rule');
    const untrained = METHODS.filter(
      (method) => method.head === null && method.unit !== null && method.controlOf === null,
    );
    const trainedOf = (unit: Unit | null) =>
      METHODS.filter((method) => method.head !== null && method.unit === unit);
    for (const rule of untrained) {
      const against = rules.filter(([, other]) => other === rule).map(([one]) => one);
      expect(against).toEqual(trainedOf(rule.unit));
    }
    const names = rules.map(([one, other]) => `${one.name} ${other.name}`);
    for (const pair of ['citer margin', 'citer class-margin', 'rsd rsd-likelihood']) {
      expect(names).toContain(pair);
    }
  });
});

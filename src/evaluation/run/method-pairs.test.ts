import { describe, expect, it } from 'vitest';
import type { Method } from '../../strategy/method.ts';
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
    const routers = METHODS.filter(({ head }) => head !== null);
    for (const rule of ['entropy', 'margin', 'class-margin']) {
      const against = rules.filter(([, other]) => other.name === rule).map(([one]) => one);
      expect(against).toEqual(routers);
    }
    expect(rules).toHaveLength(3 * routers.length);
  });
});

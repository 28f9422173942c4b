/** The options that each strategy of an evaluation was given. Pure. */
import { type Method, optionGroupsOf } from '../../strategy/method.ts';
import type { EvaluationPair } from './evaluation-pair.ts';

/** By their names, as `steps.draftCount`. */
export type GivenOptions = Readonly<Record<string, unknown>>;

/** Those of a method that are not left to their defaults, in the order of their names. */
export function givenOptions(
  method: Method,
  { strategyOptions = {} }: Pick<EvaluationPair, 'strategyOptions'>,
): GivenOptions {
  const all = optionGroupsOf(method).flatMap((group) =>
    Object.entries(strategyOptions[group] ?? {}).map(
      ([name, value]) => [`${group}.${name}`, value] as const,
    ),
  );
  const given = all.filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** By the names of methods; those without any are left out. */
export function optionsByStrategy(
  methods: readonly Method[],
  pair: Pick<EvaluationPair, 'strategyOptions'>,
): Readonly<Record<string, GivenOptions>> {
  const all = methods.map((method) => [method.name, givenOptions(method, pair)] as const);
  return Object.fromEntries(all.filter(([, given]) => Object.keys(given).length > 0));
}

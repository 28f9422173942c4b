/** The pairs that a server has open, and the names under which clients find their strategies. */
import { PilotfishError } from '../core/errors.ts';
import type { Engine } from '../engine/engine.ts';
import type { StrategyValue } from '../strategy/method.ts';
import { parseStrategy } from '../strategy/strategy-value.ts';
import { RequestError } from './refusal.ts';

export interface ServedPair {
  readonly name: string;
  readonly engine: Engine;
  /** The names of the strategies that work with it. */
  readonly strategies: readonly string[];
  /** The strategy of a request that names only the pair. */
  readonly strategyDefault: string;
}

export interface FoundModel {
  readonly pair: ServedPair;
  readonly strategy: StrategyValue;
}

/**
 * The pair and the strategy of a model's name: `STRATEGY`, of the first pair, `PAIR/STRATEGY`, or `PAIR`.
 * @param given null: the first pair
 * @throws RequestError 404; PilotfishError `threshold-invalid`
 */
export function findModel(given: string | null, pairs: readonly ServedPair[]): FoundModel {
  const [first] = pairs;
  const name = given ?? first?.name ?? '';
  const named = pairs.find((pair) => name === pair.name || name.startsWith(`${pair.name}/`));
  const pair = named ?? first;
  if (pair === undefined) throw unknown(name, pairs);
  const own = named === undefined ? name : name.slice(named.name.length + 1);
  const text = own === '' ? pair.strategyDefault : own;
  const strategy = parsed(text);
  const isServed = strategy !== null && pair.strategies.includes(strategy.method.name);
  if (!isServed) throw unknown(name, pairs);
  return { pair, strategy };
}

/** Null: there is no such strategy. */
function parsed(text: string): StrategyValue | null {
  try {
    return parseStrategy(text);
  } catch (error) {
    if (PilotfishError.isInstance(error) && error.code === 'strategy-unknown') return null;
    throw error;
  }
}

export interface ListedModel {
  readonly name: string;
  readonly pair: string;
}

/** As clients list them: those of the first pair without its name. */
export function listedModels(pairs: readonly ServedPair[]): readonly ListedModel[] {
  return pairs.flatMap(({ name: pair, strategies }, index) =>
    strategies.map((one) => ({ pair, name: index === 0 ? one : `${pair}/${one}` })),
  );
}

function unknown(name: string, pairs: readonly ServedPair[]): RequestError {
  const names = listedModels(pairs).map((one) => one.name);
  return new RequestError(
    404,
    `The model ${JSON.stringify(name)} does not exist. Name one of: ${names.join(', ')}.`,
    { code: 'model_not_found', param: 'model' },
  );
}

/** The large model of an engine where it does not run here: behind a hub, or on a server. */
import { definedFields } from '../../core/defined-fields.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { TokenPrices } from '../../core/events.ts';
import type { ByRole } from '../../core/model-id.ts';
import { isServerAddress } from '../../remote/server-address.ts';
import type { RemoteModel } from '../../session/remote-model.ts';
import type { StrategyValue } from '../../strategy/method.ts';
import type { StrategyOptions } from '../../strategy/strategy-options.ts';
import type { PairOptions } from '../pair-options.ts';
import { namedServer } from './named-servers.ts';
import { type HubOptions, reachHub } from './reach-hub.ts';
import { reachServer, type ServerOptions } from './reach-server.ts';
import { checkElsewhere, type ReachedModel } from './reached-model.ts';

export interface ElsewhereOptions {
  /**
   * The hub whose model is the large one. Only the small model is then loaded here, and the answers'
   * tokens travel to the hub (docs/HUB.md).
   */
  readonly hub?: HubOptions | undefined;
  /** Of a large model on a server, which `large` gives the address of (docs/SERVERS.md). */
  readonly server?: ServerOptions | undefined;
}

type Options = ElsewhereOptions & PairOptions;

/**
 * The options with the address, keys and prices of a large model that a user's file names. What is given
 * beside the name counts more.
 * @throws PilotfishError `option-invalid`, `file-system-failed`
 */
export async function withNamedServer<O extends Options & { readonly prices?: Prices }>(
  options: O,
): Promise<O> {
  const { large, server, prices } = options;
  if (large === undefined || isServerAddress(large)) return options;
  const named = await namedServer(large, options.env);
  if (named === null) return options;
  const priceOfLarge = prices?.large ?? named.prices;
  return {
    ...options,
    large: named.address,
    server: { ...named.server, ...definedFields(server ?? {}) },
    ...(priceOfLarge === null ? {} : { prices: { ...prices, large: priceOfLarge } }),
  };
}

type Prices = Partial<ByRole<TokenPrices>> | undefined;

/** Whether the large model runs on a server. */
export function isElsewhere({ large }: Options): boolean {
  return large !== undefined && isServerAddress(large);
}

/** Reached first, so that a wrong address or key costs no load; null: the large model runs here. */
export async function reachElsewhere(options: Options): Promise<ReachedModel | null> {
  const { hub, large, server } = options;
  if (hub !== undefined) return await reachHub(hub, options);
  if (!isElsewhere(options) || large === undefined) {
    if (server !== undefined) throw withoutServer(large);
    return null;
  }
  return await reachServer(large, server, options);
}

export function withoutServer(large = 'not given'): PilotfishError {
  const message = `An option of a server is given, and the large model is ${large}.`;
  return new PilotfishError('option-invalid', message, {
    remedy: 'Give the address of the server with --large, as in vllm:http://HOST:PORT/MODEL.',
    fields: { option: '--large', value: large },
  });
}

/** A model with other tokens than the small one can do less than its server. */
export function checkOpened(
  { capabilities }: RemoteModel,
  { words }: ReachedModel,
  strategies: readonly StrategyValue[],
  options: StrategyOptions,
): void {
  const place = capabilities.input === 'text' ? { ...words, ...OTHER_TOKENS } : words;
  checkElsewhere(strategies, options, { words: place, capabilities });
}

const OTHER_TOKENS = { model: 'its model, which takes texts and no tokens of the small model,' };

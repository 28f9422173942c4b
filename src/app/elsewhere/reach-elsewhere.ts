/** The model of an engine that does not run here: behind a hub, or on a server. */
import { definedFields } from '../../core/defined-fields.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { TokenPrices } from '../../core/events.ts';
import type { ByRole, ModelRole } from '../../core/model-id.ts';
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
  /** The same of a small model on a server; the large one then runs here. */
  readonly smallServer?: ServerOptions | undefined;
}

/** A model elsewhere, and which of the pair it is. */
export interface ReachedRole {
  readonly role: ModelRole;
  readonly model: ReachedModel;
}

type Options = ElsewhereOptions & PairOptions;

/**
 * The options with the address, keys and prices of a model that a user's file names. What is given
 * beside the name counts more.
 * @throws PilotfishError `option-invalid`, `file-system-failed`
 */
export async function withNamedServer<O extends Options & { readonly prices?: Prices }>(
  options: O,
): Promise<O> {
  const small = await known('small', options);
  return { ...options, ...small, ...(await known('large', { ...options, ...small })) };
}

async function known(
  role: ModelRole,
  options: Options & { readonly prices?: Prices },
): Promise<Options & { readonly prices?: Prices }> {
  const { [role]: name, prices } = options;
  if (name === undefined || isServerAddress(name)) return {};
  const named = await namedServer(name, options.env);
  if (named === null) return {};
  const field = role === 'large' ? 'server' : 'smallServer';
  const price = prices?.[role] ?? named.prices;
  return {
    [role]: named.address,
    [field]: { ...named.server, ...definedFields(options[field] ?? {}) },
    ...(price === null ? {} : { prices: { ...prices, [role]: price } }),
  };
}

type Prices = Partial<ByRole<TokenPrices>> | undefined;

/**
 * Which model of the pair runs elsewhere; null: both run here.
 * @throws PilotfishError `option-invalid` where none would run here
 */
export function elsewhereRole({ small = '', large = '', hub }: Options): ModelRole | null {
  const isLargeFar = hub !== undefined || isServerAddress(large);
  if (!isServerAddress(small)) return isLargeFar ? 'large' : null;
  if (!isLargeFar) return 'small';
  throw new PilotfishError('option-invalid', 'Both models would run elsewhere.', {
    remedy: 'Run one of them here, with --small or --large: it turns texts into tokens.',
    fields: { option: '--small', value: small },
  });
}

/** Reached first, so that a wrong address or key costs no load; null: both models run here. */
export async function reachElsewhere(options: Options): Promise<ReachedRole | null> {
  const { hub, small, large, server, smallServer } = options;
  const role = elsewhereRole(options);
  if (role !== 'large' && server !== undefined) throw withoutServer(large);
  if (hub !== undefined) return { role: 'large', model: await reachHub(hub, options) };
  if (role === null) return null;
  const [address = '', own] = role === 'large' ? [large, server] : [small, smallServer];
  return { role, model: await reachServer(address, own, options) };
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
  { role, model: { words } }: ReachedRole,
  strategies: readonly StrategyValue[],
  options: StrategyOptions,
): void {
  const place = capabilities.input === 'text' ? { ...words, ...OTHER_TOKENS } : words;
  checkElsewhere(strategies, options, { role, words: place, capabilities });
}

const OTHER_TOKENS = { model: 'its model, which takes texts and no tokens of the model here,' };

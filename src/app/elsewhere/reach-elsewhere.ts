/** The large model of an engine where it does not run here: behind a hub, or on a server. */
import { isServerAddress } from '../../remote/server-address.ts';
import type { RemoteModel } from '../../session/remote-model.ts';
import type { StrategyValue } from '../../strategy/method.ts';
import type { StrategyOptions } from '../../strategy/strategy-options.ts';
import type { PairOptions } from '../pair-options.ts';
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

/** Whether the large model runs on a server. */
export function isElsewhere({ large }: Options): boolean {
  return large !== undefined && isServerAddress(large);
}

/** Reached first, so that a wrong address or key costs no load; null: the large model runs here. */
export async function reachElsewhere(options: Options): Promise<ReachedModel | null> {
  const { hub, large, server } = options;
  if (hub !== undefined) return await reachHub(hub, options);
  if (large === undefined || !isServerAddress(large)) return null;
  return await reachServer(large, server, options);
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

/** What heads are bound to, and what a strategy can be built from. */
import { required } from '../../core/invariant.ts';
import type { BoundModel } from '../../judging/head.ts';
import { type Router, withEmbeddings } from '../../judging/router.ts';
import type { LlamaCppModel } from '../../model/llama-cpp/model.ts';
import { type FileDigestOptions, fileDigest } from '../../storage/file-digest.ts';
import { consultsFit } from '../../strategy/fitted-uplink.ts';
import type { StrategyValue } from '../../strategy/method.ts';
import type { StrategyOptions, UplinkOptions } from '../../strategy/strategy-options.ts';
import { createStrategy } from '../../strategy/strategy-value.ts';

/** Whether heads are looked for, which takes the digests of both models' files. */
export function asksForHeads(
  strategies: readonly StrategyValue[],
  uplink: UplinkOptions | undefined,
): boolean {
  return strategies.some((value) => value.method.head !== null || consultsFit(value, uplink));
}

/** @param sha256 null: the file is hashed */
export async function boundModel(
  name: string,
  { path, sha256 }: { readonly path: string; readonly sha256: string | null },
  options: FileDigestOptions,
): Promise<BoundModel> {
  return { name, digest: sha256 ?? (await fileDigest(path, `Hashing ${name}`, options)) };
}

/**
 * Refuses what a head cannot give, such as a share that was not measured, before a model is loaded.
 * @throws PilotfishError `threshold-invalid`, `option-invalid`
 */
export function checkBuilt(strategies: readonly StrategyValue[], options: StrategyOptions): void {
  const trained = strategies.filter(({ method }) => method.head !== null);
  for (const value of trained) createStrategy(value, options);
}

/** Gives routers the embeddings of the small model's tokens. */
export function withSmallEmbeddings(
  routers: ReadonlyMap<string, Router>,
  small: LlamaCppModel | null,
): ReadonlyMap<string, Router> {
  if (routers.size === 0) return routers;
  const model = required(small, 'a learned strategy needs the small model');
  const ready = (router: Router): Router =>
    withEmbeddings(router, (id) => model.tokenEmbedding(id));
  return new Map([...routers].map(([strategy, router]) => [strategy, ready(router)]));
}

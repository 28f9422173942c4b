/** The manifest of an evaluation's folder on disk. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { PilotfishError } from '../../core/errors.ts';
import { parseJson } from '../../core/parse-json.ts';
import { rewardDigest } from '../../judging/reward-head.ts';
import { scoreDigest } from '../../judging/router.ts';
import type { UhlmFit } from '../../judging/uhlm-fit.ts';
import { readWhole, writeWhole } from '../../storage/whole-file.ts';
import { isRule } from '../../strategy/fitted-uplink.ts';
import type { EvaluationPair } from './evaluation-pair.ts';
import type { EvaluationPlan } from './evaluation-plan.ts';
import { givenOptions } from './given-options.ts';
import { type JoinedManifest, joinManifest, type Manifest, parseManifest } from './manifest.ts';

type ManifestPlan = Pick<EvaluationPlan, 'maxTokens' | 'waveSize'> &
  Partial<Pick<EvaluationPlan, 'strategies' | 'temperature' | 'drawSeed'>>;

/**
 * Writes the manifest of a new folder, or compares a folder's manifest with the run. A manifest of
 * an earlier version is replaced by an equivalent one of this version.
 * @throws PilotfishError `evaluation-invalid`, `disk-full`, `file-system-failed`
 */
export async function openManifest(
  folder: string,
  pair: EvaluationPair,
  { strategies = [], temperature = 0, drawSeed = 0, ...plan }: ManifestPlan,
): Promise<JoinedManifest> {
  const heads = Object.fromEntries([
    ...[...pair.routers].map(([strategy, router]) => [strategy, scoreDigest(router)]),
    ...[...pair.rewards].map(([strategy, reward]) => [strategy, rewardDigest(reward)]),
    ...fitsInUse(pair, temperature).map(({ strategy, digest }) => [`fit of ${strategy}`, digest]),
  ]);
  const path = join(folder, 'evaluation.json');
  const text = await readWhole(path);
  const value = text === null ? undefined : parseJson(text.toString('utf8'));
  const found = text === null ? null : checked(value, path, folder);
  const options = Object.fromEntries(
    strategies.map(({ method }) => [method.name, JSON.stringify(givenOptions(method, pair))]),
  );
  const { maxTokens, waveSize } = plan;
  const facts = { ...pair, maxTokens, waveSize, temperature, drawSeed, routers: heads, options };
  const joined = joinManifest(found, facts, folder);
  if (!isDeepStrictEqual(value, joined.manifest)) {
    await writeWhole(path, `${JSON.stringify(joined.manifest, null, 2)}\n`);
  }
  return joined;
}

/** The fits that decide. Points have thresholds of their own, so only numbers of tokens depend on one. */
export function fitsInUse(
  { fits = [], strategyOptions = {} }: Pick<EvaluationPair, 'fits' | 'strategyOptions'>,
  temperature: number,
): readonly UhlmFit[] {
  if (!isRule(strategyOptions.uplink?.tokenCount)) return [];
  return fits.filter((fit) => fit.temperature === temperature);
}

function checked(value: unknown, path: string, folder: string): Manifest {
  const manifest = parseManifest(value, folder);
  if (manifest !== null) return manifest;
  throw new PilotfishError('evaluation-invalid', `${path} does not describe an evaluation.`, {
    remedy: 'Choose another folder with --out.',
    fields: { path },
  });
}
